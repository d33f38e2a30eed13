/**
 * Points of single fault codes: severity × persistence × recurrence × recency. Cleared codes fade over weeks.
 * The multipliers stay small enough that one critical code alone ends in the "high" band: only a stop code, a red lamp
 * or several serious faults together send a truck to the roadside.
 */
import type { FaultSeverity } from '#contracts/faults';
import type { VehicleFeatures } from '#contracts/risk';
import { controllerName } from '../j1939/catalogue/network.ts';
import { describeFault, isStopCode, shortFaultText } from '../j1939/describe-fault.ts';
import { failureMode } from '../j1939/fmi.ts';
import { ageDays, sayAge, sayTimes } from './ages.ts';
import { isCrankNoise } from './crank-noise.ts';
import type { Weights } from './models.ts';
import { plainNumber, toUnits, type Reason } from './points.ts';

export type FaultFeature = VehicleFeatures['faults'][number];

/** A fault with all that scoring thinks of it. */
export interface JudgedFault {
  fault: FaultFeature;
  severity: FaultSeverity;
  isStop: boolean;
  isNoise: boolean;
  reason: Reason;
}

/** A fault open for a week weighs a fifth more than a fresh one. */
const persistenceMax = 0.2;
const persistenceFullDays = 7;
const recurrenceMax = 0.1;
/** An "active" code nobody has confirmed for a month weighs a fifth less. */
const staleFreeDays = 3;
const staleFullDays = 30;
const staleLoss = 0.2;
const clearedShare = 0.2;
const clearedHalfLifeDays = 7;
const clearedForgottenDays = 60;
/** A cleared code without a readable time is treated as old. */
const clearedUnknownAgeDays = 30;
const reopenShare = 0.25;

const count = (value: number | null): number => (value !== null && Number.isFinite(value) && value > 0 ? value : 0);
/** A part of a code's name. */
const codePart = (value: number): string => (Number.isFinite(value) ? String(value) : 'unknown');

const baseOf = (fault: FaultFeature, severity: FaultSeverity, isStop: boolean, weights: Weights): number => {
  if (isStop) return weights.stopCode;
  switch (severity) {
    case 'critical':
      return weights.severityCritical;
    case 'major':
      return weights.severityMajor;
    case 'minor':
      return weights.severityMinor;
    case 'info':
      return weights.severityInfo;
    case 'unknown': {
      const mode = failureMode(fault.fmi);
      const mostSevere = (mode.class === 'high' || mode.class === 'low') && mode.level === 0;
      return mostSevere ? weights.severityUnknownSevere : weights.severityUnknown;
    }
  }
};

const activeFactor = (fault: FaultFeature, nowMs: number): number => {
  const openDays = ageDays(fault.firstSeenAt, nowMs) ?? 0;
  const persistence = 1 + persistenceMax * Math.min(1, openDays / persistenceFullDays);
  const repeats = 0.02 * Math.log2(1 + count(fault.occurrenceCount)) + 0.03 * count(fault.reopenCount);
  const recurrence = 1 + Math.min(recurrenceMax, repeats);
  const unseenDays = ageDays(fault.lastSeenAt, nowMs) ?? 0;
  const staleness = Math.min(1, Math.max(0, unseenDays - staleFreeDays) / (staleFullDays - staleFreeDays));
  return persistence * recurrence * (1 - staleLoss * staleness);
};

const clearedFactor = (fault: FaultFeature, nowMs: number): number => {
  const days = ageDays(fault.clearedAt, nowMs) ?? ageDays(fault.lastSeenAt, nowMs) ?? clearedUnknownAgeDays;
  if (days > clearedForgottenDays) return 0;
  const reopened = 1 + Math.min(1, reopenShare * count(fault.reopenCount));
  return clearedShare * reopened * 2 ** (-days / clearedHalfLifeDays);
};

const textOf = (fault: FaultFeature, isNoise: boolean, nowMs: number): string => {
  const words = [`${shortFaultText(fault.spn, fault.fmi)} (SPN ${codePart(fault.spn)} FMI ${codePart(fault.fmi)})`];
  if (isNoise) return `${words[0] ?? ''}, ignored: it came and went while the engine was cranking`;
  if (fault.isActive) {
    const open = sayAge(fault.firstSeenAt, nowMs);
    words.push(open === null ? 'active' : `active for ${open}`);
  } else {
    const cleared = sayAge(fault.clearedAt, nowMs);
    words.push(cleared === null ? 'cleared' : `cleared ${cleared} ago`);
  }
  const occurrences = count(fault.occurrenceCount);
  if (occurrences > 0) words.push(`seen ${sayTimes(occurrences)}`);
  if (count(fault.reopenCount) > 0) words.push(`came back ${sayTimes(count(fault.reopenCount))}`);
  const unseen = ageDays(fault.lastSeenAt, nowMs);
  if (fault.isActive && unseen !== null && unseen > staleFreeDays)
    words.push(`last seen ${sayAge(fault.lastSeenAt, nowMs) ?? 'long'} ago`);
  return words.join(', ');
};

const judge = (
  fault: FaultFeature,
  signals: VehicleFeatures['signals'],
  weights: Weights,
  nowMs: number,
): JudgedFault => {
  const described = describeFault(fault.spn, fault.fmi);
  const isStop = fault.isActive && isStopCode(fault.spn, fault.fmi);
  const isNoise = isCrankNoise(fault, signals);
  const base = baseOf(fault, described.severity, isStop, weights);
  const factor = fault.isActive ? activeFactor(fault, nowMs) : clearedFactor(fault, nowMs);
  return {
    fault,
    severity: described.severity,
    isStop,
    isNoise,
    reason: {
      factor: `faults.code.${[fault.spn, fault.fmi, fault.sourceAddress].map(codePart).join('.')}`,
      units: isNoise ? 0 : toUnits(base * factor),
      text: textOf(fault, isNoise, nowMs),
      evidence: {
        spn: plainNumber(fault.spn),
        fmi: plainNumber(fault.fmi),
        sourceAddress: plainNumber(fault.sourceAddress),
        controller: controllerName(fault.sourceAddress),
        name: described.name,
        system: described.system,
        severity: described.severity,
        action: described.action,
        isActive: fault.isActive,
        firstSeenAt: fault.firstSeenAt,
        lastSeenAt: fault.lastSeenAt,
        clearedAt: fault.clearedAt,
        occurrenceCount: fault.occurrenceCount === null ? null : plainNumber(fault.occurrenceCount),
        reopenCount: plainNumber(fault.reopenCount),
        ignoredAsNoise: isNoise,
      },
      keep: fault.isActive,
    },
  };
};

/** Below 0 where `a` comes before `b`: the weightier, then the active one, then whichever's evidence sorts first. */
const weightiestFirst = (a: JudgedFault, b: JudgedFault): number =>
  b.reason.units - a.reason.units ||
  Number(b.fault.isActive) - Number(a.fault.isActive) ||
  (JSON.stringify(a.reason.evidence) < JSON.stringify(b.reason.evidence) ? -1 : 1);

/**
 * Judges every fault, by name; of several rows with the same identity (source address, SPN, FMI) the weightiest counts, so
 * that a feed that repeats itself neither doubles nor hides anything, and its order says nothing.
 */
export const judgeFaults = (
  faults: readonly FaultFeature[],
  signals: VehicleFeatures['signals'],
  weights: Weights,
  nowMs: number,
): JudgedFault[] => {
  const byIdentity = new Map<string, JudgedFault>();
  for (const fault of faults) {
    const judged = judge(fault, signals, weights, nowMs);
    const known = byIdentity.get(judged.reason.factor);
    if (known === undefined || weightiestFirst(judged, known) < 0) byIdentity.set(judged.reason.factor, judged);
  }
  return [...byIdentity.values()].sort((a, b) => (a.reason.factor < b.reason.factor ? -1 : 1));
};
