/** Points of dashboard lamps. */
import { instantMs, sayAge } from './ages.ts';
import { currentLamps, type LampFeature } from './current-lamps.ts';
import type { Weights } from './models.ts';
import { plainNumber, toUnits, type Reason } from './points.ts';

type LampName = 'redStop' | 'amberWarning' | 'protect' | 'malfunction';

const names: readonly { lamp: LampName; factor: string; text: string }[] = [
  { lamp: 'redStop', factor: 'faults.lamp.red_stop', text: 'Red stop lamp is lit' },
  {
    lamp: 'amberWarning',
    factor: 'faults.lamp.amber_warning',
    text: 'Amber warning lamp is lit',
  },
  { lamp: 'protect', factor: 'faults.lamp.protect', text: 'Protect lamp is lit' },
  {
    lamp: 'malfunction',
    factor: 'faults.lamp.malfunction',
    text: 'Check engine lamp is lit',
  },
];

/** Units of each lamp; red takes the place of the others, so it weighs at least what they weigh together. */
const lampUnits = (weights: Weights): Readonly<Record<LampName, number>> => {
  const amberWarning = toUnits(weights.lampAmberWarning);
  const protect = toUnits(weights.lampProtect);
  const malfunction = toUnits(weights.lampMalfunction);
  const redStop = Math.max(toUnits(weights.lampRedStop), amberWarning + protect + malfunction);
  return { redStop, amberWarning, protect, malfunction };
};

/** By address, then by time: the order in which messages came says nothing. */
const orderKey = ({ sourceAddress, at }: LampFeature): string => `${String(sourceAddress).padStart(8)} ${at}`;

/** The newest readable time of these messages. */
const newestTime = (lit: readonly LampFeature[]): string | null =>
  lit.reduce<string | null>(
    (newest, { at }) => ((instantMs(at) ?? -Infinity) > (instantMs(newest) ?? -Infinity) ? at : newest),
    null,
  );

/**
 * One reason per kind of lamp, however many controllers light it. While a red stop lamp is lit the others are listed
 * without points: red says all they say, and a newer red message that drops an amber one must not lower the risk.
 */
export const lampReasons = (lamps: readonly LampFeature[], weights: Weights, nowMs: number): Reason[] => {
  const current = currentLamps(lamps);
  const units = lampUnits(weights);
  const redLit = current.some((message) => message.redStop);
  return names.flatMap(({ lamp, factor, text }) => {
    const lit = current.filter((message) => message[lamp]).sort((a, b) => (orderKey(a) < orderKey(b) ? -1 : 1));
    if (lit.length === 0) return [];
    const reported = sayAge(newestTime(lit), nowMs);
    return [
      {
        factor,
        units: redLit && lamp !== 'redStop' ? 0 : units[lamp],
        text: reported === null ? text : `${text}, reported ${reported} ago`,
        evidence: {
          lamp,
          sourceAddresses: lit.map(({ sourceAddress }) => plainNumber(sourceAddress)),
          at: lit.map(({ at }) => at),
        },
        keep: true,
      },
    ];
  });
};
