/** Days of tracks that grow old: archived, restored, locked again, deleted; killed anywhere, and wrong objects. */
import { env } from 'cloudflare:workers';
import { and, eq } from 'drizzle-orm';
import { describe, expect, test, vi } from 'vitest';
import { restoredForDays } from '#contracts/positions';
import { auditOutbox } from '#worker/db/schema/index';
import type { Env } from '#worker/env';
import { call, db, person, tenant, truck } from '#test/workers/harness';
import {
  askTrack,
  dayMs,
  dieEverywhere,
  expectNoOrphans,
  fixesOf,
  midnight,
  nameOfDay,
  objectsOf,
  putFixes,
  trackDay,
} from '#test/workers/track-builders';
import { restoreSomeDays } from '#worker/features/track-archive/restore-days';
import { requestRestore } from '#worker/features/track-archive/store';
import { trailOfJob } from '#worker/audit/trail';
import { scopeForJob } from '#worker/http/tenant-scope';
import { ageTracks } from './age-tracks.ts';
import { moveTracks } from './move-tracks.ts';
import { sweepTrackFiles } from './sweep-track-files.ts';

const plenty = { calls: 100_000, listed: 100 };
const moveAll = { calls: 100_000, partsPerTurn: 1_000, tenants: 1_000, ms: 600_000 };
const now = new Date();
const later = (days: number) => new Date(now.getTime() + days * dayMs);
const archived = later(400);
const inEightYears = later(9 * 365);
const age = (at: Date, of: Env = env) => ageTracks(of, at, plenty);
const quiet = () => vi.spyOn(console, 'error').mockImplementation(() => undefined);

/** What R2 was told of the class of each object: the local one has no classes. */
function classesKept() {
  const classes = new Map<string, string | undefined>();
  const bucket = new Proxy(env.ARTIFACTS, {
    get(of, name) {
      const value: unknown = Reflect.get(of, name);
      if (typeof value !== 'function') return value;
      const method = value as (...args: unknown[]) => unknown;
      return (...args: unknown[]) => {
        if (name === 'put') classes.set(String(args[0]), (args[2] as R2PutOptions | undefined)?.storageClass);
        return Reflect.apply(method, of, args);
      };
    },
  });
  return { classes, of: { ...env, ARTIFACTS: bucket } as Env };
}

/** A fleet whose two oldest days lie in R2. */
async function storedFleet() {
  const fleet = await tenant();
  const { token } = await person(fleet, 'fleet_admin');
  const id = await truck(fleet);
  const [first, second] = [midnight(41), midnight(40)];
  const track = [...fixesOf(first, 80), ...fixesOf(second, 60)];
  await putFixes(fleet, id, track);
  await moveTracks(env, new Date(), moveAll);
  const range = { fromMs: first, toMs: second + dayMs };
  const until = new Date(archived.getTime() + restoredForDays * dayMs).toISOString();
  const restore = (days = { from: nameOfDay(first), to: nameOfDay(second) }) =>
    requestRestore(scopeForJob(fleet.id), db, trailOfJob(archived), { ...days, until });
  return { fleet, token, id, first, second, track, range, until, restore };
}

const ask = (id: string, token: string, { fromMs, toMs }: { fromMs: number; toMs: number }) =>
  call(
    'GET',
    `/vehicles/${id}/positions?limit=1000&from=${new Date(fromMs).toISOString()}&to=${new Date(toMs).toISOString()}`,
    { token },
  );

const auditOf = async (of: { id: string }) =>
  (
    await db
      .select({ action: auditOutbox.action, day: auditOutbox.resourceId, actor: auditOutbox.actorType })
      .from(auditOutbox)
      .where(and(eq(auditOutbox.chain, of.id), eq(auditOutbox.resourceType, 'track_day')))
  ).map(({ action, day, actor }) => `${actor} ${action} ${day ?? ''}`);

describe('a day of more than a year ago', () => {
  test('goes into the archive class; asked for it is a conflict that names it and the way', async () => {
    const { fleet, token, id, first, second, range, track } = await storedFleet();
    expect(await age(now)).toMatchObject({ archived: 0, deleted: 0 });
    const before = await objectsOf(fleet);
    const { classes, of } = classesKept();
    // One of the two: the other is a day younger.
    const between = new Date(first + 366 * dayMs);
    expect((await age(between, of)).archived).toBeGreaterThan(0);
    const row = await trackDay(fleet, first);
    expect(row).toMatchObject({ state: 'archived', archivedAt: between.toISOString(), fixes: 80 });
    expect(row?.files.map(({ key }) => classes.get(key))).toEqual(['InfrequentAccess']);
    expect(await trackDay(fleet, second)).toMatchObject({ state: 'stored' });
    await expectNoOrphans(fleet, first, second);
    expect((await objectsOf(fleet)).filter((key) => before.includes(key))).toHaveLength(1);

    const refused = await ask(id, token, range);
    expect([refused.status, refused.body.error.code]).toEqual([409, 'CONFLICT']);
    expect(refused.body.error.details).toEqual({ days: [nameOfDay(first)] });
    expect(refused.body.error.message).toContain('POST /api/v1/track-restores');
    expect((await ask(id, token, { fromMs: first, toMs: second - 1 })).status).toBe(409);
    expect(
      (await call('GET', `/vehicles/${id}/positions?simplify=5&from=${nameOfDay(first)}T00:00:00Z`, { token })).status,
    ).toBe(409);
    // A truck that came after that day is not in its way.
    const younger = await truck(fleet);
    expect(await askTrack(younger, token, range)).toEqual([]);
    // Other days are as readable as before.
    expect(await askTrack(id, token, { fromMs: second, toMs: range.toMs })).toEqual(track.slice(80));
    expect(await auditOf(fleet)).toEqual([`job track_day.archive ${nameOfDay(first)}`]);
  });

  test('restored is read for a week, and goes back; nothing is lost on the way', async () => {
    const { fleet, token, id, first, second, track, range, until, restore } = await storedFleet();
    await age(archived);
    const home = (await objectsOf(fleet)).sort();
    expect(await restore()).toBe(2);
    const coming = await ask(id, token, range);
    expect([coming.status, coming.body.error.message]).toEqual([409, expect.stringContaining('are being restored')]);
    const { classes, of } = classesKept();
    expect(await restoreSomeDays(scopeForJob(fleet.id), of, db, archived)).toEqual({ restored: 2, isDone: true });
    expect([...classes.values()]).toEqual(['Standard', 'Standard']);
    expect(await trackDay(fleet, first)).toMatchObject({ state: 'restored', restoredUntil: until });
    expect(await askTrack(id, token, range)).toEqual(track);
    await expectNoOrphans(fleet, first, second);
    expect(await objectsOf(fleet)).toHaveLength(4);
    // Again: nothing is copied again, the week begins anew.
    expect(await restore()).toBe(2);
    expect(await restoreSomeDays(scopeForJob(fleet.id), env, db, archived)).toEqual({ restored: 0, isDone: true });
    expect(await age(later(406.9))).toMatchObject({ locked: 0 });
    expect(await askTrack(id, token, range)).toEqual(track);
    expect((await age(later(407.1))).locked).toBeGreaterThanOrEqual(2);
    expect(await objectsOf(fleet)).toEqual(home);
    expect((await ask(id, token, range)).status).toBe(409);
    const days = [nameOfDay(first), nameOfDay(second)];
    const words = (action: string) => days.map((day) => `job track_day.${action} ${day}`);
    expect((await auditOf(fleet)).sort()).toEqual(
      [
        ...words('archive'),
        ...words('lock'),
        ...words('restored'),
        ...['job track_days.restore ', 'job track_days.restore '],
      ].sort(),
    );
  });

  test('gets what comes late into the archive too, restored or not', async () => {
    const { fleet, token, id, first, track, range, restore } = await storedFleet();
    await age(archived);
    await putFixes(fleet, id, fixesOf(first + 20 * 3_600_000, 2));
    const { classes, of } = classesKept();
    expect(await moveTracks(of, later(1), moveAll)).toMatchObject({ parts: 1, failed: 0 });
    expect([...classes.values()]).toEqual(['InfrequentAccess']);
    expect(await trackDay(fleet, first)).toMatchObject({ state: 'archived', fixes: 82 });
    await restore();
    await age(archived);
    await putFixes(fleet, id, fixesOf(first + 22 * 3_600_000, 2));
    await moveTracks(env, later(2), moveAll);
    expect(await trackDay(fleet, first)).toMatchObject({ state: 'restored', fixes: 84 });
    const late = [...fixesOf(first + 20 * 3_600_000, 2), ...fixesOf(first + 22 * 3_600_000, 2)];
    expect(await askTrack(id, token, range)).toEqual([...track.slice(0, 80), ...late, ...track.slice(80)]);
    expect((await age(later(408))).locked).toBeGreaterThan(0);
    await expectNoOrphans(fleet, first, midnight(40));
  });

  test('of eight years ago is deleted with its row, restored or not, and what comes later too', async () => {
    const { fleet, token, id, first, second, range, restore } = await storedFleet();
    await age(archived);
    await restore({ from: nameOfDay(first), to: nameOfDay(first) });
    await age(archived);
    expect(await age(new Date(first + 365 * 8 * dayMs))).toMatchObject({ deleted: 0 });
    expect((await age(inEightYears)).deleted).toBeGreaterThanOrEqual(2);
    expect([await trackDay(fleet, first), await trackDay(fleet, second), await objectsOf(fleet)]).toEqual([
      null,
      null,
      [],
    ]);
    expect(await askTrack(id, token, range)).toEqual([]);
    expect(await auditOf(fleet)).toContain(`job track_day.delete ${nameOfDay(first)}`);
    await putFixes(fleet, id, fixesOf(first, 3));
    await moveTracks(env, inEightYears, moveAll);
    expect(await objectsOf(fleet)).toHaveLength(1);
    await age(inEightYears);
    expect([await trackDay(fleet, first), await objectsOf(fleet)]).toEqual([null, []]);
  });
});

describe('killed before and after every call', () => {
  type Fleet = Awaited<ReturnType<typeof storedFleet>>;
  const everywhere = (
    job: (of: Env) => Promise<{ failed: number }>,
    prepared: (fleet: Fleet) => Promise<unknown>,
    expected: (fleet: Fleet) => Promise<unknown>,
  ) => {
    quiet();
    let fleet: Fleet | null = null;
    return dieEverywhere(job, {
      before: async () => {
        fleet = await storedFleet();
        await prepared(fleet);
      },
      after: async () => {
        if (fleet === null) throw new Error('no fleet');
        expect(await job(env)).toMatchObject({ failed: 0 });
        await sweepTrackFiles(env, later(2), 1_000);
        await expectNoOrphans(fleet.fleet, fleet.first, fleet.second);
        await expected(fleet);
      },
    });
  };
  const readable = async ({ id, token, range, track }: Fleet) => {
    expect(await askTrack(id, token, range)).toEqual(track);
  };

  test('of archiving and restoring, every fix is still there', { timeout: 300_000 }, async () => {
    const deaths = await everywhere(
      (of) => age(archived, of),
      async ({ restore }) => {
        await age(archived);
        await restore({ from: '2000-01-01', to: '2099-01-01' });
      },
      readable,
    );
    expect(deaths).toBeGreaterThan(8);
    const ofArchiving = await everywhere(
      (of) => age(archived, of),
      async () => undefined,
      async (fleet) => {
        expect(await trackDay(fleet.fleet, fleet.first)).toMatchObject({ state: 'archived', fixes: 80 });
        await fleet.restore();
        await age(archived);
        await readable(fleet);
      },
    );
    expect(ofArchiving).toBeGreaterThan(8);
  });

  test('of locking and deleting, no object stays', { timeout: 300_000 }, async () => {
    const restored = async ({ restore }: Fleet) => {
      await age(archived);
      await restore();
      await age(archived);
    };
    const ofLocking = await everywhere(
      (of) => age(later(410), of),
      restored,
      async ({ fleet, first, second }) => {
        expect(await objectsOf(fleet)).toHaveLength(2);
        for (const day of [first, second]) {
          expect(await trackDay(fleet, day)).toMatchObject({ state: 'archived', restoredUntil: null });
        }
      },
    );
    expect(ofLocking).toBeGreaterThan(4);
    const ofDeleting = await everywhere(
      (of) => age(inEightYears, of),
      restored,
      async ({ fleet, first }) => {
        expect([await trackDay(fleet, first), await objectsOf(fleet)]).toEqual([null, []]);
      },
    );
    expect(ofDeleting).toBeGreaterThan(4);
  });
});

describe('an object that is gone or is another', () => {
  test('is 503 for who asks for its day, never less than there was; the rest is read', async () => {
    const log = quiet();
    const { fleet, token, id, first, second, track, range } = await storedFleet();
    const file = (await trackDay(fleet, first))?.files[0];
    const key = file?.key ?? '';
    const whole = await (await env.ARTIFACTS.get(key))?.arrayBuffer();
    if (whole === undefined) throw new Error('no object');
    const flipped = new Uint8Array(whole.slice(0));
    flipped[100] = (flipped[100] ?? 0) ^ 1;
    for (const wrong of [whole.slice(0, 200), new ArrayBuffer(0), new TextEncoder().encode('rubbish'), flipped, null]) {
      if (wrong === null) await env.ARTIFACTS.delete(key);
      else await env.ARTIFACTS.put(key, wrong);
      const refused = await ask(id, token, range);
      expect([refused.status, refused.body.error.code]).toEqual([503, 'UNAVAILABLE']);
      expect(refused.text).not.toContain('tracks/');
      expect(log.mock.calls.flat().join()).toContain('track_file_unreadable');
    }
    expect(await askTrack(id, token, { fromMs: second, toMs: range.toMs })).toEqual(track.slice(80));
    // It does not keep the other days from growing old.
    const aged = await age(archived);
    expect(aged.failed).toBe(1);
    expect(await trackDay(fleet, second)).toMatchObject({ state: 'archived' });
    expect(await trackDay(fleet, first)).toMatchObject({ state: 'stored' });
    await env.ARTIFACTS.put(key, whole);
    expect(await age(archived)).toMatchObject({ failed: 0 });
  });
});
