/**
 * How a trouble begins, grows and is repaired. A course belongs to one part; its stages follow each other until the
 * shop steps in. Times are world hours, given as a range from which each truck draws.
 */
import type { Lamps, VehicleSystem } from '#contracts/faults';
import type { CodeKey } from './codes.ts';

export const parts = [
  'dpf',
  'scr',
  'noxSensor',
  'defSystem',
  'oilCircuit',
  'injectors',
  'egr',
  'engineSensors',
  'coolant',
  'fuelSupply',
  'highPressureFuel',
  'airFilter',
  'turbo',
  'charging',
  'wiring',
  'wheelEnds',
  'airSupply',
  'transmission',
  'clutch',
  'climateControl',
  'cabin',
] as const;
export type Part = (typeof parts)[number];

export type HourRange = readonly [low: number, high: number];

export interface StageCode {
  code: CodeKey;
  lamps: Lamps;
  /** How often per active day the controller counts it again. */
  countsPerDay: number;
  /** Share of the time it is active while it comes and goes; absent when it stays. */
  duty?: number;
  /** Index of the stage that replaces it, as FMI 0 replaces FMI 16. */
  untilStage?: number;
}

export interface Stage {
  /** World hours after the stage before (0 for the onset). */
  afterHours: HourRange;
  /** Chance that the trouble gets this far before the shop does; 1 when absent. */
  chance?: number;
  codes: readonly StageCode[];
}

export interface Course {
  key: string;
  part: Part;
  system: VehicleSystem;
  /** Days between two onsets on an average truck. */
  meanDays: number;
  /** Weibull shape of that time: above 1 wears out, near 1 strikes by chance. */
  shape: number;
  /** When it is at home: summer heat, winter cold, or always. */
  season?: 'heat' | 'cold';
  /** How strongly rough driving speeds it up: 0 not at all, 1 in full. */
  driverWeight?: number;
  stages: readonly Stage[];
  /** World hours from the last stage reached to the repair that ends it for good. */
  repairAfterHours: HourRange;
  /** What the shop writes. */
  repair: string;
  /** Stages a driver puts right alone; only a trouble that went further is work for the shop. 0 when absent. */
  driverStages?: number;
  /** Chance that a course that reached its last stage ended on the roadside. */
  breakdownChance?: number;
  /** Its last stage stops the truck: used to keep a few severe cases in every fleet. */
  isSevere?: boolean;
}

const lamps = (malfunction: boolean, redStop: boolean, amberWarning: boolean, protect: boolean): Lamps => ({
  malfunction,
  redStop,
  amberWarning,
  protect,
});

export const dark = lamps(false, false, false, false);
export const amber = lamps(false, false, true, false);
export const malfunctionLamp = lamps(true, false, false, false);
export const amberAndMalfunction = lamps(true, false, true, false);
export const amberAndProtect = lamps(false, false, true, true);
export const red = lamps(false, true, false, false);
export const redAndMalfunction = lamps(true, true, false, false);
