/** What each weight of the risk score does, in words, and the unit it is edited in. Pure. */
import { adjustableWeights, type AdjustableWeight } from '#contracts/scoring';
import { distanceUnit, type Units } from '../format/units.ts';

interface WeightWords {
  word: string;
  hint: string;
  step: number;
}

export const weightWords: Readonly<Record<AdjustableWeight, WeightWords>> = {
  survivalMax: {
    word: 'Forecast, at most',
    hint: 'What a high chance of failure may add, even with no fault reported.',
    step: 1,
  },
  anomalyMax: {
    word: 'Unusual readings, at most',
    hint: 'What signals far from the truck’s own normal may add.',
    step: 1,
  },
  serviceIntervalMiles: {
    word: 'Service is due every',
    hint: 'Past this distance since the last service, overdue points begin.',
    step: 1_000,
  },
  serviceOverdueMax: { word: 'Overdue service, at most', hint: 'What a service long overdue may add.', step: 1 },
  repairsMax: { word: 'Many repairs, at most', hint: 'What repeated repairs within a year may add.', step: 0.5 },
  lampRedStop: {
    word: 'Red stop lamp',
    hint: 'Added while it is lit. The truck is critical then in any case.',
    step: 1,
  },
  lampAmberWarning: { word: 'Amber warning lamp', hint: 'Added while it is lit.', step: 0.5 },
};

/** In the order of the page. */
export const weightOrder = Object.keys(weightWords) as AdjustableWeight[];

const kilometresPerMile = 1.609344;
const isDistance = (name: AdjustableWeight): boolean => name.endsWith('Miles');

export interface WeightScale {
  unit: string;
  min: number;
  max: number;
  step: number;
  /** The stored number as it is shown and edited; null while there is none. */
  show: (stored: number | null) => number | null;
  /** The edited number as it is stored. */
  store: (shown: number | null) => number | null;
}

/** A weight in the tenant's units: distances are stored in miles. */
export function weightScale(name: AdjustableWeight, units: Units): WeightScale {
  const { min, max } = adjustableWeights[name];
  const { step } = weightWords[name];
  if (!isDistance(name)) {
    return { unit: 'points', min, max, step, show: (stored) => stored, store: (shown) => shown };
  }
  if (units === 'us') return { unit: distanceUnit(units), min, max, step, show: (s) => s, store: (s) => s };
  const rounded = (value: number, to: number): number => Math.round(value / to) * to;
  return {
    unit: distanceUnit(units),
    min: Math.ceil((min * kilometresPerMile) / step) * step,
    max: Math.floor((max * kilometresPerMile) / step) * step,
    step,
    show: (stored) => (stored === null ? null : rounded(stored * kilometresPerMile, 10)),
    store: (shown) => (shown === null ? null : rounded(shown / kilometresPerMile, 1)),
  };
}
