/** A sync whose steps and outside are in memory: for tests of its order, its patience and its crashes. */
import type { ObservedVehicle, SyncErrorCode } from '#contracts/sync';
import type { Steps } from '#worker/durable-steps';
import { runPolicy, type RunPolicy } from '#worker/features/sync/run-policy';
import { runSync, type PersistTimes, type RunOutcome, type SyncWork } from '#worker/features/sync/run-sync';
import type { ScrapeFailure } from '#worker/scrapes/errors';
import type { ListedAsset } from '#worker/scrapes/paccar/extract-assets';
import { toObservedVehicle, type DetailReading } from '#worker/scrapes/paccar/reader';

export const asset = (n: number): ListedAsset => ({
  vin: `1XKYD49X0NJ${String(n).padStart(6, '0')}`,
  unitNumber: `U-${n}`,
  year: 2023,
  make: 'Kenworth',
  model: 'T680',
});
export const assets = (count: number) => Array.from({ length: count }, (_, n) => asset(n));
export const failure = (code: SyncErrorCode, retryAfterMs: number | null = null): ScrapeFailure => ({
  code,
  message: `it was ${code}`,
  retryAfterMs,
  evidenceKey: null,
  isNoBrowser: false,
});
export const noBrowser: ScrapeFailure = { ...failure('BROWSER_LOST'), isNoBrowser: true };
export const whole = (of: ListedAsset[]): DetailReading => ({
  vehicles: of.map((one) => toObservedVehicle(one, null, [])),
  failed: [],
  remaining: [],
  stopped: null,
});

export class Crash extends Error {}

/** Steps whose results survive a crash. `crashBefore` and `crashAfter` (the work done, the result lost) count steps. */
export class MemorySteps implements Steps {
  readonly kept = new Map<string, string>();
  readonly slept: number[] = [];
  ran: string[] = [];
  crashAt: { step: number; when: 'before' | 'after' } | null = null;
  private count = 0;

  async do<T>(name: string, work: () => Promise<T>): Promise<T> {
    const known = this.kept.get(name);
    if (known !== undefined) return JSON.parse(known) as T;
    this.count += 1;
    const crash = this.crashAt?.step === this.count ? this.crashAt.when : null;
    if (crash === 'before') throw new Crash();
    const result = (await work()) ?? null;
    if (crash === 'after') throw new Crash();
    this.ran.push(name);
    this.kept.set(name, JSON.stringify(result));
    return result as T;
  }

  async sleep(_name: string, ms: number): Promise<void> {
    this.slept.push(ms);
  }
}

export interface Fleet {
  listed: ListedAsset[];
  before: number;
  details: (of: ListedAsset[], call: number) => DetailReading | ScrapeFailure;
  list: (call: number) => ScrapeFailure | null;
}

/** The outside as a few arrays: what was persisted, told and finished. */
export function fakeWork(fleet: Partial<Fleet> = {}) {
  const listed = fleet.listed ?? assets(3);
  const seen = {
    persisted: new Map<string, ObservedVehicle>(),
    times: null as PersistTimes | null,
    marked: [] as { vin: string; hasFaultList: boolean }[],
    outcome: null as RunOutcome | null,
    silences: [] as number[],
    gateHeld: [] as boolean[],
    calls: { list: 0, details: 0, gate: 0, score: 0 },
    gate: [] as { granted: boolean; heldBy: string | null; retryAfterMs: number }[],
    order: [] as string[],
    plans: [] as unknown[],
    keptCases: [] as string[],
  };
  const isFailure = (result: DetailReading | ScrapeFailure): result is ScrapeFailure => 'code' in result;
  const work: SyncWork = {
    begin: async () => ({ startedAt: '2026-11-20T09:00:00.000Z', vehiclesBefore: fleet.before ?? 0, spread: 0.25 }),
    acquireGate: async () => {
      seen.calls.gate += 1;
      return seen.gate.shift() ?? { granted: true, heldBy: null, retryAfterMs: 0 };
    },
    list: async () => {
      seen.calls.list += 1;
      const trouble = fleet.list?.(seen.calls.list) ?? null;
      if (trouble) return { ok: false, failure: trouble };
      return { ok: true, value: { assets: listed, rejected: [], nextHref: null } };
    },
    details: async (of, cases) => {
      seen.calls.details += 1;
      seen.plans.push(cases);
      const result = fleet.details?.(of, seen.calls.details) ?? whole(of);
      return isFailure(result) ? { ok: false, failure: result } : { ok: true, value: result };
    },
    announceSilence: async (ms, { holdsGate }) => {
      seen.silences.push(ms);
      seen.gateHeld.push(holdsGate);
    },
    now: async () => '2026-11-20T09:05:00.000Z',
    persist: async (batch, times) => {
      seen.order.push('persist');
      seen.times = times;
      for (const vehicle of batch) seen.persisted.set(vehicle.vin, vehicle);
      return { counters: [1] };
    },
    keepCases: async (read) => {
      seen.order.push('keep cases');
      seen.keptCases.push(...read.map(({ vin }) => vin));
      return { counters: [4] };
    },
    markSeen: async (marked) => void (seen.marked = marked),
    score: async () => {
      seen.order.push('score');
      seen.calls.score += 1;
      return { counters: [2] };
    },
    alert: async () => {
      seen.order.push('alert');
      return { counters: [3], alertIds: ['a'], vehicleIds: [] };
    },
    publish: async () => void seen.order.push('publish'),
    tell: async () => {
      seen.order.push('tell');
      return { counters: [], alertIds: [] };
    },
    finish: async (outcome) => void (seen.outcome = outcome),
  };
  return { work, seen };
}

export const policy: RunPolicy = { ...runPolicy, vehiclesPerStep: 2 };
export const go = async (fleet: Partial<Fleet> = {}) => {
  const { work, seen } = fakeWork(fleet);
  const steps = new MemorySteps();
  const status = await runSync(steps, work, policy);
  return { status, seen, steps };
};
