/** Pure rules of dealer links: who may ask whom, who accepts. */
import type { TenantKind } from '#contracts/tenants';

interface Side {
  id: string;
  kind: TenantKind;
}

/** The two sides in their places, or why these two cannot be linked. */
export function pairOf(
  asking: Side,
  asked: Side,
): { dealerTenantId: string; fleetTenantId: string } | { refusal: string } {
  if (asking.id === asked.id) return { refusal: 'is your own: a link joins two' };
  if (asking.kind === asked.kind) {
    return { refusal: `is a ${asked.kind} like yours: a link joins a dealer and a fleet` };
  }
  return asking.kind === 'dealer'
    ? { dealerTenantId: asking.id, fleetTenantId: asked.id }
    : { dealerTenantId: asked.id, fleetTenantId: asking.id };
}

interface Link {
  dealerTenantId: string;
  fleetTenantId: string;
  status: 'pending' | 'active' | 'ended';
  requestedByTenantId: string | null;
}

export const otherSideOf = (link: Pick<Link, 'dealerTenantId' | 'fleetTenantId'>, tenantId: string): string =>
  link.dealerTenantId === tenantId ? link.fleetTenantId : link.dealerTenantId;

/** Why the side cannot accept the link right now; null when it may. */
export function refuseAccept(link: Link, acceptingTenantId: string): 'wrong_state' | 'own_request' | null {
  if (link.status !== 'pending') return 'wrong_state';
  return link.requestedByTenantId === acceptingTenantId ? 'own_request' : null;
}
