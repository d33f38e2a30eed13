/** Tickets for live sockets, and the door to the room. */
import { z } from '@hono/zod-openapi';
import { oneOf } from '#contracts/primitives';
import { closeCode, liveLimits, liveTicketSchema } from '#contracts/live';
import { idSchema } from '#contracts/primitives';
import { roomOf } from '#durable-objects/stubs';
import { configOf } from '../../env.ts';
import { tenantScopeOf, userOf } from '../../http/authenticate.ts';
import type { AppContext } from '../../http/context.ts';
import { AppError } from '../../http/errors.ts';
import { answer, errors, router, signedInErrors, signedInRoute } from '../../http/routes.ts';
import { ensureRoom } from './reseed.ts';

const ticketQuerySchema = z.strictObject({ tenantId: idSchema.optional() });

export const liveTicketRoutes = router().openapi(
  signedInRoute(
    { permission: 'vehicles:read', callers: 'people' },
    {
      method: 'post',
      path: '/live/tickets',
      tags: ['Live'],
      summary: 'A single-use ticket for one live socket',
      request: { query: ticketQuerySchema },
      responses: { 200: answer(oneOf(liveTicketSchema), 'The ticket'), ...errors(...signedInErrors, 'NOT_FOUND') },
    },
  ),
  async (c) => {
    const caller = userOf(c);
    const scope = await tenantScopeOf(c, c.req.valid('query').tenantId);
    try {
      const shown = await ensureRoom(c.env, c.get('db'), scope.tenantId);
      const { ticket } = await roomOf(c.env.FLEET_ROOM, scope.tenantId).issueTicket({
        userId: caller.id,
        sessionId: caller.sessionId,
        role: caller.role,
        // A super admin inside a tenant sees what that tenant's room shows.
        tenantIds: caller.tenant === null ? shown : [...scope.readableTenantIds],
        onlyAssignedTo: scope.onlyAssignedTo,
      });
      const url = new URL('/api/v1/live', c.req.url);
      url.protocol = url.protocol === 'http:' ? 'ws:' : 'wss:';
      url.searchParams.set('ticket', ticket);
      return c.json({ data: { ticket, expiresIn: liveLimits.ticketSeconds, url: url.href } }, 200);
    } catch (cause) {
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

function isAllowedOrigin(c: AppContext): boolean {
  const origin = c.req.header('origin');
  // Only browsers send one; others carry no ambient rights that a foreign page could abuse.
  if (origin === undefined) return true;
  return origin === new URL(c.req.url).origin || configOf(c.env).allowedOrigins.includes(origin);
}

/** GET /live: an upgrade with a ticket. The ticket names its room; the room judges it. */
export async function openLiveSocket(c: AppContext): Promise<Response> {
  if (c.req.header('upgrade')?.toLowerCase() !== 'websocket') {
    throw new AppError('VALIDATION_FAILED', 'This address speaks WebSocket: open it with an upgrade and a ticket.');
  }
  if (!isAllowedOrigin(c)) return refuseSocket(closeCode.forbidden, 'origin not allowed');
  const ticket = c.req.query('ticket') ?? '';
  const roomTenantId = idSchema.safeParse(ticket.split('.')[0]);
  if (!roomTenantId.success || ticket.length > 200) return refuseSocket(closeCode.unauthenticated, 'invalid ticket');
  // An invented tenant must not bring a new room into being.
  const known = await c.env.DB.prepare('SELECT 1 FROM tenants WHERE id = ?').bind(roomTenantId.data).first();
  if (known === null) return refuseSocket(closeCode.unauthenticated, 'invalid ticket');
  return roomOf(c.env.FLEET_ROOM, roomTenantId.data).fetch(c.req.raw);
}
