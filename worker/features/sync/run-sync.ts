/**
 * One sync from beginning to end, as a sequence of durable steps: lease → list → details → persist → score → alert →
 * publish → finish. Nothing is written to the fleet before all reading is done. What each step does is handed in; this
 * file only decides what comes next, from step results alone, so that a replay after a crash takes the same way.
 */
import type { ObservedVehicle, SyncErrorCode } from '#contracts/sync';
import { StepFailed, type Steps } from '../../durable-steps.ts';
import type { ScrapeFailure } from '../../scrapes/errors.ts';
import type { ListedAsset } from '../../scrapes/paccar/extract-assets.ts';
import type { VehicleCases } from '../../scrapes/paccar/read-cases.ts';
import { toObservedVehicle, type DetailReading, type ListReading } from '../../scrapes/paccar/reader.ts';
import type { CasesPlan } from './cases-due.ts';
import { isSuspicious } from './rules.ts';
import type { ToldAlert } from './run-ending.ts';
import type { ObservedPosition, RunNews } from './run-news.ts';
import { retryDelayMs, type RunPolicy } from './run-policy.ts';

export type Attempted<T> = { ok: true; value: T } | { ok: false; failure: ScrapeFailure };

export interface RunOutcome {
  status: 'succeeded' | 'partial' | 'failed';
  /** Of a run that succeeded, a note: something was not read on which nothing depends. */
  error: { code: SyncErrorCode; message: string } | null;
  /** null when the run failed before anything was read to the end. */
  read: { vehiclesSeen: number; faultsSeen: number } | null;
  /** The portal's wish for patience, kept by the gate for whoever comes next. */
  cooldownMs: number;
  evaluatedAt: string | null;
}

/** What the steps do. Every function may be called again after it has already taken effect. */
export interface SyncWork {
  /** null when the run has already ended. */
  begin(): Promise<BegunRun | null>;
  acquireGate(): Promise<{ granted: boolean; heldBy: string | null; retryAfterMs: number }>;
  list(startHref: string | null): Promise<Attempted<ListReading>>;
  /** `cases` null: they are left alone. */
  details(assets: ListedAsset[], cases: CasesPlan | null): Promise<Attempted<DetailReading>>;
  /** Says that the run lives and will be silent for `ms`; one that holds the gate keeps it for that long and longer. */
  announceSilence(ms: number, holding: { holdsGate: boolean }): Promise<void>;
  now(): Promise<string>;
  persist(batch: ObservedVehicle[], at: PersistTimes): Promise<{ counters: number[] }>;
  /** Keeps what the shop did as service events. */
  keepCases(read: VehicleCases[], at: PersistTimes): Promise<{ counters: number[] }>;
  markSeen(seen: { vin: string; hasFaultList: boolean }[], at: PersistTimes): Promise<void>;
  /** As of the moment at which it really runs. */
  score(): Promise<{ counters: number[] }>;
  /** Judges every vehicle of the tenant. */
  alert(evaluatedAt: string): Promise<RunNews>;
  /** `changedAt` null: only the alerts are news. `observed`: with the positions the portal last had. */
  publish(changedAt: string | null, news: RunNews, observed: ObservedPosition[]): Promise<void>;
  /** Raises or settles the tenant's sync alert. */
  tell(outcome: RunOutcome, startedAt: string): Promise<ToldAlert>;
  finish(outcome: RunOutcome, startedAt: string): Promise<void>;
}

export interface BegunRun {
  startedAt: string;
  vehiclesBefore: number;
  /** When the good run before began, if there was one; absent in results that an earlier version kept. */
  lastReadAt?: string | null;
  /** 0 to 1, drawn once per run: see `retryDelayMs`. */
  spread: number;
}

export interface PersistTimes {
  observedAt: string;
  changedAt: string;
  mayClear: boolean;
}

/** Ends the reading with a reason. */
class ReadingStopped extends Error {
  override readonly name = 'ReadingStopped';
  readonly failure: ScrapeFailure;
  constructor(failure: ScrapeFailure) {
    super(failure.message);
    this.failure = failure;
  }
}

const unforeseen: ScrapeFailure = {
  code: 'UPSTREAM_FAILED',
  message: 'The run stopped on an unexpected error.',
  retryAfterMs: null,
  evidenceKey: null,
  isNoBrowser: false,
};

/** Runs one sync. Failures become the run's outcome; only the engine's own interruptions are thrown. */
export async function runSync(
  steps: Steps,
  work: SyncWork,
  policy: RunPolicy,
): Promise<RunOutcome['status'] | 'ended'> {
  const begun = await steps.do('begin', () => work.begin());
  if (begun === null) return 'ended';
  let outcome: RunOutcome;
  try {
    await passGate(steps, work, policy);
    const reading = await readAll(steps, work, policy, begun);
    outcome = await keep(steps, work, policy, begun, reading);
  } catch (error) {
    if (!(error instanceof ReadingStopped) && !(error instanceof StepFailed)) throw error;
    const failure = error instanceof ReadingStopped ? error.failure : unforeseen;
    const { code, message, retryAfterMs, evidenceKey } = failure;
    outcome = {
      status: 'failed',
      error: { code, message: evidenceKey === null ? message : `${message} The page was kept as ${evidenceKey}.` },
      read: null,
      cooldownMs: code === 'RATE_LIMITED' ? (retryAfterMs ?? policy.defaultRetryAfterMs) : 0,
      evaluatedAt: null,
    };
  }
  const told = await steps.do('tell', () => work.tell(outcome, begun.startedAt));
  await steps.do('finish', () => work.finish(outcome, begun.startedAt));
  if (told.alertIds.length > 0) {
    await steps.do('publish the alert', () => work.publish(null, { ...told, vehicleIds: [] }, []));
  }
  return outcome.status;
}

async function pause(steps: Steps, work: SyncWork, name: string, ms: number, holdsGate = true): Promise<void> {
  await steps.do(`${name}: announce`, () => work.announceSilence(ms, { holdsGate }));
  await steps.sleep(`${name}: wait`, ms);
}

/** Waits for a lease that another run still holds; a cooldown longer than a minute ends the run instead. */
async function passGate(steps: Steps, work: SyncWork, policy: RunPolicy): Promise<void> {
  const tries = Math.ceil(policy.leaseMs / policy.gatePollMs) + 1;
  for (let attempt = 1; attempt <= tries; attempt++) {
    const grant = await steps.do(`gate ${attempt}`, () => work.acquireGate());
    if (grant.granted) return;
    if (grant.heldBy === null && grant.retryAfterMs > policy.maxDelayMs) {
      const minutes = Math.ceil(grant.retryAfterMs / 60_000);
      throw new ReadingStopped({
        code: 'RATE_LIMITED',
        message: `The portal asked for a pause; it may be read again in ${minutes} min.`,
        retryAfterMs: grant.retryAfterMs,
        evidenceKey: null,
        isNoBrowser: false,
      });
    }
    await pause(steps, work, `gate ${attempt}`, Math.min(grant.retryAfterMs, policy.gatePollMs), false);
  }
  throw new ReadingStopped({ ...unforeseen, message: 'Another run kept the portal to itself.' });
}

interface Reading {
  vehicles: ObservedVehicle[];
  /** Vehicles that are listed and whose own pages kept failing. */
  unread: { asset: ListedAsset; failure: ScrapeFailure }[];
  rejectedRows: string[];
  cases: VehicleCases[];
  /** Vehicles whose cases were due and could not be read, and what was wrong with the first. */
  casesUnread: number;
  casesTrouble: ScrapeFailure | null;
}

async function readAll(steps: Steps, work: SyncWork, policy: RunPolicy, begun: BegunRun): Promise<Reading> {
  const { spread, startedAt, lastReadAt } = begun;
  const { assets, rejectedRows } = await readList(steps, work, policy, spread);
  const vehicles: ObservedVehicle[] = [];
  const ofCases: Pick<Reading, 'cases' | 'casesUnread' | 'casesTrouble'> = {
    cases: [],
    casesUnread: 0,
    casesTrouble: null,
  };
  let plan: CasesPlan | null = { since: lastReadAt ?? null, until: startedAt };
  let unread: Reading['unread'] = [];
  // Vehicles whose pages failed are tried once more at the end, when the portal has had time to recover.
  for (const round of ['details', 'details again']) {
    const queue = round === 'details' ? assets : unread.map(({ asset }) => asset);
    unread = [];
    let retriesDone = 0;
    for (let step = 1; queue.length > 0; step++) {
      const chunk = queue.splice(0, policy.vehiclesPerStep);
      const name = `${round} ${step}`;
      const planNow: CasesPlan | null = plan;
      const attempted = await steps.do(name, () => work.details(chunk, planNow));
      const reading: DetailReading = attempted.ok
        ? attempted.value
        : { vehicles: [], failed: [], remaining: chunk, stopped: attempted.failure };
      vehicles.push(...reading.vehicles);
      unread.push(...reading.failed);
      queue.unshift(...reading.remaining);
      ofCases.cases.push(...(reading.cases?.read ?? []));
      ofCases.casesUnread += reading.cases?.unread ?? 0;
      ofCases.casesTrouble ??= reading.cases?.trouble ?? null;
      if (reading.cases?.isGivenUp === true) plan = null;
      if (reading.vehicles.length > 0 || reading.failed.length > 0) retriesDone = 0;
      if (reading.stopped === null) continue;
      const delayMs = retryDelayMs(reading.stopped, retriesDone, spread, policy);
      if (delayMs === null) throw new ReadingStopped(reading.stopped);
      retriesDone += 1;
      await pause(steps, work, name, delayMs);
    }
  }
  const worst = unread[0];
  if (vehicles.length === 0 && worst !== undefined) throw new ReadingStopped(worst.failure);
  return { vehicles, unread, rejectedRows, ...ofCases };
}

async function readList(
  steps: Steps,
  work: SyncWork,
  policy: RunPolicy,
  spread: number,
): Promise<{ assets: ListedAsset[]; rejectedRows: string[] }> {
  const assets = new Map<string, ListedAsset>();
  const rejectedRows: string[] = [];
  let href: string | null = null;
  let retriesDone = 0;
  for (let step = 1; ; step++) {
    const name = `list ${step}`;
    const startHref: string | null = href;
    const attempted: Attempted<ListReading> = await steps.do(name, () => work.list(startHref));
    if (attempted.ok) {
      const sizeBefore = assets.size;
      for (const asset of attempted.value.assets) if (!assets.has(asset.vin)) assets.set(asset.vin, asset);
      rejectedRows.push(...attempted.value.rejected);
      href = attempted.value.nextHref;
      retriesDone = 0;
      if (href === null || assets.size === sizeBefore) return { assets: [...assets.values()], rejectedRows };
    } else {
      const delayMs = retryDelayMs(attempted.failure, retriesDone, spread, policy);
      if (delayMs === null) throw new ReadingStopped(attempted.failure);
      retriesDone += 1;
      await pause(steps, work, name, delayMs);
    }
  }
}

/** Writes what was read, has it judged, and tells the rooms. */
async function keep(
  steps: Steps,
  work: SyncWork,
  policy: RunPolicy,
  begun: BegunRun,
  reading: Reading,
): Promise<RunOutcome> {
  const changedAt = await steps.do('reading ends', () => work.now());
  const observed = [...reading.vehicles, ...reading.unread.map(({ asset }) => toObservedVehicle(asset, null, null))];
  const suspicious = isSuspicious(observed.length, begun.vehiclesBefore);
  const times: PersistTimes = { observedAt: begun.startedAt, changedAt, mayClear: !suspicious };
  const counters: number[] = [];
  for (let from = 0; from < observed.length; from += policy.vehiclesPerPersist) {
    const batch = observed.slice(from, from + policy.vehiclesPerPersist);
    const kept = await steps.do(`persist ${from / policy.vehiclesPerPersist + 1}`, () => work.persist(batch, times));
    counters.push(...kept.counters);
  }
  let unkept = 0;
  for (let from = 0; from < reading.cases.length; from += policy.vehiclesPerPersist) {
    const batch = reading.cases.slice(from, from + policy.vehiclesPerPersist);
    try {
      const kept = await steps.do(`keep cases ${from / policy.vehiclesPerPersist + 1}`, () =>
        work.keepCases(batch, times),
      );
      counters.push(...kept.counters);
    } catch (error) {
      if (!(error instanceof StepFailed)) throw error;
      unkept += batch.length;
    }
  }
  const seen = observed.map(({ vin, faults }) => ({ vin, hasFaultList: faults !== null && !suspicious }));
  await steps.do('mark seen', () => work.markSeen(seen, times));
  const evaluatedAt = await steps.do('reading is kept', () => work.now());
  const scored = await steps.do('score', () => work.score());
  const alerted = await steps.do('alert', () => work.alert(evaluatedAt));
  const news = { ...alerted, counters: [...counters, ...scored.counters, ...alerted.counters] };
  await steps.do('publish', () => work.publish(changedAt, news, reading.vehicles));
  const error = judge(reading, observed.length, begun.vehiclesBefore, suspicious);
  return {
    status: error === null ? 'succeeded' : 'partial',
    error: error ?? noteOf(reading, unkept),
    read: {
      vehiclesSeen: observed.length,
      faultsSeen: observed.reduce(
        (sum, { faults }) => sum + (faults ?? []).filter((fault) => fault.isActive).length,
        0,
      ),
    },
    cooldownMs: 0,
    evaluatedAt,
  };
}

/** What a person should know of a reading that was whole without it: nothing of the fleet hangs on the shop's cases. */
function noteOf({ casesTrouble, casesUnread }: Reading, unkept: number): RunOutcome['error'] {
  const of = (vehicles: number): string => (vehicles === 1 ? 'one vehicle' : `${vehicles} vehicles`);
  if (unkept > 0) {
    const message = `All faults were kept, but not the shop's cases of ${of(unkept)}: they are read again within a day.`;
    return { code: unforeseen.code, message };
  }
  if (casesTrouble === null) return null;
  const { code, message, evidenceKey } = casesTrouble;
  const kept = evidenceKey === null ? '' : ` The page was kept as ${evidenceKey}.`;
  return { code, message: `All faults were read, but not the shop's cases of ${of(casesUnread)}: ${message}${kept}` };
}

/** null for a whole reading, else what was wrong with it, the gravest first. */
function judge(reading: Reading, seen: number, before: number, suspicious: boolean): RunOutcome['error'] {
  if (suspicious) {
    return {
      code: 'SUSPICIOUS_RESULT',
      message: `The portal listed ${seen} of the ${before} vehicles it had last time; no fault was cleared.`,
    };
  }
  const [first] = reading.unread;
  if (first !== undefined) {
    const named = reading.unread.slice(0, 3).map(({ asset }) => asset.vin);
    const more = reading.unread.length - named.length;
    return {
      code: first.failure.code,
      message:
        `${reading.unread.length} of ${seen} vehicles could not be read (${named.join(', ')}` +
        `${more > 0 ? ` and ${more} more` : ''}): ${first.failure.message}`,
    };
  }
  if (reading.rejectedRows.length > 0) {
    return {
      code: 'UPSTREAM_FAILED',
      message: `${reading.rejectedRows.length} rows of the vehicle list have no 17-character VIN, e.g. "${reading.rejectedRows[0]}".`,
    };
  }
  return null;
}
