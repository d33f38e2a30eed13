/**
 * Pure: what gateways say of faults, held against what is known of the same vehicles. Each word is dated, and the newest of
 * a code counts, whatever the order in which words arrive; the same word twice changes nothing.
 *
 * Two sources speak of a fault, the portal and telemetry. It is active while either says so, and each takes back only its
 * own word (`isPortalActive` is not touched here).
 */
import type { FaultSeverity, Lamps, VehicleSystem } from '#contracts/faults';
import { liveForMs } from '#contracts/telemetry';
import type { FaultIdentity } from '../sync/rules.ts';

/** A code of one controller, reported (`active`) or taken back at a time. */
export interface FaultWord extends FaultIdentity {
  vehicleId: string;
  /** RFC 3339 in UTC, as `toISOString` writes it. */
  at: string;
  active: boolean;
  /** null when the controller does not count. */
  occurrenceCount: number | null;
  lamps: Lamps | null;
}

/** A whole DM1: all that a controller reports at a time. */
export interface Dm1Word {
  vehicleId: string;
  sourceAddress: number;
  at: string;
  codes: readonly { spn: number; fmi: number; occurrenceCount: number | null }[];
  lamps: Lamps;
}

export interface KnownFault extends FaultIdentity {
  id: string;
  vehicleId: string;
  isActive: boolean;
  isPortalActive: boolean;
  isTelemetryActive: boolean;
  telemetryAt: string | null;
  firstSeenAt: string;
  lastSeenAt: string;
  clearedAt: string | null;
  occurrenceCount: number;
  reopenCount: number;
  lamps: Lamps | null;
}

/** A fault as it is to be written: new ones have no id yet. */
export type FaultToWrite = Omit<KnownFault, 'id' | 'telemetryAt'> & {
  id: string | null;
  telemetryAt: string;
  description: string;
  system: VehicleSystem;
  severity: FaultSeverity;
};

export type DescribeFault = (
  spn: number,
  fmi: number,
) => { description: string; system: VehicleSystem; severity: FaultSeverity };

export interface FaultWrites {
  rows: FaultToWrite[];
  /** Vehicles whose condition has changed: a code that came, went, or was counted again, or another lamp. */
  newsVehicleIds: string[];
}

export const faultKeyOf = ({ vehicleId, sourceAddress, spn, fmi }: FaultIdentity & { vehicleId: string }): string =>
  `${vehicleId}/${sourceAddress}/${spn}/${fmi}`;

/** The words that a DM1 stands for: its codes are reported, what this controller reported before and does not now is taken back. */
export function wordsOfDm1(dm1: Dm1Word, known: readonly KnownFault[]): FaultWord[] {
  const { vehicleId, sourceAddress, at, lamps } = dm1;
  const reported = dm1.codes.map((code): FaultWord => ({ vehicleId, sourceAddress, at, ...code, active: true, lamps }));
  const keys = new Set(reported.map(faultKeyOf));
  const gone = known
    .filter((fault) => fault.vehicleId === vehicleId && fault.sourceAddress === sourceAddress)
    .filter((fault) => fault.isTelemetryActive && !keys.has(faultKeyOf(fault)))
    .map(({ spn, fmi }): FaultWord => ({
      ...{ vehicleId, sourceAddress, spn, fmi, at },
      ...{ active: false, occurrenceCount: null, lamps: null },
    }));
  return [...reported, ...gone];
}

const later = (a: string, b: string): string => (b > a ? b : a);
const sameLamps = (a: Lamps | null, b: Lamps | null): boolean => JSON.stringify(a) === JSON.stringify(b);

/** A code heard of for the first time. What is taken back, or was said too long ago, is history from the start. */
function firstOf(word: FaultWord, describe: DescribeFault, nowMs: number): FaultToWrite {
  const { vehicleId, sourceAddress, spn, fmi, at } = word;
  // Also what is taken back is kept: the word that reported it may still be on its way.
  const isActive = word.active && nowMs - Date.parse(at) <= liveForMs;
  return {
    ...{ id: null, vehicleId, sourceAddress, spn, fmi },
    ...describe(spn, fmi),
    ...{ isActive, isPortalActive: false, isTelemetryActive: isActive },
    ...{ telemetryAt: at, firstSeenAt: at, lastSeenAt: at, clearedAt: isActive ? null : at },
    occurrenceCount: Math.max(1, word.occurrenceCount ?? 1),
    reopenCount: 0,
    lamps: word.lamps,
  };
}

/** The fault after the word; the word is newer than all that telemetry has said of it. */
function after(fault: FaultToWrite, word: FaultWord): FaultToWrite {
  const said = { ...fault, isTelemetryActive: word.active, telemetryAt: word.at };
  if (!word.active) {
    if (fault.isPortalActive || !fault.isActive) return said;
    return { ...said, isActive: false, clearedAt: word.at };
  }
  const counted = word.occurrenceCount ?? 0;
  const seen = { ...said, isActive: true, clearedAt: null, lastSeenAt: later(fault.lastSeenAt, word.at) };
  const lamps = word.lamps ?? fault.lamps;
  if (fault.isActive) return { ...seen, lamps, occurrenceCount: Math.max(fault.occurrenceCount, counted) };
  return {
    ...seen,
    lamps,
    occurrenceCount: Math.max(fault.occurrenceCount + 1, counted),
    reopenCount: fault.reopenCount + 1,
  };
}

const isNews = (before: KnownFault | undefined, now: FaultToWrite): boolean =>
  before === undefined ||
  before.isActive !== now.isActive ||
  before.occurrenceCount !== now.occurrenceCount ||
  !sameLamps(before.lamps, now.lamps);

/**
 * What must be written for these words. Of two words on one code at one time the first stays. A word of more than thirty days
 * ago says nothing of a code that is known already.
 */
export function applyFaultWords(
  known: readonly KnownFault[],
  words: readonly FaultWord[],
  describe: DescribeFault,
  now: Date,
): FaultWrites {
  const nowMs = now.getTime();
  const before = new Map(known.map((fault) => [faultKeyOf(fault), fault]));
  const changed = new Map<string, FaultToWrite>();
  // A stable sort: words of one time keep the order in which they came.
  for (const word of words.toSorted((a, b) => (a.at < b.at ? -1 : Number(a.at > b.at)))) {
    const key = faultKeyOf(word);
    const first = before.get(key);
    const held: FaultToWrite | undefined =
      changed.get(key) ??
      (first && { ...first, ...describe(first.spn, first.fmi), telemetryAt: first.telemetryAt ?? '' });
    if (held === undefined) changed.set(key, firstOf(word, describe, nowMs));
    else if (word.at > held.telemetryAt && nowMs - Date.parse(word.at) <= liveForMs) {
      changed.set(key, after(held, word));
    }
  }
  const rows = [...changed.values()];
  const news = rows.filter((row) => isNews(before.get(faultKeyOf(row)), row));
  return { rows, newsVehicleIds: [...new Set(news.map(({ vehicleId }) => vehicleId))] };
}
