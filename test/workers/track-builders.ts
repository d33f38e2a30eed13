/** For tests of the long history: old tracks, whole answers, and an environment that dies at a chosen call. */
import { env } from 'cloudflare:workers';
import { expect } from 'vitest';
import type { Reading } from '#contracts/telemetry';
import { packReadings } from '#durable-objects/readings/packed-readings';
import { tracksOf } from '#durable-objects/stubs';
import { readingAt } from '#test/durable-objects/tracks-builders';
import type { Env } from '#worker/env';
import { getTrackDay } from '#worker/features/track-archive/store';
import { keysOf, type TrackDayRow } from '#worker/features/track-archive/rules';
import { scopeForJob } from '#worker/http/tenant-scope';
import { call, db, type TestTenant } from './harness.ts';

export const dayMs = 86_400_000;
/** Midnight (UTC) so many days ago. */
export const midnight = (daysAgo: number): number => (Math.floor(Date.now() / dayMs) - daysAgo) * dayMs;
export const nameOfDay = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

export const putFixes = (of: TestTenant, vehicleId: string, readings: readonly Reading[]) =>
  tracksOf(env.FLEET_TRACKS, of.id).append(packReadings(readings.map((reading) => ({ vehicleId, reading }))));

/** Fixes of one day, one every ten minutes; some of them know hardly anything. */
export const fixesOf = (startMs: number, count: number, patch: Partial<Reading> = {}): Reading[] =>
  Array.from({ length: count }, (_, n) =>
    readingAt(startMs + n * 600_000, {
      ...{ lat: 40 + n * 0.0012345, lon: -105.1234567, speedMph: n % 3 === 0 ? null : n / 3, ...patch },
      ...(n % 5 === 0 ? { ignition: null, fuelPercent: null, odometerMiles: null } : {}),
    }),
  );

/** A vehicle's whole track between two instants, as the API tells it. */
export async function askTrack(
  vehicleId: string,
  token: string,
  { fromMs, toMs, limit = 1000 }: { fromMs: number; toMs: number; limit?: number },
): Promise<Reading[]> {
  const range = `from=${new Date(fromMs).toISOString()}&to=${new Date(toMs).toISOString()}&limit=${limit}`;
  const readings: Reading[] = [];
  let cursor = '';
  for (;;) {
    const part = await call('GET', `/vehicles/${vehicleId}/positions?${range}${cursor}`, { token });
    expect(part.status, part.text).toBe(200);
    readings.push(...(part.body.data as Reading[]));
    const { nextCursor } = part.body.meta as { nextCursor: string | null };
    if (nextCursor === null) return readings;
    cursor = `&cursor=${encodeURIComponent(nextCursor)}`;
  }
}

export const trackDay = (of: { id: string }, startMs: number): Promise<TrackDayRow | null> =>
  getTrackDay(scopeForJob(of.id), db, nameOfDay(startMs));

/** Keys of a tenant's objects, in order. */
export const objectsOf = async (of: { id: string }): Promise<string[]> =>
  (await env.ARTIFACTS.list({ prefix: `tracks/${of.id}/` })).objects.map(({ key }) => key);

/** Every object is named by a row, and every row's object is there. */
export async function expectNoOrphans(of: { id: string }, ...days: number[]): Promise<void> {
  const rows = await Promise.all(days.map((day) => trackDay(of, day)));
  expect(await objectsOf(of)).toEqual(rows.flatMap((row) => (row === null ? [] : keysOf(row))).sort());
}

/** Counts calls of R2, D1 and the tracks, and dies at one of them: before it has happened, or right after. */
export interface Death {
  at: number;
  isAfter: boolean;
}
export class Killed extends Error {}

/** The environment of a process that dies: after the fatal call nothing works any more. */
export function mortal({ at, isAfter }: Death): { mortalEnv: Env; calls: () => number; isDead: () => boolean } {
  let calls = 0;
  let isDead = false;
  const guarded = async (work: () => unknown): Promise<unknown> => {
    if (isDead) throw new Killed('dead');
    calls += 1;
    const isFatal = calls === at;
    if (isFatal && !isAfter) {
      isDead = true;
      throw new Killed(`killed before call ${at}`);
    }
    const result = await work();
    if (isFatal) {
      isDead = true;
      throw new Killed(`killed after call ${at}`);
    }
    return result;
  };
  /** Every method whose name is given is a call; the rest goes through. */
  const watched = <T extends object>(target: T, names: readonly string[], inner?: (value: unknown) => unknown): T =>
    new Proxy(target, {
      get(of, name) {
        const value: unknown = Reflect.get(of, name);
        if (typeof value !== 'function') return value;
        const method = value as (...args: unknown[]) => unknown;
        if (names.includes(String(name))) {
          // Called through Reflect: on a stub even `apply` would be a remote call.
          return (...args: unknown[]) => guarded(() => Reflect.apply(method, of, args));
        }
        return (...args: unknown[]) => {
          const result: unknown = Reflect.apply(method, of, args);
          return inner === undefined ? result : inner(result);
        };
      },
    });
  // A batch is handed the statements themselves, which must be the real ones.
  const real = new WeakMap<object, object>();
  const statement = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null) return value;
    const proxy = watched(value, ['all', 'run', 'first', 'raw'], statement);
    real.set(proxy, value);
    return proxy;
  };
  const d1 = new Proxy(env.DB, {
    get(of, name) {
      if (name === 'prepare') return (sql: string) => statement(of.prepare(sql));
      if (name === 'batch') {
        return (list: D1PreparedStatement[]) =>
          guarded(() => of.batch(list.map((one) => (real.get(one) ?? one) as D1PreparedStatement)));
      }
      const value: unknown = Reflect.get(of, name);
      return typeof value === 'function' ? (value as () => unknown).bind(of) : value;
    },
  });
  const tracks = new Proxy(env.FLEET_TRACKS, {
    get(of, name) {
      if (name === 'get') {
        return (id: DurableObjectId) => watched(of.get(id), ['listDaysBefore', 'readDayPart', 'dropDay']);
      }
      const value: unknown = Reflect.get(of, name);
      return typeof value === 'function' ? (value as () => unknown).bind(of) : value;
    },
  });
  const mortalEnv = {
    ...env,
    DB: d1,
    FLEET_TRACKS: tracks,
    ARTIFACTS: watched(env.ARTIFACTS, ['put', 'get', 'delete', 'list', 'head']),
  } as Env;
  return { mortalEnv, calls: () => calls, isDead: () => isDead };
}

/** Runs a job and dies at its first call, its second, … before and after each, until it lives to its end. */
export async function dieEverywhere(
  job: (mortalEnv: Env) => Promise<{ failed: number }>,
  each: { before: () => Promise<void>; after: () => Promise<void> },
): Promise<number> {
  for (const isAfter of [false, true]) {
    for (let at = 1; ; at += 1) {
      await each.before();
      const { mortalEnv, isDead } = mortal({ at, isAfter });
      // A job may log what failed and go on, into the next failure.
      const result = await job(mortalEnv).catch((cause: unknown) => {
        if (!isDead()) throw cause;
        return null;
      });
      const lived = !isDead();
      if (lived) expect(result).toMatchObject({ failed: 0 });
      await each.after();
      if (lived && isAfter) return at - 1;
      if (lived) break;
    }
  }
  return 0;
}
