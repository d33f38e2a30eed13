/**
 * The form of one line of the SPN catalogue: what the parameter is in our own words, and how bad each way of failing is.
 * Severities are given per direction for the most severe level; the milder levels of the same direction follow from it.
 */
import type { FaultSeverity, VehicleSystem } from '#contracts/faults';
import { sources, type FactSource } from './sources.ts';

/** How bad a failure is. `stop` is critical and also orders the truck to the roadside. */
export type Hazard = 'stop' | Exclude<FaultSeverity, 'unknown'>;

/** `measure`: a quantity seen through a sensor. `device`: an actuator, valve, sensor unit or module. `status`: a state the vehicle reports. */
export type EntryKind = 'measure' | 'device' | 'status';

export interface CatalogueEntry {
  spn: number;
  /** Short name, at most 36 characters, because a wall display adds a failure phrase to it. */
  subject: string;
  /** Full name where the short one loses something; otherwise the subject serves. */
  name?: string;
  system: VehicleSystem;
  /** VMRS system code (code key 31), three digits. */
  vmrs: string;
  kind: EntryKind;
  /** Value above normal at its most severe (FMI 0). 15 and 16 follow, milder. */
  high: Hazard;
  /** Value below normal at its most severe (FMI 1). 17 and 18 follow, milder. */
  low: Hazard;
  /** It does not work, whatever the reason (FMI 7, 11, 12, 14, 31). */
  fault: Hazard;
  /** Its wiring or its data is bad (FMI 2–6, 8–10, 13, 19–21): we lost the view, not necessarily the thing. */
  circuit: Hazard;
  /** What a failure of this does to the truck. */
  about: string;
  /** What to do when the condition is real. */
  advice: string;
  /** Where it is known from that this SPN is this parameter. */
  source: FactSource;
  /** Single FMIs judged differently. */
  override?: Readonly<Partial<Record<number, Hazard>>>;
  /** Single FMIs with better words than subject + phrase; at most 60 characters. */
  short?: Readonly<Partial<Record<number, string>>>;
}

type EntryInput = Pick<CatalogueEntry, 'spn' | 'subject' | 'about' | 'advice'> & Partial<CatalogueEntry>;

const defaultHazards: Readonly<Record<EntryKind, Pick<CatalogueEntry, 'high' | 'low' | 'fault' | 'circuit'>>> = {
  measure: { high: 'major', low: 'major', fault: 'minor', circuit: 'minor' },
  device: { high: 'major', low: 'major', fault: 'major', circuit: 'minor' },
  status: { high: 'major', low: 'major', fault: 'major', circuit: 'minor' },
};

/**
 * SPNs used by the trade under these meanings, but not yet found with them in a published list or a maker's document.
 */
export const unconfirmedSpns: ReadonlySet<number> = new Set([
  620, 875, 876, 977, 4331, 4332, 4334, 4337, 4340, 4342, 4344, 4354, 4355, 4356, 4374, 4375, 4376, 4377, 4765, 4767,
  4781, 4792, 4795, 4796, 5298, 5313, 5357, 5397, 5491, 5571,
]);

/** Completes a file's entries with its system, its VMRS code and the usual hazards of each kind. */
export const entriesOf = (
  system: VehicleSystem,
  vmrs: string,
  entries: readonly EntryInput[],
): readonly CatalogueEntry[] =>
  entries.map((entry) => {
    const kind = entry.kind ?? 'measure';
    const source = unconfirmedSpns.has(entry.spn) ? sources.unconfirmed : sources.spnList;
    return { system, vmrs, kind, source, ...defaultHazards[kind], ...entry };
  });
