import { env } from 'cloudflare:workers';
import { and, eq, ne } from 'drizzle-orm';
import { describe, expect, test } from 'vitest';
import { dealerLinkSchema, type DealerLink } from '#contracts/dealer-links';
import { roomOf } from '#durable-objects/stubs';
import { auditEntriesOf, call, db, link, person, tenant, truck, type TestTenant } from '#test/workers/harness';
import { commonRouteTests } from '#test/workers/common-route-tests';
import { connect, deltas, snapshots, type LiveSocket } from '#test/workers/live-socket';
import { dealerLinks, mailOutbox, tenants } from '#worker/db/schema/index';
import { reseedLaggingRooms } from '#worker/features/live/reseed';
import { newId } from '#worker/ids';

const people = { permission: 'links:manage', callers: 'people' } as const;
const linkPath = async (owner: TestTenant) => `/dealer-links/${await link(await tenant('dealer'), owner)}`;
commonRouteTests('GET /dealer-links', {
  ...{ ...people, method: 'GET', path: () => '/dealer-links', namesThing: false, takesBody: false },
});
commonRouteTests('POST /dealer-links', {
  ...{ ...people, method: 'POST', path: () => '/dealer-links', namesThing: false, takesBody: true },
});
commonRouteTests('POST /dealer-links/:id/accept', {
  ...{ ...people, method: 'POST', path: async (owner) => `${await linkPath(owner)}/accept` },
  ...{ namesThing: true, takesBody: false },
});
commonRouteTests('DELETE /dealer-links/:id', {
  ...{ ...people, method: 'DELETE', path: linkPath, namesThing: true, takesBody: false },
});

interface Side {
  of: TestTenant;
  token: string;
  email: string;
  userId: string;
}
async function side(kind: 'dealer' | 'fleet'): Promise<Side> {
  const of = await tenant(kind);
  return { of, ...(await person(of, kind === 'dealer' ? 'dealer_admin' : 'fleet_admin')) };
}
const bothSides = async () => ({ dealer: await side('dealer'), fleet: await side('fleet') });

const ask = (from: Side, to: { id: string }, headers = {}) =>
  call('POST', '/dealer-links', { token: from.token, body: { tenantId: to.id }, headers });
const accept = (by: { token: string }, id: string, query = '') =>
  call('POST', `/dealer-links/${id}/accept${query}`, { token: by.token });
const end = (by: { token: string }, id: string, query = '') =>
  call('DELETE', `/dealer-links/${id}${query}`, { token: by.token });
function linkOf(answer: Awaited<ReturnType<typeof call>>): DealerLink {
  expect(answer.status, answer.text).toBeLessThan(300);
  return dealerLinkSchema.strict().parse(answer.body.data);
}
const listed = async (by: { token: string }, query = '') => {
  const answer = await call('GET', `/dealer-links${query}`, { token: by.token });
  return (answer.body.data as DealerLink[]).map(({ id, status }) => ({ id, status }));
};
const livesOf = (fleet: TestTenant) =>
  db
    .select()
    .from(dealerLinks)
    .where(and(eq(dealerLinks.fleetTenantId, fleet.id), ne(dealerLinks.status, 'ended')));

describe('asking', () => {
  test('for oneself, for one’s own kind, for nobody', async () => {
    const { dealer, fleet } = await bothSides();
    expect((await ask(fleet, fleet.of)).body.error.code).toBe('VALIDATION_FAILED');
    expect((await ask(fleet, await tenant())).body.error.code).toBe('VALIDATION_FAILED');
    expect((await ask(dealer, await tenant('dealer'))).body.error.code).toBe('VALIDATION_FAILED');
    expect((await ask(dealer, { id: newId() })).body.error.code).toBe('NOT_FOUND');
    expect((await ask(dealer, { id: 'x' })).body.error.code).toBe('VALIDATION_FAILED');
    const suspended = await tenant();
    await db.update(tenants).set({ isActive: false }).where(eq(tenants.id, suspended.id));
    expect((await ask(dealer, suspended)).body.error.code).toBe('NOT_FOUND');
  });

  test.each(['dealer', 'fleet'] as const)(
    'by the %s: pending, told to those who can answer, in both logs',
    async (kind) => {
      const sides = await bothSides();
      const [asking, asked] = kind === 'dealer' ? [sides.dealer, sides.fleet] : [sides.fleet, sides.dealer];
      await person(asked.of, 'viewer');
      const made = linkOf(await ask(asking, asked.of));
      expect(made).toMatchObject({
        dealer: sides.dealer.of,
        fleet: sides.fleet.of,
        ...{ status: 'pending', requestedByTenantId: asking.of.id, acceptedAt: null, endedAt: null },
      });
      const mail = await db.select().from(mailOutbox).where(eq(mailOutbox.tenantId, asked.of.id));
      expect(mail).toMatchObject([{ template: 'dealer_link_requested' }]);
      const [own, theirs] = [await auditEntriesOf(asking.of.id), await auditEntriesOf(asked.of.id)];
      expect(own).toMatchObject([{ action: 'dealer_link.create', actorId: asking.userId, resourceId: made.id }]);
      expect(theirs).toMatchObject([
        { action: 'dealer_link.create', actorId: asking.userId, ip: null, userAgent: null, resourceId: made.id },
      ]);
      for (const one of [asking, asked]) expect(await listed(one)).toEqual([{ id: made.id, status: 'pending' }]);
    },
  );

  test('twice is 409 and names the link; with one Idempotency-Key it is one', async () => {
    const { dealer, fleet } = await bothSides();
    const headers = { 'idempotency-key': 'k' };
    const first = linkOf(await ask(dealer, fleet.of, headers));
    expect(linkOf(await ask(dealer, fleet.of, headers))).toEqual(first);
    for (const again of [await ask(dealer, fleet.of), await ask(fleet, dealer.of)]) {
      expect(again.body.error).toMatchObject({ code: 'CONFLICT', details: { id: first.id, status: 'pending' } });
    }
    expect(await db.$count(mailOutbox, eq(mailOutbox.tenantId, fleet.of.id))).toBe(1);
  });

  test('each other at the same moment makes exactly one link', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { dealer, fleet } = await bothSides();
      const answers = await Promise.all([ask(dealer, fleet.of), ask(fleet, dealer.of), ask(dealer, fleet.of)]);
      expect(answers.map((answer) => answer.status).toSorted()).toEqual([201, 409, 409]);
      expect(await livesOf(fleet.of)).toHaveLength(1);
      expect(await auditEntriesOf(fleet.of.id)).toHaveLength(1);
    }
  });
});

describe('accepting', () => {
  test('is the other side’s, once; a third tenant finds nothing', async () => {
    const { dealer, fleet } = await bothSides();
    const { id } = linkOf(await ask(fleet, dealer.of));
    const own = await accept(fleet, id);
    expect(own.body.error).toMatchObject({ code: 'FORBIDDEN', details: { required: 'links:manage' } });
    for (const stranger of [await side('dealer'), await side('fleet')]) {
      expect((await accept(stranger, id)).body.error.code).toBe('NOT_FOUND');
      expect((await end(stranger, id)).body.error.code).toBe('NOT_FOUND');
      expect((await accept(stranger, id, `?tenantId=${dealer.of.id}`)).body.error.code).toBe('NOT_FOUND');
      expect(await listed(stranger)).toEqual([]);
    }
    const active = linkOf(await accept(dealer, id));
    expect(active).toMatchObject({ status: 'active', acceptedAt: expect.any(String) });
    for (const one of [dealer, fleet]) {
      expect((await accept(one, id)).body.error).toMatchObject({ code: 'CONFLICT', details: { status: 'active' } });
    }
    expect((await auditEntriesOf(fleet.of.id)).map((entry) => entry.action)).toEqual([
      'dealer_link.create',
      'access.denied',
      'dealer_link.accept',
    ]);
  });

  test('by many at once is accepted once', async () => {
    const { dealer, fleet } = await bothSides();
    const { id } = linkOf(await ask(fleet, dealer.of));
    const statuses = (await Promise.all([1, 2, 3].map(() => accept(dealer, id)))).map((answer) => answer.status);
    expect(statuses.toSorted()).toEqual([200, 409, 409]);
    const accepted = (await auditEntriesOf(fleet.of.id)).filter((entry) => entry.action === 'dealer_link.accept');
    expect(accepted).toHaveLength(1);
  });

  test('does not reach a customer’s links through a link', async () => {
    const { dealer, fleet } = await bothSides();
    await link(dealer.of, fleet.of);
    const other = await side('dealer');
    const { id } = linkOf(await ask(other, fleet.of));
    expect((await accept(dealer, id)).status).toBe(404);
    expect((await call('GET', `/dealer-links?tenantId=${fleet.of.id}`, { token: dealer.token })).status).toBe(404);
    expect(await listed(dealer)).toHaveLength(1);
  });
});

describe('ending', () => {
  test.each(['dealer', 'fleet'] as const)(
    'by the %s: for good, kept as history, and open to a new beginning',
    async (kind) => {
      const sides = await bothSides();
      const { dealer, fleet } = sides;
      const vehicleId = await truck(fleet.of);
      const sees = async () => (await call('GET', `/vehicles/${vehicleId}`, { token: dealer.token })).status;
      const first = linkOf(await ask(fleet, dealer.of));
      expect(await sees()).toBe(404);
      await accept(dealer, first.id);
      expect(await sees()).toBe(200);
      expect((await end(sides[kind], first.id)).status).toBe(204);
      expect(await sees()).toBe(404);
      for (const answer of [await end(dealer, first.id), await accept(dealer, first.id)]) {
        expect(answer.body.error).toMatchObject({ code: 'CONFLICT', details: { status: 'ended' } });
      }
      const second = linkOf(await ask(dealer, fleet.of));
      await accept(fleet, second.id);
      expect(await sees()).toBe(200);
      expect(await listed(fleet)).toEqual([
        { id: second.id, status: 'active' },
        { id: first.id, status: 'ended' },
      ]);
      expect(await listed(dealer, '?status=ended')).toEqual([{ id: first.id, status: 'ended' }]);
      const [row] = await db.select().from(dealerLinks).where(eq(dealerLinks.id, first.id));
      expect(row).toMatchObject({ endedByTenantId: sides[kind].of.id, endedAt: expect.any(String) });
    },
  );

  test('a request is declined by the asked and taken back by the asking side', async () => {
    const { dealer, fleet } = await bothSides();
    for (const who of [dealer, fleet]) {
      const { id } = linkOf(await ask(fleet, dealer.of));
      expect((await end(who, id)).status).toBe(204);
      expect((await accept(dealer, id)).body.error.code).toBe('CONFLICT');
    }
  });
});

describe('the operator', () => {
  test('acts for one side, and ends for none', async () => {
    const { dealer, fleet } = await bothSides();
    const operator = await person(null, 'super_admin');
    const body = { tenantId: dealer.of.id };
    expect((await call('POST', '/dealer-links', { token: operator.token, body })).status).toBe(400);
    const asked = await call('POST', `/dealer-links?tenantId=${fleet.of.id}`, { token: operator.token, body });
    const { id, requestedByTenantId } = linkOf(asked);
    expect(requestedByTenantId).toBe(fleet.of.id);
    expect((await accept(operator, id, `?tenantId=${fleet.of.id}`)).status).toBe(403);
    expect((await accept(operator, id, `?tenantId=${(await tenant()).id}`)).status).toBe(404);
    expect(linkOf(await accept(operator, id)).status).toBe('active');
    expect(await listed(operator, `?tenantId=${dealer.of.id}`)).toEqual([{ id, status: 'active' }]);
    expect((await listed(operator, '?pageSize=100')).map((row) => row.id)).toContain(id);
    expect((await end(operator, id)).status).toBe(204);
    expect((await db.select().from(dealerLinks).where(eq(dealerLinks.id, id)))[0]?.endedByTenantId).toBeNull();
    for (const one of [dealer, fleet]) {
      expect((await auditEntriesOf(one.of.id)).at(-1)).toMatchObject({ actorId: operator.userId });
    }
  });
});

describe('live', () => {
  const shown = (socket: LiveSocket): string[] => {
    const held = new Set<string>();
    for (const message of socket.messages) {
      if (message.type === 'snapshot') {
        if (message.part === undefined || message.part === 1) held.clear();
        for (const { id } of message.vehicles) held.add(id);
      }
      if (message.type !== 'delta') continue;
      for (const { id } of message.vehicles) held.add(id);
      for (const id of message.removed) held.delete(id);
    }
    return [...held].toSorted();
  };

  test(
    'an open dealer socket gains the fleet’s trucks with the link and loses them with its end, again and again',
    { timeout: 30_000 },
    async () => {
      const { dealer, fleet } = await bothSides();
      const [mine, first, second] = [await truck(dealer.of), await truck(fleet.of), await truck(fleet.of)];
      const stranger = await truck((await side('fleet')).of);
      const socket = await connect(dealer.token);
      const operator = await person(null, 'super_admin');
      const watching = await connect(operator.token, `?tenantId=${dealer.of.id}`);
      expect(shown(socket)).toEqual([mine]);
      for (let round = 0; round < 3; round += 1) {
        const { id } = linkOf(await ask(dealer, fleet.of));
        await accept(fleet, id);
        const all = [mine, first, second].toSorted();
        for (const one of [socket, watching]) await expect.poll(() => shown(one), { timeout: 2_000 }).toEqual(all);
        await end(fleet, id);
        for (const one of [socket, watching]) await expect.poll(() => shown(one), { timeout: 2_000 }).toEqual([mine]);
      }
      expect(socket.messages.map((message) => JSON.stringify(message)).join()).not.toContain(stranger);
      expect(deltas(socket).length + snapshots(socket).length).toBeGreaterThan(6);
      socket.socket.close();
      watching.socket.close();
    },
  );

  test('after its end nothing of the fleet arrives, whatever it reports', async () => {
    const { dealer, fleet } = await bothSides();
    const vehicleId = await truck(fleet.of);
    const id = await link(dealer.of, fleet.of);
    const socket = await connect(dealer.token);
    expect(shown(socket)).toEqual([vehicleId]);
    await end(fleet, id);
    await expect.poll(() => shown(socket)).toEqual([]);
    const heard = socket.messages.length;
    const position = { vehicleId, at: new Date().toISOString(), lat: 40, lon: -105, speedMph: 60 };
    await call('POST', '/telemetry/positions', { token: fleet.token, body: { positions: [position] } });
    await roomOf(env.FLEET_ROOM, dealer.of.id).status();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(
      socket.messages
        .slice(heard)
        .map((message) => JSON.stringify(message))
        .join(),
    ).not.toContain(vehicleId);
    socket.socket.close();
  });

  test('a link that ends while people come in leaves nobody inside', { timeout: 30_000 }, async () => {
    const { dealer, fleet } = await bothSides();
    const vehicleId = await truck(fleet.of);
    const socket = await connect(dealer.token);
    for (let round = 0; round < 3; round += 1) {
      const { id } = linkOf(await ask(dealer, fleet.of));
      const [, , ended, ...tickets] = await Promise.all([
        accept(fleet, id),
        call('POST', '/live/tickets', { token: dealer.token }),
        end(dealer, id),
        ...[1, 2, 3].map(() => call('POST', '/live/tickets', { token: dealer.token })),
        reseedLaggingRooms(env, db),
      ]);
      expect(ended?.status).toBe(204);
      for (const answer of tickets) {
        if (answer === undefined || !('status' in answer)) continue;
        const late = await connect((answer.body.data as { ticket: string }).ticket, '', { isTicket: true });
        expect(shown(late)).toEqual([]);
        late.socket.close();
      }
      await expect.poll(() => shown(socket), { timeout: 2_000 }).toEqual([]);
    }
    expect((await roomOf(env.FLEET_ROOM, dealer.of.id).status()).vehicles).toBe(0);
    expect((await call('GET', `/vehicles/${vehicleId}`, { token: dealer.token })).status).toBe(404);
    socket.socket.close();
  });

  test('rights that were not given when the link began come with the sweep', async () => {
    const { dealer, fleet } = await bothSides();
    const vehicleId = await truck(fleet.of);
    const socket = await connect(dealer.token);
    await link(dealer.of, fleet.of);
    await reseedLaggingRooms(env, db);
    await expect.poll(() => shown(socket), { timeout: 2_000 }).toEqual([vehicleId]);
    socket.socket.close();
  });

  test('an unused ticket has the rights of now, not of when it was made', async () => {
    const { dealer, fleet } = await bothSides();
    const vehicleId = await truck(fleet.of);
    const ticketOf = async () =>
      ((await call('POST', '/live/tickets', { token: dealer.token })).body.data as { ticket: string }).ticket;
    const before = await ticketOf();
    const { id } = linkOf(await ask(dealer, fleet.of));
    await accept(fleet, id);
    const gained = await connect(before, '', { isTicket: true });
    expect(shown(gained)).toEqual([vehicleId]);
    const during = await ticketOf();
    await end(dealer, id);
    const lost = await connect(during, '', { isTicket: true });
    expect(shown(lost)).toEqual([]);
    gained.socket.close();
    lost.socket.close();
  });
});
