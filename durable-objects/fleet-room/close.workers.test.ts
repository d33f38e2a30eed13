/** Who is shown out of an open room: sessions that are over, people, everyone, and those whose rights have changed. */
import { runInDurableObject } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import { closeCode } from '#contracts/live';
import type { RoomPrincipal, Unwelcome } from '#durable-objects/fleet-room/feed';
import { newRoom, who } from '#test/durable-objects/room-builders';
import { connect, openWith } from '#test/durable-objects/room-client';
import type { FleetRoom } from './fleet-room.ts';

/** A room with one socket for each of these people. */
async function roomWith(...people: Partial<RoomPrincipal>[]) {
  const { tenantId, room, stub } = newRoom();
  const ticketOf = async (patch: Partial<RoomPrincipal> = {}) =>
    (await room.issueTicket(who([tenantId], patch))).ticket;
  const clients = await Promise.all(people.map((patch) => connect(room, who([tenantId], patch))));
  for (const client of clients) await client.untilSnapshot();
  const codeOf = async (ticket: string) => (await openWith(room, ticket)).untilClosed();
  return { room, stub, clients, ticketOf, codeOf };
}

const later = '2026-11-20T12:00:00.000Z';
const [one, two, other] = [
  { userId: 'user-1', sessionId: 'session-1' },
  { userId: 'user-1', sessionId: 'session-2', accessAsOf: later },
  { userId: 'user-2', sessionId: 'session-3', accessAsOf: later },
];

describe('close', () => {
  it.each<[string, Unwelcome, number[]]>([
    ['a session that ended', { endedSessionIds: ['session-1'] }, [0]],
    ['a person', { userIds: ['user-1'] }, [0, 1]],
    ['several at once', { userIds: ['user-2'], endedSessionIds: ['session-1', 'session-x'] }, [0, 2]],
    ['everyone', { everyone: true }, [0, 1, 2]],
    ['a person with rights from before', { outdated: [{ userId: 'user-1', accessAsOf: later }] }, [0]],
    ['nobody', {}, []],
  ])('closes sockets and voids tickets of %s, and of nobody else', async (_whom, unwelcome, closed) => {
    const people = [one, two, other];
    const { room, clients, ticketOf, codeOf } = await roomWith(...people);
    const tickets = await Promise.all(people.map(ticketOf));
    expect(await room.close(unwelcome)).toEqual({ closed: closed.length });
    expect(await room.close(unwelcome)).toEqual({ closed: 0 });
    for (const [at, client] of clients.entries()) {
      if (!closed.includes(at)) expect(client.closed).toBeNull();
      else {
        expect(await client.untilClosed()).toBe(closeCode.sessionRevoked);
        expect(await codeOf(tickets[at] ?? '')).toBe(closeCode.unauthenticated);
      }
    }
  });

  it('refuses a ticket of an ended session that was asked for too late; one of a session that lives on is good', async () => {
    const { room, ticketOf, codeOf, clients } = await roomWith(one);
    await room.close({ endedSessionIds: ['session-1'] });
    expect(await codeOf(await ticketOf(one))).toBe(closeCode.unauthenticated);
    await room.close({ userIds: ['user-1'] });
    const again = await openWith(room, await ticketOf(two));
    again.send({ type: 'hello', protocol: 1 });
    await again.untilSnapshot();
    expect(clients[0]?.closed?.code).toBe(closeCode.sessionRevoked);
  });

  it('remembers ended sessions for a while only', async () => {
    const { room, stub, ticketOf } = await roomWith();
    await room.close({ endedSessionIds: ['session-1'] });
    await runInDurableObject(stub, (_, { storage }) => {
      storage.sql.exec('UPDATE ended_sessions SET until_ms = ?', Date.now() - 1);
    });
    const client = await openWith(room, await ticketOf(one));
    client.send({ type: 'hello', protocol: 1 });
    await client.untilSnapshot();
  });
});

describe('a client that closes', () => {
  it.each([1000, 1005, 1006, 1011, 1015, 4999, 0, 999, 5000, 70_000])('with code %i is let go', async (code) => {
    const { room, stub } = await roomWith(one);
    await runInDurableObject(stub, async (instance: FleetRoom, ctx) => {
      const [ws] = ctx.getWebSockets();
      if (ws) await instance.webSocketClose(ws, code, 'x'.repeat(200));
    });
    expect(await room.status()).toMatchObject({ sockets: 0 });
  });
});
