/**
 * Another world by the same rules: what is hidden in the default world, moved. Scoring learns in one world and is judged
 * in such others, else it would only know itself. Everything absent stays as in the default world.
 */
import type { Part } from './faults/course.ts';

export interface WorldShift {
  /** How many times more often troubles come, of all parts or of single ones. */
  rate?: number;
  partRates?: Partial<Readonly<Record<Part, number>>>;
  /** Multiplies the log standard deviation of wear between trucks: 0 makes them alike. */
  wearSpread?: number;
  /** Powers on the hazard multipliers of driver and climate: 0 no effect, 1 as it is, 2 squared. */
  driverEffect?: number;
  climateEffect?: number;
  /** Multiplies the Weibull shapes: below 1 troubles come more by chance, above 1 more by age. */
  shape?: number;
  /** Multiplies the time from a trouble's last stage to its repair. */
  repairDelay?: number;
  /** Multiplies the chance that a trouble that ran its course ends on the roadside. */
  breakdown?: number;
  /** Multiplies how long before a trouble its signals begin to move, and how far they move (0: no warning at all). */
  signalLead?: number;
  signalStrength?: number;
  /** Share (0–1) of troubles that never set a code: the shop is the first to know. */
  codeless?: number;
  /** False: no timetable of severe cases; troubles come by wear alone. */
  hasSevereTimetable?: boolean;
  /** Multiplies how long (1 or more) a truck holds the role of its fleet's severe case: longer ones are rarer. */
  severeWindow?: number;
}

/** The same with nothing absent; the default world when nothing was shifted. */
export function wholeShift(shift: WorldShift | undefined): Required<WorldShift> {
  return shift === undefined ? unshifted : { ...unshifted, ...shift };
}

const unshifted: Required<WorldShift> = {
  rate: 1,
  partRates: {},
  wearSpread: 1,
  driverEffect: 1,
  climateEffect: 1,
  shape: 1,
  repairDelay: 1,
  breakdown: 1,
  signalLead: 1,
  signalStrength: 1,
  codeless: 0,
  hasSevereTimetable: true,
  severeWindow: 1,
};
