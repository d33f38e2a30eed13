/** From what trucks did at fences to events, alerts and sockets: each once, whatever breaks in between. */
import { env } from 'cloudflare:workers';
import { and, eq } from 'drizzle-orm';
import { describe, expect, test } from 'vitest';
import { tracksOf } from '#durable-objects/stubs';
import { openDatabase } from '#worker/db/client';
import { alerts, geofenceEvents, tenants, vehicles } from '#worker/db/schema/index';
import { seedRoom } from '#worker/features/live/publish';
import { scopeForJob } from '#worker/http/tenant-scope';
import { drives, insideSquare, outsideSquare, squareShape, takeEvents } from '#test/workers/fence-builders';
import { call, db, person, tenant, truck, type TestTenant } from '#test/workers/harness';
import { connect, deltas } from '#test/workers/live-socket';
import { takeFenceEvents } from './take-events.ts';

const startMs = Math.floor(Date.now() / 1000) * 1000 - 3_600_000;
const at = (minute: number): string => new Date(startMs + minute * 60_000).toISOString();
const inAt = (minute: number, speedMph?: number) => ({
  ...insideSquare,
  at: at(minute),
  ...(speedMph === undefined ? {} : { speedMph }),
});
const outAt = (minute: number) => ({ ...outsideSquare, at: at(minute) });

async function yardOf(owner: TestTenant, rules = {}): Promise<{ id: string; token: string }> {
  const { token } = await person(owner, 'fleet_admin');
  const body = { name: 'Denver yard', shape: squareShape(), ...rules };
  const answer = await call('POST', '/geofences', { token, body });
  expect(answer.status, answer.text).toBe(201);
  return { id: (answer.body.data as { id: string }).id, token };
}
const alertsOf = (owner: TestTenant) =>
  db.select().from(alerts).where(eq(alerts.tenantId, owner.id)).orderBy(alerts.openedAt, alerts.id);
const eventsOf = async (geofenceId: string) =>
  (
    await db
      .select()
      .from(geofenceEvents)
      .where(eq(geofenceEvents.geofenceId, geofenceId))
      .orderBy(geofenceEvents.at, geofenceEvents.id)
  ).map(({ kind, at: time }) => [kind, time]);
const told = async (owner: TestTenant) =>
  (await alertsOf(owner)).map(({ cause, status, occurrenceCount }) => [
    cause.split(':').at(-1),
    status,
    occurrenceCount,
  ]);
const openCount = async (vehicleId: string) =>
  (await db.select().from(vehicles).where(eq(vehicles.id, vehicleId)))[0]?.openAlertCount;

describe('alerts', () => {
  test('entry and dwell end when the truck leaves, exit when it is back', async () => {
    const owner = await tenant();
    const vehicleId = await truck(owner, { unitNumber: '77' });
    const { id } = await yardOf(owner, { alertOnEntry: true, alertOnExit: true, dwellMinutes: 60 });
    await drives(owner, vehicleId, outAt(-120), inAt(-110));
    expect(await takeEvents(owner)).toMatchObject({ taken: 1, isDone: true });
    expect(await alertsOf(owner)).toMatchObject([
      {
        ...{ type: 'geofence', severity: 'minor', vehicleId, cause: `geofence:${id}:${vehicleId}:entry` },
        ...{ title: 'Entered Denver yard', status: 'open' },
        message: expect.stringMatching(/^Unit 77 entered Denver yard on \d{4}-\d\d-\d\d at \d\d:\d\d UTC\.$/) as string,
      },
    ]);
    await drives(owner, vehicleId, inAt(-40));
    await takeEvents(owner);
    expect(await told(owner)).toEqual([
      ['entry', 'open', 1],
      ['dwell', 'open', 1],
    ]);
    expect(await openCount(vehicleId)).toBe(2);
    expect((await alertsOf(owner))[1]).toMatchObject({ title: 'More than an hour in Denver yard' });
    await drives(owner, vehicleId, outAt(-20));
    await takeEvents(owner);
    expect(await told(owner)).toEqual([
      ['entry', 'resolved', 1],
      ['dwell', 'resolved', 1],
      ['exit', 'open', 1],
    ]);
    expect(await openCount(vehicleId)).toBe(1);
    await drives(owner, vehicleId, inAt(-10));
    await takeEvents(owner);
    // What comes back within a day goes on as the alert it was, and is counted.
    expect(await told(owner)).toEqual([
      ['entry', 'open', 2],
      ['dwell', 'resolved', 1],
      ['exit', 'resolved', 1],
    ]);
    expect((await eventsOf(id)).map(([kind]) => kind)).toEqual(['entry', 'dwell', 'exit', 'entry']);
  });

  test('speeding is major, names the speed, and ends when it ends', async () => {
    const owner = await tenant();
    const vehicleId = await truck(owner, { unitNumber: '12' });
    const { id } = await yardOf(owner, { speedLimitMph: 15 });
    await drives(owner, vehicleId, inAt(0, 31.2));
    await takeEvents(owner);
    expect(await alertsOf(owner)).toMatchObject([
      {
        ...{ type: 'speed', severity: 'major', cause: `speed:${id}:${vehicleId}`, title: 'Speeding in Denver yard' },
        message: expect.stringContaining('Unit 12 drove 31 mph in Denver yard') as string,
      },
    ]);
    await drives(owner, vehicleId, inAt(1, 5));
    await takeEvents(owner);
    expect(await told(owner)).toEqual([[vehicleId, 'resolved', 1]]);
    // Only the end of it was news: no further event.
    expect((await eventsOf(id)).map(([kind]) => kind)).toEqual(['entry', 'speeding']);
  });

  test('what happened and was over before anybody looked is an alert that is over', async () => {
    const owner = await tenant();
    const vehicleId = await truck(owner);
    await yardOf(owner, { alertOnEntry: true, alertOnExit: true, speedLimitMph: 15 });
    await drives(owner, vehicleId, outAt(0), inAt(1, 30), outAt(2), inAt(3), outAt(4));
    await takeEvents(owner);
    expect((await told(owner)).sort()).toEqual(
      [
        ['entry', 'resolved', 2],
        ['exit', 'open', 2],
        [vehicleId, 'resolved', 1],
      ].sort(),
    );
    expect(await openCount(vehicleId)).toBe(1);
  });

  test('without alerts there are events, and no more', async () => {
    const owner = await tenant('fleet', { flags: { predictions: true, alerts: false } });
    const vehicleId = await truck(owner);
    const { id } = await yardOf(owner, { alertOnEntry: true, speedLimitMph: 15 });
    await drives(owner, vehicleId, inAt(0, 40), outAt(1));
    await takeEvents(owner);
    expect(await alertsOf(owner)).toEqual([]);
    expect(await eventsOf(id)).toHaveLength(3);
    // Nor where the fence asks for none.
    const quiet = await tenant();
    await yardOf(quiet);
    await drives(quiet, await truck(quiet), inAt(0, 40), outAt(1));
    expect(await takeEvents(quiet)).toMatchObject({ taken: 2 });
    expect(await alertsOf(quiet)).toEqual([]);
  });

  test('a person’s word covers a visit, not the next one', async () => {
    const owner = await tenant();
    const vehicleId = await truck(owner);
    const { token } = await yardOf(owner, { alertOnEntry: true });
    await drives(owner, vehicleId, inAt(0));
    await takeEvents(owner);
    const [alert] = await alertsOf(owner);
    expect((await call('PUT', `/alerts/${alert?.id}/resolve`, { token, body: {} })).status).toBe(200);
    await drives(owner, vehicleId, inAt(5), outAt(6));
    await takeEvents(owner);
    expect(await told(owner)).toEqual([['entry', 'resolved', 1]]);
    await drives(owner, vehicleId, inAt(7));
    await takeEvents(owner);
    expect(await told(owner)).toEqual([['entry', 'open', 2]]);
  });

  test('end with their fence, or when it is drawn elsewhere; nobody exits', async () => {
    const owner = await tenant();
    const [one, two] = [await truck(owner), await truck(owner)];
    const { id, token } = await yardOf(owner, { alertOnEntry: true, alertOnExit: true, speedLimitMph: 15 });
    await seedRoom(env, db, owner.id, owner.id);
    const screen = await connect(token);
    await drives(owner, one, inAt(0, 40));
    await drives(owner, two, inAt(0), outAt(1));
    await takeEvents(owner);
    const live = (await alertsOf(owner)).filter(({ status }) => status === 'open');
    expect(live).toHaveLength(3);
    expect((await call('DELETE', `/geofences/${id}`, { token })).status).toBe(204);
    expect(
      (await alertsOf(owner)).every(({ status, causeEndedAt }) => status === 'resolved' && causeEndedAt !== null),
    ).toBe(true);
    expect([await openCount(one), await openCount(two)]).toEqual([0, 0]);
    await expect
      .poll(() =>
        deltas(screen)
          .flatMap(({ alertsClosed }) => alertsClosed)
          .sort(),
      )
      .toEqual(expect.arrayContaining(live.map((alert) => alert.id)));
    expect(await takeEvents(owner)).toMatchObject({ taken: 0 });
    screen.socket.close();

    const moved = await yardOf(owner, { alertOnEntry: true, speedLimitMph: 15 });
    await drives(owner, two, inAt(5, 40));
    await takeEvents(owner);
    const ofMoved = () => alertsOf(owner).then((all) => all.filter(({ cause }) => cause.includes(moved.id)));
    expect((await ofMoved()).map(({ status }) => status)).toEqual(['open', 'open']);
    await call('PUT', `/geofences/${moved.id}`, { token: moved.token, body: { shape: squareShape(-90) } });
    await takeEvents(owner);
    expect((await ofMoved()).map(({ status }) => status)).toEqual(['resolved', 'resolved']);
    expect((await eventsOf(moved.id)).map(([kind]) => kind)).toEqual(['entry', 'speeding']);
  });

  test('none opens for a fence that is deleted while its events wait', async () => {
    const owner = await tenant();
    const vehicleId = await truck(owner);
    const { id, token } = await yardOf(owner, { alertOnEntry: true });
    await drives(owner, vehicleId, inAt(0));
    await call('DELETE', `/geofences/${id}`, { token });
    expect(await takeEvents(owner)).toMatchObject({ taken: 1, isDone: true });
    expect(await alertsOf(owner)).toEqual([]);
    expect(await eventsOf(id)).toHaveLength(1);
  });
});

describe('whatever breaks', () => {
  /** A Worker whose n-th call to D1 or to the tracks fails. */
  function breaking(owner: TestTenant, failAt: number): { bindings: typeof env; calls: () => number } {
    let calls = 0;
    const step = (): void => {
      calls += 1;
      if (calls === failAt) throw new Error('the line went dead');
    };
    const tracks = tracksOf(env.FLEET_TRACKS, owner.id) as unknown as Record<string, (value: number) => unknown>;
    const stub = {
      listFenceEvents: async (limit: number) => (step(), tracks['listFenceEvents']?.(limit)),
      confirmFenceEvents: async (mark: number) => (step(), tracks['confirmFenceEvents']?.(mark)),
    };
    const bindings = {
      ...env,
      FLEET_TRACKS: { idFromName: () => owner.id, get: () => stub },
      DB: new Proxy(env.DB, {
        get(target, property) {
          if (property !== 'batch') {
            const value: unknown = Reflect.get(target, property);
            return typeof value === 'function' ? value.bind(target) : value;
          }
          return async (statements: D1PreparedStatement[]) => (step(), target.batch(statements));
        },
      }),
    };
    return { bindings: bindings as unknown as typeof env, calls: () => calls };
  }

  test('at any call: the next turn ends where an undisturbed one would', async () => {
    const outcomes: unknown[] = [];
    let calls = Infinity;
    // The first round is undisturbed, and counts.
    for (let failAt = 0; failAt <= calls; failAt += 1) {
      const owner = await tenant();
      const vehicleId = await truck(owner);
      const { id } = await yardOf(owner, { alertOnEntry: true, alertOnExit: true, speedLimitMph: 15 });
      await drives(owner, vehicleId, outAt(0), inAt(1, 30), outAt(2), inAt(3, 9), inAt(4, 20));
      const broken = breaking(owner, failAt);
      await takeEvents(owner, broken.bindings).catch(() => undefined);
      if (failAt === 0) calls = broken.calls();
      await takeEvents(owner);
      const ended = (await told(owner)).map(([cause, ...rest]) =>
        [cause === vehicleId ? 'speed' : cause, ...rest].join(' '),
      );
      outcomes.push([await eventsOf(id), ended.sort()]);
    }
    expect(calls).toBeGreaterThan(3);
    for (const outcome of outcomes) expect(outcome).toEqual(outcomes[0]);
    expect((outcomes[0] as unknown[])[1]).toEqual(['entry open 2', 'exit resolved 1', 'speed open 2']);
  });

  test('two consumers at once take everything once', async () => {
    const owner = await tenant();
    const trucks = await Promise.all(Array.from({ length: 6 }, () => truck(owner)));
    const { id } = await yardOf(owner, { alertOnEntry: true });
    for (const vehicleId of trucks) await drives(owner, vehicleId, inAt(0), outAt(1), inAt(2));
    const bounds = { perRound: 4, rounds: 40 };
    const take = () => takeFenceEvents(scopeForJob(owner.id), env, openDatabase(env.DB), new Date(), bounds);
    await Promise.all([take(), take(), take()]);
    expect((await eventsOf(id)).length).toBe(18);
    expect(await told(owner)).toEqual(trucks.map(() => ['entry', 'open', 2]));
    expect(await tracksOf(env.FLEET_TRACKS, owner.id).listFenceEvents(9)).toEqual([]);
  });

  test('a turn takes so much, and says when there is more', async () => {
    const owner = await tenant();
    await yardOf(owner);
    for (let n = 0; n < 3; n += 1) await drives(owner, await truck(owner), inAt(0), outAt(1));
    const bounds = { perRound: 2, rounds: 2 };
    const take = () => takeFenceEvents(scopeForJob(owner.id), env, openDatabase(env.DB), new Date(), bounds);
    expect(await take()).toEqual({ taken: 4, isDone: false });
    expect(await take()).toEqual({ taken: 2, isDone: true });
  });

  test('events of what is not the tenant’s are left out', async () => {
    const [owner, other] = [await tenant(), await tenant()];
    const foreign = await truck(other);
    const { id } = await yardOf(owner, { alertOnEntry: true });
    await drives(owner, foreign, inAt(0));
    expect(await takeEvents(owner)).toMatchObject({ taken: 1, isDone: true });
    expect(await eventsOf(id)).toEqual([]);
    expect(
      await db
        .select()
        .from(alerts)
        .where(and(eq(alerts.vehicleId, foreign))),
    ).toEqual([]);
  });
});

test('the queue brings it all: an event in the feed, an alert on the socket, within two seconds', async () => {
  const owner = await tenant();
  const vehicleId = await truck(owner);
  const { id, token } = await yardOf(owner, { alertOnEntry: true });
  await seedRoom(env, db, owner.id, owner.id);
  const screen = await connect(token);
  await drives(owner, vehicleId, outAt(0), inAt(1));
  await expect
    .poll(() => deltas(screen).flatMap((delta) => delta.alerts.map(({ title }) => title)), { timeout: 8_000 })
    .toContain('Entered Denver yard');
  const feed = await call('GET', `/geofences/${id}/events`, { token });
  expect(feed.body.data).toMatchObject([{ kind: 'entry', vehicleId, geofenceId: id, at: at(1), ...insideSquare }]);
  const [row] = await db.select().from(tenants).where(eq(tenants.id, owner.id));
  expect(row?.fenceEventMark).toBeGreaterThan(0);
  screen.socket.close();
});
