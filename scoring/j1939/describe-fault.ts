/**
 * SPN × FMI → plain words, severity and the manufacturer's four actions.
 * The condition itself (FMI 0, 1, 15–18) is judged by direction and level; wiring and data faults say that we lost sight
 * of it, which is milder; everything else is "it does not work". The SPNs that strand trucks have texts of their own.
 */
import type { FaultSeverity } from '#contracts/faults';
import type { FaultDescription, RecommendedAction } from '#contracts/risk';
import { catalogueEntry, isProprietarySpn } from './catalogue.ts';
import type { CatalogueEntry, Hazard } from './catalogue-entry.ts';
import { failureMode, type FailureMode } from './fmi.ts';
import { handWrittenText } from './hand-written/index.ts';
import { sources, type FactSource } from './sources.ts';

export const maxShortTextLength = 60;

const moderateOf: Readonly<Record<Hazard, Hazard>> = {
  stop: 'major',
  critical: 'major',
  major: 'minor',
  minor: 'minor',
  info: 'info',
};
const leastOf: Readonly<Record<Hazard, Hazard>> = {
  stop: 'minor',
  critical: 'minor',
  major: 'minor',
  minor: 'info',
  info: 'info',
};

const atLevel = (hazard: Hazard, level: FailureMode['level']): Hazard =>
  level === 0 ? hazard : level === 1 ? moderateOf[hazard] : leastOf[hazard];

const hazardOf = (entry: CatalogueEntry, mode: FailureMode): Hazard => {
  const own = entry.override?.[mode.fmi];
  if (own !== undefined) return own;
  switch (mode.class) {
    case 'high':
      return atLevel(entry.high, mode.level);
    case 'low':
      return atLevel(entry.low, mode.level);
    case 'circuit':
      return entry.circuit;
    case 'fault':
      return entry.fault;
    case 'reserved':
    case 'invalid':
      // We know the part and not what ails it: as bad as lost data, never a stop.
      return entry.circuit;
  }
};

const actionOf: Readonly<Record<Hazard, RecommendedAction>> = {
  stop: 'pull_over',
  critical: 'drive_to_dealer',
  major: 'drive_to_dealer',
  minor: 'next_service',
  info: 'keep_driving',
};

const severityOf = (hazard: Hazard): FaultSeverity => (hazard === 'stop' ? 'critical' : hazard);

const wiringAdvice = (subject: string): string =>
  `Check connector, wiring and supply of: ${subject}. The reading cannot be trusted until repaired.`;

const adviceOf = (entry: CatalogueEntry, mode: FailureMode, hazard: Hazard): string => {
  if (hazard === 'stop') return `Stop safely as soon as possible and shut the engine off. ${entry.advice}`;
  if (mode.class === 'circuit' && entry.kind === 'measure') return wiringAdvice(entry.subject);
  return entry.advice;
};

const meaningOf = (entry: CatalogueEntry, mode: FailureMode): string =>
  mode.class === 'circuit' && entry.kind === 'measure'
    ? `${mode.meaning} The value itself is unknown.`
    : `${entry.about} ${mode.meaning}`;

/** Words for a known SPN: its own where they were written, the general ones elsewhere. */
const wordsOf = (entry: CatalogueEntry, mode: FailureMode, hazard: Hazard): { meaning: string; advice: string } => {
  const own = handWrittenText(entry.spn, mode.fmi);
  if (own === null) return { meaning: meaningOf(entry, mode), advice: adviceOf(entry, mode, hazard) };
  // A text for several FMIs leaves it to the standard's words to tell them apart.
  const isExact = Array.isArray(own.on);
  return { meaning: isExact ? own.meaning : `${own.meaning} ${mode.meaning}`, advice: own.advice };
};

const cleanNumber = (value: number): number => (Number.isFinite(value) ? value : 0);
const codeName = (spn: number): string => (Number.isFinite(spn) ? `SPN ${spn}` : 'Unreadable code');

/**
 * Describes one SPN × FMI pair. Never throws: an SPN that the catalogue does not know gets the name "SPN n", system
 * `other` and severity `unknown`; a reserved or impossible FMI is judged like lost data.
 */
export const describeFault = (spn: number, fmi: number): FaultDescription => {
  const mode = failureMode(fmi);
  const entry = catalogueEntry(spn);
  if (entry === null) {
    const origin = isProprietarySpn(spn)
      ? 'This code is specific to the manufacturer.'
      : 'This code is not in the catalogue.';
    return {
      spn: cleanNumber(spn),
      fmi: cleanNumber(fmi),
      name: codeName(spn),
      system: 'other',
      vmrsSystem: null,
      severity: 'unknown',
      meaning: `${origin} ${mode.meaning}`,
      advice: "Look the code up in the manufacturer's literature at the next service; sooner if a lamp is lit.",
      action: 'next_service',
    };
  }
  const hazard = hazardOf(entry, mode);
  return {
    spn,
    fmi: cleanNumber(fmi),
    name: entry.name ?? entry.subject,
    system: entry.system,
    vmrsSystem: entry.vmrs,
    severity: severityOf(hazard),
    ...wordsOf(entry, mode, hazard),
    action: actionOf[hazard],
  };
};

export interface FaultSources {
  /** That this SPN is this parameter. */
  parameter: FactSource;
  /** What the FMI means. */
  failureMode: FactSource;
  /** Severity and action. */
  severity: FactSource;
  /** Meaning and advice. */
  words: FactSource;
}

/** Where each fact of a description comes from; null for an SPN that the catalogue does not know. */
export const faultSources = (spn: number, fmi: number): FaultSources | null => {
  const entry = catalogueEntry(spn);
  if (entry === null) return null;
  const words = handWrittenText(spn, fmi)?.source ?? sources.own;
  return {
    parameter: entry.source,
    failureMode: sources.fmiList,
    // A document that tells what happens also tells how bad it is; otherwise the judgement is ours.
    severity: words,
    words,
  };
};

/** True when the catalogue says that this code alone orders the truck to the roadside. */
export const isStopCode = (spn: number, fmi: number): boolean => {
  const entry = catalogueEntry(spn);
  return entry !== null && hazardOf(entry, failureMode(fmi)) === 'stop';
};

/** What is wrong in words for a wall display, at most 60 characters: "Coolant temperature critically high". */
export const shortFaultText = (spn: number, fmi: number): string => {
  const mode = failureMode(fmi);
  const entry = catalogueEntry(spn);
  const text =
    entry === null
      ? `${codeName(spn)} ${mode.phrase.status}`
      : (entry.short?.[fmi] ?? `${entry.subject} ${mode.phrase[entry.kind]}`);
  return text.length <= maxShortTextLength ? text : `${text.slice(0, maxShortTextLength - 1)}…`;
};
