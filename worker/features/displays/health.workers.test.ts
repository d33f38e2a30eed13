/** Screens that fall silent and come back: what the room tells, what the sweep finds, and what is written of it. */
import { env } from 'cloudflare:workers';
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { and, eq } from 'drizzle-orm';
import { describe, expect, test } from 'vitest';
import type { DisplayState } from '#durable-objects/fleet-room/feed';
import { roomOf } from '#durable-objects/stubs';
import { display } from '#test/workers/display-builders';
import { alert, call, db, person, tenant, type TestTenant } from '#test/workers/harness';
import { connect } from '#test/workers/live-socket';
import { alerts, displays, tenants } from '#worker/db/schema/index';
import { scopeForJob } from '#worker/http/tenant-scope';
import { consumeLiveQueue } from '#worker/jobs/live-queue';
import { sweepDisplays } from '#worker/jobs/sweep-displays';
import { settleDisplays } from './health.ts';

const nowMs = Date.now();
const at = (seconds: number): string => new Date(nowMs + seconds * 1_000).toISOString();
const state = (displayId: string, heardSeconds: number | null, fields: Partial<DisplayState> = {}): DisplayState => ({
  ...{ displayId, isConnected: heardSeconds !== null },
  lastHeartbeatAt: heardSeconds === null ? null : at(heardSeconds),
  ...{ build: 'b7', uptimeSeconds: 99, viewport: '1920×1080', lastError: null },
  ...fields,
});

/** The environment with rooms that say this of their displays, or do not answer. */
function hearing(states: DisplayState[] | 'nothing', closed: string[] = []): typeof env {
  const room = {
    displayStates: () => (states === 'nothing' ? Promise.reject(new Error('gone')) : Promise.resolve(states)),
    closeDisplay: async (displayId: string) => void closed.push(displayId),
  };
  const stubs = (name: string) => ({ ...room, applyChange: roomOf(env.FLEET_ROOM, name).applyChange });
  const FLEET_ROOM = Object.create(env.FLEET_ROOM, {
    idFromName: { value: (name: string) => name },
    get: { value: (name: string) => stubs(name) },
  }) as DurableObjectNamespace;
  return { ...env, FLEET_ROOM };
}

const settle = (of: TestTenant, states: DisplayState[] | 'nothing', seconds = 0, closed: string[] = []) =>
  settleDisplays(scopeForJob(of.id), hearing(states, closed), db, new Date(nowMs + seconds * 1_000));
const alertsOf = (of: TestTenant) =>
  db
    .select()
    .from(alerts)
    .where(and(eq(alerts.tenantId, of.id)));
const rowOf = async (id: string) => (await db.select().from(displays).where(eq(displays.id, id)))[0];

describe('what the room heard', () => {
  test('is copied, never over something newer, never to another tenant’s display', async () => {
    const [fleet, other] = [await tenant(), await tenant()];
    const mine = await display(fleet, { createdAt: at(-900) });
    const newer = await display(fleet, { createdAt: at(-900), lastHeartbeatAt: at(-1), build: 'newest' });
    const foreign = await display(other, { createdAt: at(-900) });
    const updatedAt = (await rowOf(mine.id))?.updatedAt;
    const heard = [state(mine.id, -10, { lastError: 'x' }), state(newer.id, -20), state(foreign.id, -10)];
    expect(await settle(fleet, heard)).toMatchObject({ displays: 2, silent: 0 });
    expect(await rowOf(mine.id)).toMatchObject({
      ...{ lastHeartbeatAt: at(-10), build: 'b7', uptimeSeconds: 99, viewport: '1920×1080', lastError: 'x' },
      // What a screen says of itself is no change that anybody made.
      updatedAt,
    });
    expect(await rowOf(newer.id)).toMatchObject({ lastHeartbeatAt: at(-1), build: 'newest' });
    expect(await rowOf(foreign.id)).toMatchObject({ lastHeartbeatAt: null, build: null });
  });

  test('of a display that was unpaired unheard closes it', async () => {
    const fleet = await tenant();
    const gone = await display(fleet, { deletedAt: at(-1) });
    const closed: string[] = [];
    await settle(fleet, [state(gone.id, -10)], 0, closed);
    expect(closed).toEqual([gone.id]);
    expect(await rowOf(gone.id)).toMatchObject({ lastHeartbeatAt: null });
  });
});

describe('silence', () => {
  test('opens one alert, however often it is looked at; coming back settles it', async () => {
    const fleet = await tenant();
    const { id } = await display(fleet, { createdAt: at(-9_000) });
    expect(await settle(fleet, [state(id, -149)])).toMatchObject({ silent: 0, opened: 0 });
    // Two at once may both find that it must be opened.
    await Promise.all([settle(fleet, [state(id, -149)], 1), settle(fleet, [state(id, -149)], 1)]);
    for (let look = 1; look < 4; look += 1) await settle(fleet, [state(id, -149)], look);
    const [raised, ...more] = await alertsOf(fleet);
    expect(more).toEqual([]);
    expect(raised).toMatchObject({
      ...{ type: 'display', severity: 'major', status: 'open', vehicleId: null, cause: `display:${id}` },
      ...{ title: 'Display silent: Bay 3, North shop', occurrenceCount: 1 },
    });
    expect(raised?.message).toContain(`since ${at(-149).slice(0, 16).replace('T', ' ')} UTC`);
    expect(await settle(fleet, [state(id, 10)], 20)).toMatchObject({ silent: 0, resolved: 1 });
    expect((await alertsOf(fleet))[0]).toMatchObject({ status: 'resolved', resolvedBy: null });
    // Again within a day: the same alert, counted.
    await settle(fleet, [state(id, 10)], 300);
    await settle(fleet, [state(id, 10)], 301);
    expect(await alertsOf(fleet)).toMatchObject([{ id: raised?.id, status: 'open', occurrenceCount: 2 }]);
  });

  test('of two at once are two at once, and of one only that one', async () => {
    const fleet = await tenant();
    const ids = [];
    for (const name of ['A', 'B', 'C']) ids.push((await display(fleet, { name, createdAt: at(-9_000) })).id);
    const [a = '', b = '', c = ''] = ids;
    await settle(fleet, [state(a, -200), state(b, -300), state(c, -3)]);
    expect((await alertsOf(fleet)).map(({ cause }) => cause).toSorted()).toEqual(
      [`display:${a}`, `display:${b}`].toSorted(),
    );
    await settle(fleet, [state(a, 50), state(b, -300), state(c, 50)], 60);
    const open = (await alertsOf(fleet)).filter(({ status }) => status === 'open');
    expect(open.map(({ cause }) => cause)).toEqual([`display:${b}`]);
  });

  test('of a screen that never spoke counts from its pairing, asleep or not', async () => {
    const fleet = await tenant();
    const { id } = await display(fleet, { createdAt: at(-149) });
    const asleep = await display(fleet, { createdAt: at(-149), isAsleep: true, name: 'Asleep' });
    expect(await settle(fleet, [])).toMatchObject({ silent: 0 });
    expect(await settle(fleet, [state(id, null)], 2)).toMatchObject({ silent: 2, opened: 2 });
    const raised = await alertsOf(fleet);
    expect(raised.map(({ cause }) => cause).toSorted()).toEqual([`display:${id}`, `display:${asleep.id}`].toSorted());
    expect(raised[0]?.message).toContain('has not reported once');
  });

  test('that a person has settled stays settled while it lasts, and counts anew after it', async () => {
    const fleet = await tenant();
    const { token } = await person(fleet, 'fleet_manager');
    const { id } = await display(fleet, { createdAt: at(-9_000) });
    await settle(fleet, [state(id, -200)]);
    const [raised] = await alertsOf(fleet);
    await call('PUT', `/alerts/${raised?.id}/resolve`, { token, body: { comment: 'being repaired' } });
    expect(await settle(fleet, [state(id, -200)], 60)).toMatchObject({ silent: 1, opened: 0 });
    await settle(fleet, [state(id, 100)], 110);
    expect(await settle(fleet, [state(id, 100)], 300)).toMatchObject({ opened: 1 });
  });

  test('of a room is believed only when D1’s copy is old, too', async () => {
    const fleet = await tenant();
    const { id } = await display(fleet, { createdAt: at(-90_000), lastHeartbeatAt: at(-300) });
    expect(await settle(fleet, 'nothing')).toMatchObject({ silent: 0 });
    expect(await settle(fleet, 'nothing', 15 * 60)).toMatchObject({ silent: 1, opened: 1 });
    // It answers again, and has heard the screen all along.
    expect(await settle(fleet, [state(id, 890)], 15 * 60 + 10)).toMatchObject({ resolved: 1 });
  });

  test('ends with the display, also when nobody was there to settle its alert', async () => {
    const fleet = await tenant();
    const { id } = await display(fleet, { createdAt: at(-9_000) });
    await settle(fleet, [state(id, -200)]);
    await db
      .update(displays)
      .set({ deletedAt: at(0) })
      .where(eq(displays.id, id));
    expect(await settle(fleet, [])).toMatchObject({ displays: 0, resolved: 1 });
    const other = await alert(fleet, null, { type: 'sync', cause: 'sync:paccar' });
    await settle(fleet, []);
    expect((await alertsOf(fleet)).find((row) => row.id === other)).toMatchObject({ status: 'open' });
  });
});

describe('the sweep', () => {
  test('looks at every tenant in turn, not at those that are switched off, and one’s trouble stops no other', async () => {
    const [one, two, off] = [await tenant(), await tenant(), await tenant()];
    for (const of of [one, two, off]) await display(of, { createdAt: at(-9_000), lastHeartbeatAt: at(-9_000) });
    await db.update(tenants).set({ isActive: false }).where(eq(tenants.id, off.id));
    const listed = await db.all<{ n: number }>(
      `SELECT count(DISTINCT tenant_id) AS n FROM displays WHERE deleted_at IS NULL OR deleted_at > '${at(-3_600)}'`,
    );
    const turns = (listed[0]?.n ?? 0) - 1;
    for (let turn = 0; turn < turns; turn += 1) {
      const result = await sweepDisplays(hearing([]), new Date(nowMs + turn * 300_000), { tenants: 1, ms: 10_000 });
      expect(result).toMatchObject({ tenants: 1, failed: 0 });
    }
    for (const of of [one, two]) expect(await alertsOf(of)).toMatchObject([{ type: 'display', status: 'open' }]);
    expect(await alertsOf(off)).toEqual([]);
  });

  test('closes what is left of a display that was unpaired unheard, also when it was the tenant’s last', async () => {
    const fleet = await tenant();
    const { id, token } = await display(fleet);
    const socket = await connect(token);
    const cause = `display:${id}`;
    await alert(fleet, null, { type: 'display', cause });
    await db
      .update(displays)
      .set({ deletedAt: at(0) })
      .where(eq(displays.id, id));
    await sweepDisplays(env, new Date(), { tenants: 1_000, ms: 60_000 });
    expect(await socket.closed).toBe(4411);
    expect((await alertsOf(fleet)).find((row) => row.cause === cause)).toMatchObject({ status: 'resolved' });
  });

  test('finds in the real room what a real socket said', async () => {
    const fleet = await tenant();
    const { id, token } = await display(fleet, { createdAt: at(-9_000) });
    const socket = await connect(token);
    socket.socket.send(JSON.stringify({ type: 'heartbeat', build: 'real', uptimeSeconds: 1, viewport: '800×600' }));
    await expect.poll(async () => (await roomOf(env.FLEET_ROOM, fleet.id).displayStates()).length).toBe(1);
    await expect
      .poll(async () => {
        await settleDisplays(scopeForJob(fleet.id), env, db, new Date());
        return (await rowOf(id))?.build;
      })
      .toBe('real');
    expect(await alertsOf(fleet)).toEqual([]);
    socket.socket.close();
  });
});

test('a message of the queue settles its tenant, once for several, and is asked for again when it failed', async () => {
  const [good, bad] = [await tenant(), await tenant()];
  await display(good, { createdAt: at(-9_000) });
  const settled: string[] = [];
  const message = (tenantId: string) => ({
    ...{ id: tenantId, timestamp: new Date(), attempts: 1, body: { kind: 'display_health' as const, tenantId } },
    ack: () => settled.push(`ack ${tenantId}`),
    retry: () => settled.push(`retry ${tenantId}`),
  });
  const messages = [message(good.id), message(bad.id), message(good.id)];
  const batch = { messages } as unknown as Parameters<typeof consumeLiveQueue>[0];
  await consumeLiveQueue(batch, hearing([]));
  expect(settled.toSorted()).toEqual([`ack ${good.id}`, `ack ${good.id}`, `ack ${bad.id}`].toSorted());
  expect(await alertsOf(good)).toMatchObject([{ type: 'display', status: 'open' }]);
  settled.length = 0;
  const DB = {
    prepare: () => {
      throw new Error('down');
    },
    batch: () => Promise.reject(new Error('down')),
  };
  await consumeLiveQueue(batch, { ...hearing([]), DB: DB as unknown as D1Database });
  expect(settled.toSorted()).toEqual([`retry ${good.id}`, `retry ${good.id}`, `retry ${bad.id}`].toSorted());
});

test('a screen that falls silent and comes back, through room, queue and D1', async () => {
  const fleet = await tenant();
  const { id, token } = await display(fleet, { createdAt: at(-9_000) });
  const stub = env.FLEET_ROOM.get(env.FLEET_ROOM.idFromName(fleet.id));
  const socket = await connect(token);
  socket.socket.close();
  // An alarm before its time says nothing of a display that was heard a moment ago.
  await runDurableObjectAlarm(stub);
  expect(await alertsOf(fleet)).toEqual([]);
  // Three minutes pass for the room.
  await runInDurableObject(stub, (_, { storage }) => {
    storage.sql.exec('UPDATE displays SET heard_ms = heard_ms - 180000 WHERE id = ?', id);
  });
  await evictDurableObject(stub);
  await runDurableObjectAlarm(stub);
  const statuses = async () => (await alertsOf(fleet)).map(({ cause, status }) => [cause, status]);
  await expect.poll(statuses, { timeout: 10_000 }).toEqual([[`display:${id}`, 'open']]);
  const again = await connect(token);
  again.socket.send(JSON.stringify({ type: 'heartbeat', build: 'b', uptimeSeconds: 1, viewport: '800×600' }));
  await expect
    .poll(async () => (await roomOf(env.FLEET_ROOM, fleet.id).displayStates())[0]?.lastHeartbeatAt ?? null)
    .not.toBeNull();
  await runDurableObjectAlarm(stub);
  await expect.poll(statuses, { timeout: 10_000 }).toEqual([[`display:${id}`, 'resolved']]);
  expect(await rowOf(id)).toMatchObject({ build: 'b', viewport: '800×600' });
  again.socket.close();
});
