/** Tickets for streams of telemetry, and the door to the gate that holds them. */
import { closeCode } from '#contracts/live';
import { oneOf } from '#contracts/primitives';
import { streamLimits, streamTicketSchema } from '#contracts/telemetry';
import type { RoomPrincipal } from '#durable-objects/fleet-room/feed';
import { gateOf, roomOf } from '#durable-objects/stubs';
import { rereadUser, tenantScopeOf } from '../../http/authenticate.ts';
import { rereadKey } from '../../http/authenticate-key.ts';
import type { AppContext } from '../../http/context.ts';
import { AppError } from '../../http/errors.ts';
import { answer, errors, router, signedInErrors, signedInRoute, tenantQuerySchema } from '../../http/routes.ts';
import { refuseSocket, socketUrl, tenantOfTicket } from '../../http/socket-door.ts';
import { ownTenantOnly } from '../../http/tenant-scope.ts';
import { ensureRoom } from '../live/reseed.ts';
import { streamGatesOf } from './gates.ts';

/** Whoever may stream, as D1 has them by now; throws like a new request would. */
async function streamer(c: AppContext, tenantId: string): Promise<RoomPrincipal> {
  const shared = { mayWatch: false, mayStream: true, tenantIds: [tenantId], onlyAssignedTo: null };
  const caller = c.get('caller');
  if (caller.kind === 'api_key') {
    const { accessAsOf, expiresAt, permissions } = await rereadKey(c);
    const mayStream = permissions.includes('telemetry:write');
    // A key has no role; what it may do is said by the two flags alone.
    const named = { kind: 'api_key', userId: caller.id, sessionId: caller.id, role: 'viewer' } as const;
    return { ...shared, ...named, mayStream, accessAsOf, endsAt: expiresAt };
  }
  const { id, sessionId, role, accessAsOf, permissions } = await rereadUser(c);
  const mayStream = permissions.includes('telemetry:write');
  return { ...shared, kind: 'user', userId: id, sessionId, role, mayStream, accessAsOf, endsAt: null };
}

export const streamRoutes = router().openapi(
  signedInRoute(
    { permission: 'telemetry:write' },
    {
      method: 'post',
      path: '/telemetry/tickets',
      tags: ['Telemetry'],
      summary: 'A single-use ticket for one stream of positions',
      request: { query: tenantQuerySchema },
      responses: { 200: answer(oneOf(streamTicketSchema), 'The ticket'), ...errors(...signedInErrors, 'NOT_FOUND') },
    },
  ),
  async (c) => {
    const { tenantId } = ownTenantOnly(await tenantScopeOf(c, c.req.valid('query').tenantId));
    try {
      const principal = await streamer(c, tenantId);
      const { ticket } = await roomOf(c.env.FLEET_ROOM, tenantId).issueTicket(principal);
      await ensureRoom(c.env, c.get('db'), tenantId);
      // Read again after the ticket was made: whoever changed these rights earlier may have voided tickets before this one
      // was there. Not told, it opens nothing.
      if (JSON.stringify(await streamer(c, tenantId)) !== JSON.stringify(principal)) {
        throw new Error('the rights changed while the ticket was made');
      }
      const url = socketUrl(c, '/api/v1/telemetry/stream', ticket);
      return c.json({ data: { ticket, expiresIn: streamLimits.ticketSeconds, url } }, 200);
    } catch (cause) {
      if (cause instanceof AppError) throw cause;
      throw new AppError('UNAVAILABLE', 'Streams cannot be opened right now. Try again in a moment.', { cause });
    }
  },
);

/** GET /telemetry/stream: an upgrade with a ticket. The ticket names its tenant; one of the tenant's gates has it judged. */
export async function openStream(c: AppContext): Promise<Response> {
  const named = tenantOfTicket(c);
  if ('refusal' in named) return named.refusal;
  try {
    const gates = await streamGatesOf(c.get('db'), named.tenantId);
    if (gates === null) return refuseSocket(closeCode.unauthenticated, 'invalid ticket');
    const gate = Math.floor(Math.random() * gates);
    return await gateOf(c.env.INGEST_GATE, named.tenantId, gate).fetch(c.req.raw);
  } catch (cause) {
    throw new AppError('UNAVAILABLE', 'Streams cannot be opened right now. Try again in a moment.', { cause });
  }
}
