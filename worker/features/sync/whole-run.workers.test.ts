/** A whole run on real D1, gate, scoring, alerts and rooms; only the portal is made up. */
import { env } from 'cloudflare:workers';
import { eq } from 'drizzle-orm';
import { describe, expect, it } from 'vitest';
import type { SnapshotMessage } from '#contracts/live';
import type { ObservedVehicle } from '#contracts/sync';
import { roomOf, scrapeGateOf } from '#durable-objects/stubs';
import { chainPending } from '#worker/audit/chain';
import { alerts, auditLog, faults, syncRuns, tenants, vehicles } from '#worker/db/schema/index';
import { scopeForJob } from '#worker/http/tenant-scope';
import { db, link, person, tenant, truck } from '../../../test/workers/harness.ts';
import { connect } from '../../../test/workers/live-socket.ts';
import { seedRoom } from '../live/publish.ts';
import { runPolicy } from './run-policy.ts';
import type { Steps } from '../../durable-steps.ts';
import { runSync, type RunOutcome, type SyncWork } from './run-sync.ts';
import { createRun, endRun } from './runs-store.ts';
import { listeningDatabase, observedFault, observedVehicle } from '#test/workers/sync-builders';
import { createSyncWork } from './sync-work.ts';

const t1 = '2026-11-20T09:00:00.000Z';
const t2 = '2026-11-20T09:15:00.000Z';
const t3 = '2026-11-20T09:30:00.000Z';

class Crash extends Error {}

/** Steps without an engine: each simply runs, until one is named at which the machine dies. */
const plainSteps = (crashAt?: { name: string; when: 'before' | 'after' }): Steps => ({
  async do(name, work) {
    if (crashAt?.name === name && crashAt.when === 'before') throw new Crash();
    const result = await work();
    if (crashAt?.name === name) throw new Crash();
    return result;
  },
  sleep: async () => undefined,
});

/** A queued run with the real work on a clock that stands still until it is moved. */
async function aRun(tenantId: string, nowIso: string, bindings = env) {
  const { row } = await createRun(scopeForJob(tenantId), db, { provider: 'paccar', trigger: 'cron', nowIso });
  const time = { nowMs: Date.parse(nowIso) };
  const clock = { now: () => time.nowMs, random: () => 0, sleep: async () => undefined };
  const params = { runId: row.id, tenantId, provider: 'paccar', trigger: 'cron', startDelaySeconds: 0 } as const;
  return { runId: row.id, time, work: createSyncWork(bindings, params, { clock }) };
}

const reading = (observed: ObservedVehicle[]): Pick<SyncWork, 'list' | 'details'> => ({
  list: async () => ({
    ok: true,
    value: {
      assets: observed.map(({ vin, unitNumber, year, make, model }) => ({ vin, unitNumber, year, make, model })),
      rejected: [],
      nextHref: null,
    },
  }),
  details: async (of) => {
    const read = observed.filter((one) => of.some(({ vin }) => vin === one.vin));
    return { ok: true, value: { vehicles: read, failed: [], remaining: [], stopped: null } };
  },
});

async function sync(
  tenantId: string,
  observed: ObservedVehicle[],
  nowIso: string,
  options: { bindings?: typeof env; crashAt?: { name: string; when: 'before' | 'after' } } = {},
) {
  const { runId, work } = await aRun(tenantId, nowIso, options.bindings);
  const running = runSync(plainSteps(options.crashAt), { ...work, ...reading(observed) }, runPolicy);
  if (options.crashAt !== undefined) await expect(running).rejects.toThrow(Crash);
  else await running;
  const [row] = await db.select().from(syncRuns).where(eq(syncRuns.id, runId));
  return row;
}

const fleetOf = (count: number, changes: Partial<ObservedVehicle> = {}) =>
  Array.from({ length: count }, (_, n) => observedVehicle(n, changes));
const vehiclesOf = (tenantId: string) =>
  db.select().from(vehicles).where(eq(vehicles.tenantId, tenantId)).orderBy(vehicles.vin);
const faultsOf = (tenantId: string) =>
  db.select().from(faults).where(eq(faults.tenantId, tenantId)).orderBy(faults.spn);
const alertsOf = (tenantId: string) => db.select().from(alerts).where(eq(alerts.tenantId, tenantId));
const counterOf = async (tenantId: string) =>
  (await db.select().from(tenants).where(eq(tenants.id, tenantId)))[0]?.changeCounter ?? -1;
const heard = async (room: string, source: string) =>
  (await roomOf(env.FLEET_ROOM, room).status()).heardThrough[source];
const failed: RunOutcome = {
  status: 'failed',
  error: { code: 'UPSTREAM_FAILED', message: 'no' },
  read: null,
  cooldownMs: 0,
  evaluatedAt: null,
};

describe('a whole run', () => {
  it('scores what changed, opens alerts and says how many', async () => {
    const owner = await tenant();
    const ended = await sync(owner.id, [observedVehicle(1), observedVehicle(2, { faults: [] })], t1);
    expect(ended).toMatchObject({ status: 'succeeded', errorCode: null, finishedAt: t1 });
    expect(ended?.counts).toMatchObject({ vehiclesSeen: 2, vehiclesCreated: 2, faultsOpened: 1, faultsSeen: 1 });
    expect(ended?.counts.alertsOpened).toBeGreaterThan(0);
    const rows = await vehiclesOf(owner.id);
    expect(rows[0]).toMatchObject({ isScoreDirty: false, lastSyncAt: t1, faultsReadAt: t1 });
    expect(rows[0]?.riskScore).toBeGreaterThan(rows[1]?.riskScore ?? 100);
  });

  it('a second run with no change writes nothing but the run, its audit entry and one bulk update', async () => {
    const owner = await tenant();
    const fleet = fleetOf(30);
    await sync(owner.id, fleet, t1);
    const before = { vehicles: await vehiclesOf(owner.id), faults: await faultsOf(owner.id) };
    const counterBefore = await counterOf(owner.id);
    const { d1, writes } = listeningDatabase();
    const ended = await sync(owner.id, fleet, t2, { bindings: { ...env, DB: d1 } });
    expect(ended).toMatchObject({
      status: 'succeeded',
      counts: { vehiclesSeen: 30, vehiclesChanged: 0, faultsSeen: 30 },
    });
    expect(writes.filter((text) => !/sync_logs|audit_/.test(text))).toEqual(['update vehicles set']);
    expect(await faultsOf(owner.id)).toEqual(before.faults);
    expect(await vehiclesOf(owner.id)).toEqual(
      before.vehicles.map((row) => ({ ...row, lastSyncAt: t2, faultsReadAt: t2 })),
    );
    expect(await counterOf(owner.id)).toBe(counterBefore);
  });

  it('a suspicious run clears nothing and alerts; the next good one settles it', async () => {
    const owner = await tenant();
    const fleet = fleetOf(10);
    await sync(owner.id, fleet, t1);
    const few = fleet.slice(0, 3).map((one) => ({ ...one, faults: [] }));
    expect(await sync(owner.id, few, t2)).toMatchObject({ status: 'partial', errorCode: 'SUSPICIOUS_RESULT' });
    expect((await faultsOf(owner.id)).every((row) => row.isActive)).toBe(true);
    const ofSync = async () => (await alertsOf(owner.id)).filter((row) => row.cause === 'sync:paccar');
    expect(await ofSync()).toMatchObject([{ status: 'open', severity: 'major' }]);
    await sync(owner.id, fleet, t3);
    expect(await ofSync()).toMatchObject([{ status: 'resolved', severity: 'major' }]);
  });
});

describe('the rooms', () => {
  it('show every truck of a change larger than one telling, the dealer’s room too', async () => {
    const [owner, dealer] = [await tenant(), await tenant('dealer')];
    await link(dealer, owner);
    const fleet = fleetOf(501, { faults: [] });
    await sync(owner.id, fleet, t1);
    for (const room of [owner.id, dealer.id]) await seedRoom(env, db, room, owner.id);
    await sync(
      owner.id,
      fleet.map((one) => ({ ...one, unitNumber: `new ${one.unitNumber}`, faults: [observedFault()] })),
      t2,
    );
    const rows = await vehiclesOf(owner.id);
    for (const room of [owner.id, dealer.id]) {
      expect(await heard(room, owner.id)).toBe(await counterOf(owner.id));
      const { ticket } = await roomOf(env.FLEET_ROOM, room).issueTicket({
        kind: 'user',
        mayWatch: true,
        mayStream: false,
        userId: owner.id,
        sessionId: owner.id,
        role: 'viewer',
        tenantIds: [owner.id],
        onlyAssignedTo: null,
        accessAsOf: null,
      });
      const shown = await snapshotOf(room, ticket);
      expect(shown).toHaveLength(501);
      expect(shown.every(({ unitNumber }) => unitNumber.startsWith('new '))).toBe(true);
      expect(new Set(shown.map(({ id }) => id))).toEqual(new Set(rows.map(({ id }) => id)));
    }
  }, 60_000);

  it('hear of an alert whose telling was cut off after its commit, and it is counted once', async () => {
    const owner = await tenant();
    await seedRoom(env, db, owner.id, owner.id);
    const { runId, work } = await aRun(owner.id, t1);
    await work.begin();
    const first = await work.tell(failed, t1);
    expect(first.counters).toHaveLength(1);
    // The step's result is lost: it runs again, as often as it takes.
    const again = await work.tell(failed, t1);
    expect(again).toEqual({ counters: [], alertIds: first.alertIds });
    await work.finish(failed, t1);
    await work.publish(null, { ...again, vehicleIds: [] }, []);
    expect(await alertsOf(owner.id)).toMatchObject([{ occurrenceCount: 1, status: 'open' }]);
    expect(await heard(owner.id, owner.id)).toBe(await counterOf(owner.id));
    expect((await db.select().from(syncRuns).where(eq(syncRuns.id, runId)))[0]?.status).toBe('failed');

    const next = await aRun(owner.id, t2);
    await next.work.begin();
    await next.work.tell(failed, t2);
    expect(await alertsOf(owner.id)).toMatchObject([{ occurrenceCount: 2 }]);
    await next.work.finish(failed, t2);
    const good: RunOutcome = { ...failed, status: 'succeeded', error: null };
    const third = await aRun(owner.id, t3);
    const settled = await third.work.tell(good, t3);
    expect(settled.counters).toHaveLength(1);
    expect(await third.work.tell(good, t3)).toEqual({ counters: [], alertIds: settled.alertIds });
  });
});

it('a run that dies between scoring and alerting leaves its alerts to the next run, even one without news', async () => {
  const owner = await tenant();
  const fleet = fleetOf(3);
  const dead = await sync(owner.id, fleet, t1, { crashAt: { name: 'alert', when: 'before' } });
  expect(await alertsOf(owner.id)).toEqual([]);
  expect((await vehiclesOf(owner.id)).every((row) => !row.isScoreDirty && row.riskScore !== null)).toBe(true);
  await endRun(db, dead?.id ?? '', { status: 'failed', finishedAt: t1, read: null, error: null });
  await scrapeGateOf(env.SCRAPE_GATE, owner.id, 'paccar').release(
    dead?.id ?? '',
    { failed: true, cooldownMs: 0 },
    Date.parse(t1),
  );
  const next = await sync(owner.id, fleet, t2);
  expect(next?.counts).toMatchObject({ vehiclesChanged: 0 });
  expect((await alertsOf(owner.id)).filter((row) => row.type === 'fault')).toHaveLength(3);
});

describe('the audit log', () => {
  const entriesOf = async (tenantId: string) => {
    await chainPending(env, tenantId);
    const rows = await db.select().from(auditLog).where(eq(auditLog.chain, tenantId)).orderBy(auditLog.seq);
    return rows.map((row) => ({ ...row, after: JSON.parse(row.after ?? 'null') as unknown }));
  };

  it('has one entry for a whole run, with its counts, also when its last step is repeated', async () => {
    const owner = await tenant();
    const row = await sync(owner.id, fleetOf(3), t1, { crashAt: { name: 'finish', when: 'after' } });
    await endRun(db, row?.id ?? '', { status: 'failed', finishedAt: t2, read: null, error: null });
    expect(await entriesOf(owner.id)).toMatchObject([
      {
        ...{
          action: 'sync_run.finish',
          actorType: 'job',
          actorId: null,
          outcome: 'success',
          resourceId: row?.id,
          at: t1,
        },
        after: { provider: 'paccar', trigger: 'cron', status: 'succeeded', counts: row?.counts, error: null },
      },
    ]);
    expect(row?.counts).toMatchObject({ vehiclesSeen: 3, vehiclesCreated: 3, faultsSeen: 3 });
  });

  it('says of a failed run why', async () => {
    const owner = await tenant();
    const { runId, work } = await aRun(owner.id, t1);
    const error = { code: 'LOGIN_FAILED', message: 'refused' } as const;
    const failed = { status: 'failed', error, read: null, cooldownMs: 0, evaluatedAt: null } as const;
    await work.finish(failed, t1);
    expect(await entriesOf(owner.id)).toMatchObject([
      { action: 'sync_run.finish', resourceId: runId, outcome: 'failed', after: { status: 'failed', error } },
    ]);
  });
});

describe('the gate’s lease', () => {
  const gateOf = (tenantId: string) => scrapeGateOf(env.SCRAPE_GATE, tenantId, 'paccar');

  it('is extended whenever a step begins, and over an announced silence', async () => {
    const owner = await tenant();
    const { time, work } = await aRun(owner.id, t1);
    const left = async () => (await gateOf(owner.id).read()).leaseUntilMs - time.nowMs;
    await work.acquireGate();
    const begun: (() => Promise<unknown>)[] = [
      () => work.list(null),
      () => work.details([], null),
      () => work.persist([], { observedAt: t1, changedAt: t1, mayClear: true }),
      () => work.score(),
    ];
    for (const step of begun) {
      time.nowMs += runPolicy.leaseMs - 1_000;
      await step();
      expect(await left()).toBe(runPolicy.leaseMs);
    }
    await work.announceSilence(900_000, { holdsGate: true });
    expect(await left()).toBe(900_000 + runPolicy.leaseMs);
    // Whoever waits for the gate must not take it by saying so.
    const other = await tenant();
    await (await aRun(other.id, t1)).work.announceSilence(15_000, { holdsGate: false });
    expect((await gateOf(other.id).read()).holder).toBeNull();
  });

  it('once lost to another run, keeps this one away from the portal', async () => {
    const owner = await tenant();
    const { time, work } = await aRun(owner.id, t1);
    await work.acquireGate();
    time.nowMs += runPolicy.leaseMs + 1;
    await gateOf(owner.id).acquire('another run', runPolicy.leaseMs, time.nowMs);
    expect(await work.list(null)).toMatchObject({
      ok: false,
      failure: { message: expect.stringMatching(/Another run/) },
    });
  });
});

describe('the portal’s positions', () => {
  // The room judges how old a reading is by its own clock.
  const readAt = new Date().toISOString();
  const at = (minutes: number) => new Date(Date.parse(readAt) - minutes * 60_000).toISOString();
  const place = (n: number, minutes: number) =>
    observedVehicle(n, { faults: [], position: { lat: 41.8, lon: -87.6, at: at(minutes) } });
  const known = { heading: null, odometerMiles: null, engineHours: null, fuelPercent: null };

  it('reach the live picture, here and at the dealer who watches, unless telemetry knows better', async () => {
    const [owner, dealer] = [await tenant(), await tenant('dealer')];
    await link(dealer, owner);
    const ids = await Promise.all(
      [0, 1, 2].map((n) => truck(owner, { vin: observedVehicle(n).vin, unitNumber: observedVehicle(n).unitNumber })),
    );
    const [fresh = '', moving = '', old = ''] = ids;
    const room = roomOf(env.FLEET_ROOM, owner.id);
    const { socket } = await connect((await person(dealer, 'dealer_admin')).token);
    const telemetry = (vehicleId: string, minutes: number) => ({
      ...{ vehicleId, at: at(minutes), lat: 1, lon: 1, speedMph: 60, ignition: true },
      ...known,
    });
    await room.recordReadings({ sourceTenantId: owner.id, readings: [telemetry(moving, 14), telemetry(old, 40)] });
    await sync(owner.id, [place(0, 5), place(1, 5), place(2, 5)], readAt);
    const held = new Map((await room.overlay(ids)).map((one) => [one.vehicleId, one.reading]));
    expect(held.get(fresh)).toEqual({ at: at(5), lat: 41.8, lon: -87.6, speedMph: null, ignition: null, ...known });
    expect(held.get(moving)).toMatchObject({ lat: 1, speedMph: 60 });
    expect(held.get(old)).toMatchObject({ lat: 41.8, at: at(5) });
    const mirrored = async () => (await roomOf(env.FLEET_ROOM, dealer.id).overlay([fresh]))[0]?.reading?.lat;
    await expect.poll(mirrored).toBe(41.8);
    socket.close();
    // Said again, it is no news; read again a minute later, it is.
    const dirtyBefore = await room.listDirtyReadings(10);
    await sync(owner.id, [place(0, 5)], readAt);
    expect(await room.listDirtyReadings(10)).toEqual(dirtyBefore);
    await sync(owner.id, [place(0, 4)], readAt);
    expect((await room.overlay([fresh]))[0]?.reading?.at).toBe(at(4));
  });
});

/** What a person who opens a socket now is shown. */
async function snapshotOf(room: string, ticket: string): Promise<{ id: string; unitNumber: string }[]> {
  const request = new Request(`https://room/live?ticket=${ticket}`, { headers: { upgrade: 'websocket' } });
  const { webSocket } = await roomOf(env.FLEET_ROOM, room).fetch(request);
  if (webSocket === null) throw new Error('no socket');
  const shown: { id: string; unitNumber: string }[] = [];
  const complete = new Promise<void>((resolve) =>
    webSocket.addEventListener('message', ({ data }) => {
      const message = JSON.parse(String(data)) as SnapshotMessage;
      if (message.type !== 'snapshot') return;
      shown.push(...message.vehicles);
      if (message.part === message.parts) resolve();
    }),
  );
  webSocket.accept();
  webSocket.send(JSON.stringify({ type: 'hello', protocol: 1 }));
  await complete;
  webSocket.close();
  return shown;
}
