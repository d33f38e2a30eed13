/**
 * The SPN catalogue: some 300 parameters of a heavy truck in our own words, plus one entry per silent controller.
 *
 * What stands behind it: SPN numbers as service literature and published signal lists use them (each entry carries its
 * source; `unconfirmedSpns` are those not yet found in one); names and texts are ours, none are SAE's. SAE J1939DA, which
 * is licensed, was not used. The judgement (severity, stop) is our own unless a source is named, and a default that a
 * tenant may override. SPNs whose meaning could not be confirmed (2899, 5443 among them) are left out on purpose: they
 * show as "SPN n" with severity unknown rather than as a guess.
 * VMRS codes are system codes (code key 31) as repair orders use them, not checked against a licensed copy; data links
 * and controllers have no system of their own there and are filed under 003.
 */
import type { CatalogueEntry } from './catalogue-entry.ts';
import { aftertreatmentDefEntries } from './catalogue/aftertreatment-def.ts';
import { aftertreatmentDpfEntries } from './catalogue/aftertreatment-dpf.ts';
import { aftertreatmentRegenerationEntries } from './catalogue/aftertreatment-regeneration.ts';
import { aftertreatmentScrEntries } from './catalogue/aftertreatment-scr.ts';
import { airIntakeEntries } from './catalogue/air-intake.ts';
import { brakesEntries } from './catalogue/brakes.ts';
import { cabEntries } from './catalogue/cab.ts';
import { coolingEntries } from './catalogue/cooling.ts';
import { electricalEntries } from './catalogue/electrical.ts';
import { engineEntries } from './catalogue/engine.ts';
import { fuelEntries } from './catalogue/fuel.ts';
import { networkEntries } from './catalogue/network.ts';
import { transmissionEntries } from './catalogue/transmission.ts';

/** Every entry; each SPN once (a test holds it to that). */
export const spnCatalogue: readonly CatalogueEntry[] = [
  ...engineEntries,
  ...coolingEntries,
  ...airIntakeEntries,
  ...fuelEntries,
  ...aftertreatmentDefEntries,
  ...aftertreatmentScrEntries,
  ...aftertreatmentDpfEntries,
  ...aftertreatmentRegenerationEntries,
  ...electricalEntries,
  ...brakesEntries,
  ...transmissionEntries,
  ...networkEntries,
  ...cabEntries,
];

const bySpn: ReadonlyMap<number, CatalogueEntry> = new Map(spnCatalogue.map((entry) => [entry.spn, entry]));

/** The entry of an SPN, or null when the catalogue does not know it. */
export const catalogueEntry = (spn: number): CatalogueEntry | null => bySpn.get(spn) ?? null;

/** Lower edge of the SPNs that J1939 leaves to manufacturers; up to the last SPN, 524,287. */
const proprietaryFrom = 516_096;

/** True for an SPN whose meaning each manufacturer sets for itself. */
export const isProprietarySpn = (spn: number): boolean => spn >= proprietaryFrom && spn <= 524_287;
