/** What a score is made of, as its bar chart shows it: the parts, heaviest first, each with its reasons. Pure. */
import { faultSeverities, type FaultSeverity } from '#contracts/faults';
import type { Contributor, VehicleScore } from '#contracts/risk';
import { formatChance } from '../format/chances.ts';
import { systemWords } from '../format/faults.ts';
import { formatSignal, signalWord } from '../format/signals.ts';
import { actionWords, severityLook } from '../format/states.ts';
import { formatDateTime } from '../format/time.ts';
import { distanceUnit, formatDistance, type Units } from '../format/units.ts';

export type Component = keyof VehicleScore['components'];

export const componentWords: Readonly<Record<Component, string>> = {
  faults: 'Faults',
  survival: 'Forecast',
  anomaly: 'Unusual readings',
  usage: 'Use and upkeep',
};
const components = Object.keys(componentWords) as Component[];

/** A factor is `<component>.<what>`; one of no known component belongs to the faults, as scoring has it. */
export const componentOf = ({ factor }: Pick<Contributor, 'factor'>): Component =>
  components.find((component) => factor.startsWith(`${component}.`)) ?? 'faults';

export interface ContributorGroup {
  component: Component;
  word: string;
  points: number;
  contributors: Contributor[];
}

/** The parts that have points or reasons, heaviest first. */
export function contributorGroups(score: Pick<VehicleScore, 'components' | 'contributors'>): ContributorGroup[] {
  return components
    .map((component) => ({
      component,
      word: componentWords[component],
      points: score.components[component],
      contributors: score.contributors
        .filter((contributor) => componentOf(contributor) === component)
        .toSorted((a, b) => b.points - a.points),
    }))
    .filter(({ points, contributors }) => points !== 0 || contributors.length > 0)
    .toSorted((a, b) => b.points - a.points);
}

/** A reading this far from normal is odd by itself; one that is nearer has been drifting. */
const oddZ = 3.5;

/** How a reading is odd: far from normal now, or on a slow way there. */
export function anomalyLook(
  { signal, zScore }: VehicleScore['anomalies'][number],
  contributors: readonly Contributor[],
): { isUp: boolean; word: string } {
  const { drift } = contributors.find(({ factor }) => factor === `anomaly.${signal}`)?.evidence ?? {};
  const z = `z ${zScore.toFixed(1)}`;
  if (Math.abs(zScore) >= oddZ) {
    const strength = Math.abs(zScore) >= 8 ? 'Far' : Math.abs(zScore) >= 5 ? 'Well' : 'Clearly';
    return { isUp: zScore > 0, word: `${strength} ${zScore > 0 ? 'above' : 'below'} normal (${z})` };
  }
  const isUp = drift === 'up' || (drift !== 'down' && zScore > 0);
  return { isUp, word: `Drifting ${isUp ? 'up' : 'down'}` };
}

/** The heaviest reasons of a part, and what the others come to together. */
export function heaviest(
  contributors: readonly Contributor[],
  most: number,
): { shown: Contributor[]; rest: Contributor[] } {
  // One more line costs no more than the line that would stand for it.
  const count = contributors.length <= most + 1 ? contributors.length : most;
  return { shown: contributors.slice(0, count), rest: contributors.slice(count) };
}

export interface EvidenceRow {
  word: string;
  value: string;
}

interface Writing {
  timeZone: string;
  units: Units;
  nowMs: number;
}
type Evidence = Contributor['evidence'];

const evidenceWords: Readonly<Record<string, string>> = {
  spn: 'SPN',
  fmi: 'FMI',
  at: 'Reported',
  n: 'Readings',
  zScore: 'Distance from normal, in standard deviations',
  baseline: 'Normal taken from',
  codes: 'Codes together',
  sourceAddresses: 'Source addresses',
  isActive: 'Active now',
  reopenCount: 'Came back, times',
  occurrenceCount: 'Seen, times',
  expected: 'Normal',
  ignoredAsNoise: 'Left out as noise of a crank',
  chance7Days: 'Chance within 7 days',
  typicalChance7Days: 'On a typical truck',
  chance30Days: 'Chance within 30 days',
  typicalChance30Days: 'On a typical truck',
  hazardFactor: 'Multiplies the failure rate by',
  basis: 'Learned from',
  learnedDays: 'Learned from failures so many days ahead',
  unknown: 'Not known of this truck',
};
const lampWords: Readonly<Record<string, string>> = {
  redStop: 'Red stop',
  amberWarning: 'Amber warning',
  protect: 'Protect',
  malfunction: 'Malfunction',
};
const baselineWords: Readonly<Record<string, string>> = { own: 'this truck', model: 'trucks of the same model' };
/** As a reader of one truck's page needs it: whose history it was. */
const basisWords: Readonly<Record<string, string>> = {
  prior: 'simulated trucks, not yet this fleet’s own failures',
  corrected_prior: 'simulated trucks, corrected by this fleet’s own failures',
  own_trees: 'this fleet’s own history',
};
const oneOf = (words: Readonly<Record<string, string>>, value: string): string =>
  Object.hasOwn(words, value) ? (words[value] ?? value) : value;

/** Values that are words of ours, by the name they stand under. */
const valueWords: Readonly<Record<string, (value: string) => string>> = {
  system: (value) => oneOf(systemWords, value),
  action: (value) => oneOf(actionWords, value),
  lamp: (value) => oneOf(lampWords, value),
  baseline: (value) => oneOf(baselineWords, value),
  basis: (value) => oneOf(basisWords, value),
  signal: signalWord,
  severity: (value) => (isSeverity(value) ? severityLook(value).word : value),
};
const isSeverity = (value: string): value is FaultSeverity => faultSeverities.some((known) => known === value);

function sayKey(key: string): string {
  const known = Object.hasOwn(evidenceWords, key) ? evidenceWords[key] : undefined;
  if (known !== undefined) return known;
  const words = key
    .replace(/(Miles|At)$/, '')
    .replace(/^miles/, 'distance')
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/[_.]+/g, ' ')
    .trim()
    .toLowerCase();
  return words === '' ? key : words.charAt(0).toUpperCase() + words.slice(1);
}

const instant = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}/;
const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function sayNumber(key: string, value: number, whole: Evidence, units: Units): string {
  if (/^miles|Miles$/.test(key)) return `${formatDistance(value, units)} ${distanceUnit(units)}`;
  // A reading and its normal are in the unit of the signal they stand beside.
  if ((key === 'value' || key === 'expected') && typeof whole['signal'] === 'string') {
    return formatSignal(whole['signal'], value, units);
  }
  if (/chance/i.test(key) && value >= 0 && value <= 1) return formatChance(value);
  return new Intl.NumberFormat('en-US', { maximumFractionDigits: Math.abs(value) < 1 ? 3 : 1 }).format(value);
}

function say(key: string, value: unknown, whole: Evidence, writing: Writing): string {
  if (value === null || value === undefined || value === '') return 'not known';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'number') return sayNumber(key, value, whole, writing.units);
  if (typeof value === 'string') {
    if (instant.test(value)) return formatDateTime(value, writing.timeZone, writing.nowMs);
    return Object.hasOwn(valueWords, key) ? (valueWords[key]?.(value) ?? value) : value;
  }
  if (Array.isArray(value)) return value.map((item: unknown) => say(key, item, whole, writing)).join('; ');
  if (!isPlain(value)) return 'not known';
  if (typeof value['spn'] === 'number' && typeof value['fmi'] === 'number') {
    return `SPN ${value['spn']} FMI ${value['fmi']}`;
  }
  return Object.entries(value)
    .map(([inner, found]) => `${sayKey(inner).toLowerCase()} ${say(inner, found, value, writing)}`)
    .join(', ');
}

/** What a forecast looked at, each as a row of its own: what it is here, what it is on a typical truck. */
function featureRows(features: readonly unknown[]): EvidenceRow[] {
  return features.filter(isPlain).flatMap(({ label, unit, value, typical }) => {
    if (typeof label !== 'string' || typeof value !== 'number') return [];
    const tell = (number: number): string => {
      if (unit === 'yes = 1') return number === 1 ? 'yes' : 'no';
      const text = new Intl.NumberFormat('en-US', { maximumFractionDigits: 1 }).format(number);
      return typeof unit !== 'string' || unit === 'rank' || unit === 'times' ? text : `${text} ${unit}`;
    };
    const usual = typeof typical === 'number' ? `, typically ${tell(typical)}` : '';
    return [{ word: label.charAt(0).toUpperCase() + label.slice(1), value: `${tell(value)}${usual}` }];
  });
}

/** What scoring has written down for a reason, in rows for people; what says nothing is left out. */
export const evidenceRows = (evidence: Evidence, writing: Writing): EvidenceRow[] =>
  Object.entries(evidence)
    .filter(
      ([key, value]) => !(Array.isArray(value) && value.length === 0) && !(key === 'ignoredAsNoise' && value === false),
    )
    .flatMap(([key, value]) =>
      key === 'features' && Array.isArray(value)
        ? featureRows(value)
        : [{ word: sayKey(key), value: say(key, value, evidence, writing) }],
    );
