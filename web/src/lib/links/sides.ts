/** A dealer link as one of its sides sees it. Pure. */
import type { DealerLink } from '#contracts/dealer-links';

export interface LinkView {
  link: DealerLink;
  /** The other organisation. */
  other: { id: string; name: string };
  otherKind: 'dealer' | 'fleet';
  /** Pending, and this side is the one to answer. Requests made by the operator wait for the fleet and the dealer alike. */
  isAsked: boolean;
}

export function viewFrom(tenantId: string, link: DealerLink): LinkView {
  const isDealer = link.dealer.id === tenantId;
  return {
    link,
    other: isDealer ? link.fleet : link.dealer,
    otherKind: isDealer ? 'fleet' : 'dealer',
    isAsked: link.status === 'pending' && link.requestedByTenantId !== tenantId,
  };
}

/** What it means that a link is active, for whoever sees the other side. */
export const meaningOf = ({ other, otherKind }: LinkView): string =>
  otherKind === 'dealer'
    ? `${other.name} sees your trucks, their faults, positions, alerts and reports, and may work on them. Your people, settings and keys stay yours alone.`
    : `You see the trucks of ${other.name}, their faults, positions, alerts and reports. Their people, settings and keys stay theirs alone.`;

/** What ending it takes away. */
export const endingOf = ({ other, otherKind }: LinkView): string =>
  otherKind === 'dealer'
    ? `${other.name} no longer sees your trucks, within seconds, on open screens and displays too. What they did stays in your audit log.`
    : `You no longer see the trucks of ${other.name}, within seconds, on open screens and displays too.`;

/** Who ended it, as this side says it. */
export function endedBy({ link, other }: LinkView, tenantId: string): string {
  if (link.endedByTenantId === tenantId) return 'by you';
  return link.endedByTenantId === other.id ? `by ${other.name}` : 'by the operator';
}
