/** The trucks' signals in words and in the tenant's units. Their own units are fixed by their names. */
import type { SignalName } from '#contracts/telemetry';
import type { Units } from './units.ts';

interface SignalWords {
  word: string;
  unit: string;
  /** In the metric system, where it is another. */
  metric?: { unit: string; from: (value: number) => number };
}

const celsius = { unit: '°C', from: (f: number): number => ((f - 32) * 5) / 9 };
const kilopascal = { unit: 'kPa', from: (psi: number): number => psi * 6.894757 };

const signalWords: Readonly<Record<SignalName, SignalWords>> = {
  coolantTempF: { word: 'Coolant temperature', unit: '°F', metric: celsius },
  oilTempF: { word: 'Oil temperature', unit: '°F', metric: celsius },
  oilPressurePsi: { word: 'Oil pressure', unit: 'psi', metric: kilopascal },
  defLevelPercent: { word: 'DEF level', unit: '%' },
  dpfSootPercent: { word: 'DPF soot load', unit: '%' },
  batteryVolts: { word: 'Battery voltage', unit: 'V' },
  engineLoadPercent: { word: 'Engine load', unit: '%' },
  boostPsi: { word: 'Boost pressure', unit: 'psi', metric: kilopascal },
  fuelRateGph: { word: 'Fuel rate', unit: 'gal/h', metric: { unit: 'l/h', from: (gallons) => gallons * 3.785412 } },
  ambientTempF: { word: 'Outside temperature', unit: '°F', metric: celsius },
  engineRpm: { word: 'Engine speed', unit: 'rpm' },
};
const isSignal = (name: string): name is SignalName => Object.hasOwn(signalWords, name);

/** "coolantTempF" → "Coolant temperature"; what is not known is taken apart: "jointReadings" → "Joint readings". */
export function signalWord(name: string): string {
  if (isSignal(name)) return signalWords[name].word;
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/[_.\s-]+/g, ' ')
    .trim()
    .toLowerCase();
  return words === '' ? 'Signal' : words.charAt(0).toUpperCase() + words.slice(1);
}

/** Two digits behind the point at most, none for large values: enough for volts, no noise for engine speeds. */
function figures(value: number): string {
  const size = Math.abs(value);
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : 2;
  return new Intl.NumberFormat('en-US', { maximumFractionDigits: digits }).format(value);
}

/** A reading with its unit: "228 °F", "109 °C". */
export function formatSignal(name: string, value: number, units: Units): string {
  if (!isSignal(name)) return figures(value);
  const { unit, metric } = signalWords[name];
  return units === 'metric' && metric !== undefined
    ? `${figures(metric.from(value))} ${metric.unit}`
    : `${figures(value)} ${unit}`;
}
