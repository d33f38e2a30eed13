/** Tickets for live sockets, and the door to the room. */
import { closeCode, liveLimits, liveTicketSchema } from '#contracts/live';
import { oneOf } from '#contracts/primitives';
import type { RoomPrincipal } from '#durable-objects/fleet-room/feed';
import { roomOf, type FleetRoomStub } from '#durable-objects/stubs';
import { rereadDisplay } from '../../http/authenticate-display.ts';
import { rereadUser, tenantScopeOf, userOf } from '../../http/authenticate.ts';
import type { AppContext } from '../../http/context.ts';
import { AppError } from '../../http/errors.ts';
import { answer, errors, router, signedInErrors, signedInRoute, tenantQuerySchema } from '../../http/routes.ts';
import { refuseSocket, socketUrl, tenantOfTicket } from '../../http/socket-door.ts';
import { isTenant } from './facts.ts';
import { ensureRoom } from './reseed.ts';

/** Links that change while a ticket is made are seen at the next attempt; more changes than this are no coincidence. */
const ticketAttempts = 3;
const isSameSet = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((value) => b.includes(value));

export const liveTicketRoutes = router().openapi(
  signedInRoute(
    { permission: 'vehicles:read', callers: 'people', displaysToo: true },
    {
      method: 'post',
      path: '/live/tickets',
      tags: ['Live'],
      summary: 'A single-use ticket for one live socket',
      request: { query: tenantQuerySchema },
      responses: { 200: answer(oneOf(liveTicketSchema), 'The ticket'), ...errors(...signedInErrors, 'NOT_FOUND') },
    },
  ),
  async (c) => {
    const caller = c.get('caller');
    const scope = await tenantScopeOf(c, c.req.valid('query').tenantId);
    try {
      const room = roomOf(c.env.FLEET_ROOM, scope.tenantId);
      // A super admin inside a tenant sees what that tenant's room shows, like its own people.
      let tenantIds: readonly string[] = caller.tenant === null ? [scope.tenantId] : scope.readableTenantIds;
      let ticket;
      for (let attempt = 1; ; attempt += 1) {
        ({ ticket } = await room.issueTicket({
          ...principalOf(c),
          tenantIds: [...tenantIds],
          onlyAssignedTo: scope.onlyAssignedTo,
        }));
        // Read after the ticket was made: a link that ends later is withdrawn from it, one that ended before is seen here.
        const shown = await ensureRoom(c.env, c.get('db'), scope.tenantId);
        if (isSameSet(shown, tenantIds)) break;
        if (attempt === ticketAttempts) throw new Error('the links change faster than a ticket is made');
        tenantIds = shown;
      }
      await requireSameRights(c, room);
      const url = socketUrl(c, '/api/v1/live', ticket);
      return c.json({ data: { ticket, expiresIn: liveLimits.ticketSeconds, url } }, 200);
    } catch (cause) {
      if (cause instanceof AppError) throw cause;
      throw new AppError('UNAVAILABLE', 'The live picture does not answer right now. Try again in a moment.', {
        cause,
      });
    }
  },
);

/** Who stands behind a ticket; a display is nobody's session and sees what its tenant's viewers see. */
function principalOf(c: AppContext): Omit<RoomPrincipal, 'tenantIds' | 'onlyAssignedTo'> {
  const caller = c.get('caller');
  if (caller.kind === 'display') {
    const nobody = { role: 'viewer', mayWatch: true, mayStream: false, accessAsOf: null } as const;
    return { kind: 'display', userId: caller.id, sessionId: caller.id, ...nobody };
  }
  const { id: userId, sessionId, role, accessAsOf, permissions } = userOf(c);
  const mayStream = permissions.includes('telemetry:write');
  return { kind: 'user', userId, sessionId, role, accessAsOf, mayWatch: true, mayStream };
}

/**
 * The same for whoever asked: those who changed a person's rights, or unpaired the display, closed what was open by then;
 * this ticket may come after.
 */
async function requireSameRights(c: AppContext, room: FleetRoomStub): Promise<void> {
  const caller = c.get('caller');
  if (caller.kind === 'display') {
    try {
      await rereadDisplay(c);
    } catch (refusal) {
      await room.closeDisplay(caller.id);
      throw refusal;
    }
    return;
  }
  const known = userOf(c);
  const { role, mfaSetupRequired, accessAsOf } = await rereadUser(c);
  if (role === known.role && !mfaSetupRequired && accessAsOf === known.accessAsOf) return;
  await room.close({ userIds: [known.id] });
  throw new Error('the rights changed while the ticket was made');
}

/** Tenants that this isolate has seen; a tenant is never taken away, so none has to be asked for twice. */
const knownTenants = new Set<string>();
const mostKnownTenants = 10_000;

async function isKnownTenant(c: AppContext, tenantId: string): Promise<boolean> {
  if (knownTenants.has(tenantId)) return true;
  if (!(await isTenant(c.get('db'), tenantId))) return false;
  if (knownTenants.size >= mostKnownTenants) knownTenants.clear();
  knownTenants.add(tenantId);
  return true;
}

/**
 * GET /live and GET /live/vehicles/:id: an upgrade with a ticket. The ticket names its room; the room judges it, and knows
 * by the path whether everything is asked for or one truck.
 */
export async function openLiveSocket(c: AppContext): Promise<Response> {
  const named = tenantOfTicket(c);
  if ('refusal' in named) return named.refusal;
  try {
    if (!(await isKnownTenant(c, named.tenantId))) return refuseSocket(closeCode.unauthenticated, 'invalid ticket');
    return await roomOf(c.env.FLEET_ROOM, named.tenantId).fetch(c.req.raw);
  } catch (cause) {
    throw new AppError('UNAVAILABLE', 'The live picture does not answer right now. Try again in a moment.', { cause });
  }
}
