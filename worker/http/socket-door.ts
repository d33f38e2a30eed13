/** The door of WebSockets that come with a ticket in their address. */
import { closeCode } from '#contracts/live';
import { idSchema } from '#contracts/primitives';
import type { AppContext } from './context.ts';
import { AppError } from './errors.ts';
import { isOwnOrigin } from './own-origin.ts';

/** Accepts a socket only to close it, so that a browser can read why. */
export function refuseSocket(code: number, reason: string): Response {
  const { 0: client, 1: server } = new WebSocketPair();
  server.accept();
  server.close(code, reason);
  return new Response(null, { status: 101, webSocket: client });
}

/** Where the socket of a ticket is opened: this server's own address, as a client may use it at once. */
export function socketUrl(c: AppContext, path: string, ticket: string): string {
  const url = new URL(path, c.req.url);
  url.protocol = url.protocol === 'http:' ? 'ws:' : 'wss:';
  url.searchParams.set('ticket', ticket);
  return url.href;
}

/**
 * The tenant that an upgrade's ticket names, whose object then judges the ticket; or the answer that refuses it. Throws
 * VALIDATION_FAILED for a request that is no upgrade.
 */
export function tenantOfTicket(c: AppContext): { tenantId: string } | { refusal: Response } {
  if (c.req.header('upgrade')?.toLowerCase() !== 'websocket') {
    throw new AppError('VALIDATION_FAILED', 'This address speaks WebSocket: open it with an upgrade and a ticket.');
  }
  const origin = c.req.header('origin');
  // Only browsers send one; others carry no ambient rights that a foreign page could abuse.
  if (origin !== undefined && !isOwnOrigin(c, origin)) {
    return { refusal: refuseSocket(closeCode.forbidden, 'origin not allowed') };
  }
  const ticket = c.req.query('ticket') ?? '';
  const tenantId = idSchema.safeParse(ticket.split('.')[0]);
  if (!tenantId.success || ticket.length > 200) {
    return { refusal: refuseSocket(closeCode.unauthenticated, 'invalid ticket') };
  }
  return { tenantId: tenantId.data };
}
