/** Points of dashboard lamps. Lamps belong to the message of a source address; the newest message of each counts. */
import type { VehicleFeatures } from '#contracts/risk';
import { instantMs, sayInstant } from './ages.ts';
import type { Weights } from './models.ts';
import { toUnits, type Reason } from './points.ts';

type LampFeature = VehicleFeatures['lamps'][number];
type LampName = 'redStop' | 'amberWarning' | 'protect' | 'malfunction';

/**
 * The lamps that hold now: of each source the newest message. Messages whose time cannot be read are kept beside it,
 * because a lit lamp must not be lost to a bad clock.
 */
const currentLamps = (lamps: readonly LampFeature[]): LampFeature[] => {
  const newestMs = new Map<number, number>();
  for (const lamp of lamps) {
    const ms = instantMs(lamp.at);
    if (ms === null) continue;
    newestMs.set(lamp.sourceAddress, Math.max(ms, newestMs.get(lamp.sourceAddress) ?? ms));
  }
  return lamps.filter((lamp) => {
    const ms = instantMs(lamp.at);
    return ms === null || ms === newestMs.get(lamp.sourceAddress);
  });
};

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

/** The newest readable time of these messages. */
const newestTime = (lit: readonly LampFeature[]): string | null =>
  lit.reduce<string | null>(
    (newest, { at }) => ((instantMs(at) ?? -Infinity) > (instantMs(newest) ?? -Infinity) ? at : newest),
    null,
  );

/** True when any source has the red stop lamp lit. */
export const isRedStopLit = (lamps: readonly LampFeature[]): boolean =>
  currentLamps(lamps).some((lamp) => lamp.redStop);

/**
 * One reason per kind of lamp, however many controllers light it. While a red stop lamp is lit the others are listed
 * without points: red says all they say, and a newer red message that drops an amber one must not lower the risk.
 */
export const lampReasons = (lamps: readonly LampFeature[], weights: Weights): Reason[] => {
  const current = currentLamps(lamps);
  const units = lampUnits(weights);
  const redLit = isRedStopLit(lamps);
  return names.flatMap(({ lamp, factor, text }) => {
    const lit = current.filter((message) => message[lamp]);
    if (lit.length === 0) return [];
    const reported = sayInstant(newestTime(lit));
    return [
      {
        factor,
        units: redLit && lamp !== 'redStop' ? 0 : units[lamp],
        text: reported === null ? text : `${text}, reported ${reported}`,
        evidence: {
          lamp,
          sourceAddresses: lit.map(({ sourceAddress }) => (Number.isFinite(sourceAddress) ? sourceAddress : null)),
          at: lit.map(({ at }) => at),
        },
        keep: true,
      },
    ];
  });
};
