/** J1939 numbers in plain words: which controller speaks, how it failed, what a lamp asks for. */
import type { Lamps, VehicleSystem } from '#contracts/faults';

/** Source addresses of heavy trucks (SAE J1939, industry group 0 and 1). */
const controllerNames: Readonly<Record<number, string>> = {
  0: 'Engine',
  1: 'Engine no. 2',
  2: 'Turbocharger',
  3: 'Transmission',
  5: 'Shift console',
  8: 'Steering axle',
  9: 'Drive axle',
  11: 'Brakes',
  15: 'Engine retarder',
  16: 'Driveline retarder',
  17: 'Cruise control',
  18: 'Fuel system',
  19: 'Steering',
  21: 'Suspension',
  23: 'Instrument cluster',
  25: 'Climate control',
  26: 'Charging system',
  30: 'Electrical system',
  31: 'Starter',
  33: 'Body controller',
  37: 'Gateway',
  42: 'Headway controller',
  47: 'Vehicle dynamic stability',
  49: 'Cab controller',
  51: 'Tire pressure',
  61: 'Exhaust emission control',
};
export const controllerName = (sourceAddress: number): string =>
  controllerNames[sourceAddress] ?? `Controller ${sourceAddress}`;

/** Failure mode identifiers (SAE J1939-73, appendix A), shortened to what a person asks for. */
const failureModes: readonly string[] = [
  'above normal, most severe',
  'below normal, most severe',
  'erratic or incorrect data',
  'voltage above normal or shorted high',
  'voltage below normal or shorted low',
  'current below normal or open circuit',
  'current above normal or grounded circuit',
  'mechanical system not responding',
  'abnormal frequency or pulse width',
  'abnormal update rate',
  'abnormal rate of change',
  'root cause not known',
  'bad device or component',
  'out of calibration',
  'special instructions',
  'above normal, least severe',
  'above normal, moderately severe',
  'below normal, least severe',
  'below normal, moderately severe',
  'received network data in error',
  'data drifted high',
  'data drifted low',
];
export const failureModeWords = (fmi: number): string =>
  fmi === 31 ? 'condition exists' : (failureModes[fmi] ?? 'reserved failure mode');

export const systemWords: Readonly<Record<VehicleSystem, string>> = {
  engine: 'Engine',
  aftertreatment: 'Aftertreatment',
  fuel: 'Fuel',
  cooling: 'Cooling',
  air_intake: 'Air intake',
  electrical: 'Electrical',
  brakes: 'Brakes',
  transmission: 'Transmission',
  drivetrain: 'Drivetrain',
  steering: 'Steering',
  cab: 'Cab',
  hvac: 'HVAC',
  body: 'Body',
  network: 'Network',
  other: 'Other',
};

export interface LitLamp {
  key: keyof Lamps;
  word: string;
  tone: 'critical' | 'medium';
}

/** The lamps that are lit, worst first; empty when none is, null when the source does not say. */
export function litLamps(lamps: Lamps | null): LitLamp[] | null {
  if (lamps === null) return null;
  const lit: LitLamp[] = [];
  if (lamps.redStop) lit.push({ key: 'redStop', word: 'Red stop', tone: 'critical' });
  if (lamps.amberWarning) lit.push({ key: 'amberWarning', word: 'Amber warning', tone: 'medium' });
  if (lamps.malfunction) lit.push({ key: 'malfunction', word: 'Malfunction', tone: 'medium' });
  if (lamps.protect) lit.push({ key: 'protect', word: 'Protect', tone: 'medium' });
  return lit;
}
