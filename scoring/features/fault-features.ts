/**
 * Features of faults and lamps. They only ever raise the hazard, so each is built to be blind to nothing and lowered by
 * nothing: rows of one identity (source address, SPN, FMI) are joined by "any" and "most", counts by severity count
 * "this or worse", and what looks back counts codes that are still active as well. Codes known to be noise are left out.
 */
import type { FaultSeverity, VehicleSystem } from '#contracts/faults';
import type { VehicleFeatures } from '#contracts/risk';
import { describeFault, isStopCode } from '../j1939/describe-fault.ts';
import { ageDays } from '../risk/ages.ts';
import { countCombinations, type CodeInPlay } from '../risk/combinations.ts';
import { isCrankNoise } from '../risk/crank-noise.ts';
import { currentLamps } from '../risk/current-lamps.ts';

type FaultFeature = VehicleFeatures['faults'][number];

/** An unknown code ranks like a minor one; 5 is a catalogue stop code. */
const severityRanks: Readonly<Record<FaultSeverity, number>> = { info: 1, unknown: 2, minor: 2, major: 3, critical: 4 };
const stopRank = 5;

const mostOccurrences = 300;
const mostReturns = 100;
const mostOpenDays = 365;

const countUpTo = (value: unknown, most: number): number =>
  typeof value === 'number' && value > 0 ? Math.min(value, most) : 0;

/** What is known of one code, over all rows that name it. */
interface Code {
  code: CodeInPlay;
  rank: number;
  system: VehicleSystem;
  isOpened7: boolean;
  isOpened30: boolean;
  isSeen90: boolean;
  returns: number;
  occurrences: number;
  openDays: number;
}

const emptyCode = (fault: FaultFeature): Code => {
  const { spn, fmi, sourceAddress } = fault;
  const { severity, system } = describeFault(spn, fmi);
  return {
    code: { fault: { spn, fmi, sourceAddress, isActive: false }, severity, isNoise: false },
    rank: isStopCode(spn, fmi) ? stopRank : severityRanks[severity],
    system,
    isOpened7: false,
    isOpened30: false,
    isSeen90: false,
    returns: 0,
    occurrences: 0,
    openDays: 0,
  };
};

const addRow = (known: Code, row: FaultFeature, nowMs: number): void => {
  const openedDays = ageDays(row.firstSeenAt, nowMs);
  const isOpenedWithin = (days: number): boolean => openedDays !== null && openedDays <= days;
  known.isOpened7 ||= isOpenedWithin(7);
  known.isOpened30 ||= isOpenedWithin(30);
  const endedDays = ageDays(row.clearedAt, nowMs) ?? ageDays(row.lastSeenAt, nowMs);
  if (row.isActive || (endedDays !== null && endedDays <= 90)) {
    known.isSeen90 = true;
    known.returns = Math.max(known.returns, countUpTo(row.reopenCount, mostReturns));
  }
  known.occurrences = Math.max(known.occurrences, countUpTo(row.occurrenceCount, mostOccurrences));
  if (!row.isActive) return;
  known.code.fault.isActive = true;
  known.openDays = Math.max(known.openDays, Math.min(openedDays ?? 0, mostOpenDays));
};

/** Every code once, noise aside. */
const codesOf = (features: VehicleFeatures, nowMs: number): Code[] => {
  const codes = new Map<string, Code>();
  for (const row of features.faults) {
    if (isCrankNoise(row, features.signals)) continue;
    const identity = `${row.sourceAddress}.${row.spn}.${row.fmi}`;
    let known = codes.get(identity);
    if (known === undefined) {
      known = emptyCode(row);
      codes.set(identity, known);
    }
    addRow(known, row, nowMs);
  }
  return [...codes.values()];
};

const total = (codes: readonly Code[], valueOf: (code: Code) => number): number =>
  codes.reduce((sum, code) => sum + valueOf(code), 0);

const bySystem = {
  aftertreatmentFaults: ['aftertreatment'],
  engineFaults: ['engine', 'fuel', 'air_intake', 'cooling'],
  electricalFaults: ['electrical', 'network'],
  chassisFaults: ['brakes', 'steering', 'transmission', 'drivetrain'],
} as const satisfies Record<string, readonly VehicleSystem[]>;

/** Codes first seen within the last `days`, each identity once, noise aside; a code counts however it ended. */
export const countOpened30Days = (features: VehicleFeatures, nowMs: number): number =>
  codesOf(features, nowMs).filter((code) => code.isOpened30).length;

/** The features of groups `faults` and `lamps`; never NaN: no code and no lamp are 0. */
export const faultFeatures = (features: VehicleFeatures, nowMs: number) => {
  const codes = codesOf(features, nowMs);
  const active = codes.filter(({ code }) => code.fault.isActive);
  const countActive = (systems: readonly VehicleSystem[]): number =>
    active.filter((code) => systems.includes(code.system)).length;
  const rankedFrom = (rank: number): number => active.filter((code) => code.rank >= rank).length;
  const lamps = currentLamps(features.lamps);
  const redLit = lamps.some((lamp) => lamp.redStop);
  return {
    activeFaults: active.length,
    activeMajorOrWorse: rankedFrom(severityRanks.major),
    activeCritical: rankedFrom(severityRanks.critical),
    worstSeverity: active.reduce((worst, code) => Math.max(worst, code.rank), 0),
    aftertreatmentFaults: countActive(bySystem.aftertreatmentFaults),
    engineFaults: countActive(bySystem.engineFaults),
    electricalFaults: countActive(bySystem.electricalFaults),
    chassisFaults: countActive(bySystem.chassisFaults),
    faultsOpened7Days: codes.filter((code) => code.isOpened7).length,
    faultsOpened30Days: codes.filter((code) => code.isOpened30).length,
    faultsSeen90Days: codes.filter((code) => code.isSeen90).length,
    reopenedFaults: total(codes, (code) => code.returns),
    faultOccurrences: total(active, (code) => code.occurrences),
    oldestActiveDays: active.reduce((oldest, code) => Math.max(oldest, code.openDays), 0),
    dangerousCombinations: countCombinations(active.map(({ code }) => code)),
    redStopLamp: redLit ? 1 : 0,
    warningLamp: redLit || lamps.some((lamp) => lamp.amberWarning) ? 1 : 0,
  };
};
