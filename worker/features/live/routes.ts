/** Tickets for live sockets, and the door to the room. */
import { closeCode, liveLimits, liveTicketSchema } from '#contracts/live';
import { idSchema, oneOf } from '#contracts/primitives';
import { roomOf } from '#durable-objects/stubs';
import { rereadUser, tenantScopeOf, userOf } from '../../http/authenticate.ts';
import type { AppContext } from '../../http/context.ts';
import { AppError } from '../../http/errors.ts';
import { isOwnOrigin } from '../../http/own-origin.ts';
import { answer, errors, router, signedInErrors, signedInRoute, tenantQuerySchema } from '../../http/routes.ts';
import { isTenant } from './facts.ts';
import { ensureRoom } from './reseed.ts';

/** Links that change while a ticket is made are seen at the next attempt; more changes than this are no coincidence. */
const ticketAttempts = 3;
const isSameSet = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((value) => b.includes(value));

export const liveTicketRoutes = router().openapi(
  signedInRoute(
    { permission: 'vehicles:read', callers: 'people' },
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
    const caller = userOf(c);
    const scope = await tenantScopeOf(c, c.req.valid('query').tenantId);
    try {
      const room = roomOf(c.env.FLEET_ROOM, scope.tenantId);
      // A super admin inside a tenant sees what that tenant's room shows, like its own people.
      let tenantIds: readonly string[] = caller.tenant === null ? [scope.tenantId] : scope.readableTenantIds;
      let ticket;
      for (let attempt = 1; ; attempt += 1) {
        ({ ticket } = await room.issueTicket({
          userId: caller.id,
          sessionId: caller.sessionId,
          role: caller.role,
          tenantIds: [...tenantIds],
          onlyAssignedTo: scope.onlyAssignedTo,
          accessAsOf: caller.accessAsOf,
        }));
        // Read after the ticket was made: a link that ends later is withdrawn from it, one that ended before is seen here.
        const shown = await ensureRoom(c.env, c.get('db'), scope.tenantId);
        if (isSameSet(shown, tenantIds)) break;
        if (attempt === ticketAttempts) throw new Error('the links change faster than a ticket is made');
        tenantIds = shown;
      }
      // The same for the person: whoever changed their rights closed what was open by then; this ticket may come after.
      const { role, mfaSetupRequired, accessAsOf } = await rereadUser(c);
      if (role !== caller.role || mfaSetupRequired || accessAsOf !== caller.accessAsOf) {
        await room.close({ userIds: [caller.id] });
        throw new Error('the rights changed while the ticket was made');
      }
      const url = new URL('/api/v1/live', c.req.url);
      url.protocol = url.protocol === 'http:' ? 'ws:' : 'wss:';
      url.searchParams.set('ticket', ticket);
      return c.json({ data: { ticket, expiresIn: liveLimits.ticketSeconds, url: url.href } }, 200);
    } catch (cause) {
      if (cause instanceof AppError) throw cause;
      throw new AppError('UNAVAILABLE', 'The live picture does not answer right now. Try again in a moment.', {
        cause,
      });
    }
  },
);

/** Accepts a socket only to close it, so that a browser can read why. */
function refuseSocket(code: number, reason: string): Response {
  const { 0: client, 1: server } = new WebSocketPair();
  server.accept();
  server.close(code, reason);
  return new Response(null, { status: 101, webSocket: client });
}

/** GET /live: an upgrade with a ticket. The ticket names its room; the room judges it. */
export async function openLiveSocket(c: AppContext): Promise<Response> {
  if (c.req.header('upgrade')?.toLowerCase() !== 'websocket') {
    throw new AppError('VALIDATION_FAILED', 'This address speaks WebSocket: open it with an upgrade and a ticket.');
  }
  const origin = c.req.header('origin');
  // Only browsers send one; others carry no ambient rights that a foreign page could abuse.
  if (origin !== undefined && !isOwnOrigin(c, origin)) return refuseSocket(closeCode.forbidden, 'origin not allowed');
  const ticket = c.req.query('ticket') ?? '';
  const roomTenantId = idSchema.safeParse(ticket.split('.')[0]);
  if (!roomTenantId.success || ticket.length > 200) return refuseSocket(closeCode.unauthenticated, 'invalid ticket');
  if (!(await isTenant(c.get('db'), roomTenantId.data)))
    return refuseSocket(closeCode.unauthenticated, 'invalid ticket');
  return roomOf(c.env.FLEET_ROOM, roomTenantId.data).fetch(c.req.raw);
}
