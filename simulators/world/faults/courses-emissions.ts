/** Courses of the exhaust aftertreatment: what stops a modern diesel most often. */
import {
  amber,
  amberAndMalfunction,
  amberAndProtect,
  dark,
  malfunctionLamp,
  redAndMalfunction,
  type Course,
} from './course.ts';

// One line per stage reads as a table.
// prettier-ignore
export const emissionsCourses: readonly Course[] = [
  {
    // Soot loads the filter, a regeneration is missed, pressure rises until the engine is held back.
    key: 'dpf-plugging',
    part: 'dpf',
    system: 'aftertreatment',
    meanDays: 370,
    shape: 1.6,
    driverWeight: 0.4,
    stages: [
      { afterHours: [0, 0], codes: [{ code: 'sootHigh', lamps: amber, countsPerDay: 3, untilStage: 2 }] },
      { afterHours: [12, 45], chance: 0.6, codes: [{ code: 'dpfPressureHigh', lamps: amberAndMalfunction, countsPerDay: 4, untilStage: 2 }] },
      { afterHours: [15, 54], chance: 0.4, codes: [
        { code: 'dpfPressureSevere', lamps: redAndMalfunction, countsPerDay: 5 },
        { code: 'sootSevere', lamps: redAndMalfunction, countsPerDay: 3 },
        { code: 'derate', lamps: amberAndProtect, countsPerDay: 2 },
      ] },
    ],
    repairAfterHours: [10, 66],
    repair: 'Parked regeneration completed, DPF removed and cleaned',
    breakdownChance: 0.35,
    isSevere: true,
  },
  {
    key: 'dpf-ash',
    part: 'dpf',
    system: 'aftertreatment',
    meanDays: 1080,
    shape: 2.5,
    stages: [
      { afterHours: [0, 0], codes: [{ code: 'ashHigh', lamps: dark, countsPerDay: 1, untilStage: 1 }] },
      { afterHours: [104, 286], chance: 0.6, codes: [{ code: 'ashFull', lamps: amber, countsPerDay: 2 }] },
    ],
    repairAfterHours: [84, 246],
    repair: 'DPF exchanged for a cleaned filter, ash counter reset',
  },
  {
    key: 'dpf-pressure-sensor',
    part: 'dpf',
    system: 'aftertreatment',
    meanDays: 1120,
    shape: 1.1,
    stages: [{ afterHours: [0, 0], codes: [{ code: 'dpfPressureErratic', lamps: malfunctionLamp, countsPerDay: 6, duty: 0.45 }] }],
    repairAfterHours: [105, 316],
    repair: 'DPF differential pressure sensor and hoses replaced',
  },
  {
    // The catalyst ages: efficiency falls, then the inducement follows.
    key: 'scr-ageing',
    part: 'scr',
    system: 'aftertreatment',
    meanDays: 740,
    shape: 2,
    stages: [
      { afterHours: [0, 0], codes: [{ code: 'scrEfficiencyLow', lamps: malfunctionLamp, countsPerDay: 3, untilStage: 2 }] },
      { afterHours: [24, 72], chance: 0.5, codes: [{ code: 'inducement', lamps: amberAndProtect, countsPerDay: 2, untilStage: 2 }] },
      { afterHours: [18, 60], chance: 0.35, codes: [
        { code: 'scrEfficiencySevere', lamps: amberAndMalfunction, countsPerDay: 3 },
        { code: 'inducementSevere', lamps: redAndMalfunction, countsPerDay: 2 },
      ] },
    ],
    repairAfterHours: [30, 92],
    repair: 'SCR catalyst tested and replaced, adaptation reset',
    breakdownChance: 0.2,
    isSevere: true,
  },
  {
    key: 'nox-outlet-sensor',
    part: 'noxSensor',
    system: 'aftertreatment',
    meanDays: 520,
    shape: 1.2,
    stages: [
      { afterHours: [0, 0], codes: [{ code: 'noxOutletRate', lamps: malfunctionLamp, countsPerDay: 5, duty: 0.5, untilStage: 1 }] },
      { afterHours: [36, 114], chance: 0.7, codes: [
        { code: 'noxOutletLow', lamps: amberAndMalfunction, countsPerDay: 3 },
        { code: 'scrEfficiencyLow', lamps: malfunctionLamp, countsPerDay: 1, duty: 0.6 },
      ] },
    ],
    repairAfterHours: [70, 224],
    repair: 'Outlet NOx sensor replaced',
  },
  {
    key: 'nox-inlet-sensor',
    part: 'noxSensor',
    system: 'aftertreatment',
    meanDays: 840,
    shape: 1.2,
    stages: [{ afterHours: [0, 0], codes: [{ code: 'noxInletDefective', lamps: amberAndMalfunction, countsPerDay: 2 }] }],
    repairAfterHours: [84, 252],
    repair: 'Inlet NOx sensor replaced',
  },
  {
    // Nobody filled the tank: a nuisance that turns into a speed limit.
    key: 'def-runs-low',
    part: 'defSystem',
    system: 'aftertreatment',
    meanDays: 280,
    shape: 1,
    driverWeight: 0.6,
    stages: [
      { afterHours: [0, 0], codes: [{ code: 'defLevelLow', lamps: dark, countsPerDay: 2, untilStage: 1 }] },
      { afterHours: [13, 36], chance: 0.4, codes: [{ code: 'defLevelVeryLow', lamps: amber, countsPerDay: 3, untilStage: 2 }] },
      { afterHours: [10, 23], chance: 0.2, codes: [
        { code: 'defLevelEmpty', lamps: amberAndMalfunction, countsPerDay: 3 },
        { code: 'inducement', lamps: amberAndProtect, countsPerDay: 2 },
      ] },
    ],
    repairAfterHours: [7, 42],
    repair: 'DEF tank filled, level confirmed',
    driverStages: 2,
  },
  {
    key: 'def-contaminated',
    part: 'defSystem',
    system: 'aftertreatment',
    meanDays: 980,
    shape: 1,
    stages: [
      { afterHours: [0, 0], codes: [{ code: 'defQuality', lamps: amber, countsPerDay: 4, untilStage: 1 }] },
      { afterHours: [26, 68], chance: 0.5, codes: [
        { code: 'defQualitySevere', lamps: amberAndMalfunction, countsPerDay: 4 },
        { code: 'derate', lamps: amberAndProtect, countsPerDay: 2 },
      ] },
    ],
    repairAfterHours: [42, 140],
    repair: 'DEF tank drained and flushed, filter replaced, refilled',
  },
  {
    key: 'def-dosing',
    part: 'defSystem',
    system: 'aftertreatment',
    meanDays: 630,
    shape: 1.5,
    stages: [
      { afterHours: [0, 0], codes: [{ code: 'defPressureLow', lamps: malfunctionLamp, countsPerDay: 4, duty: 0.6 }] },
      { afterHours: [47, 130], chance: 0.5, codes: [{ code: 'defDoserStuck', lamps: amberAndMalfunction, countsPerDay: 3 }] },
    ],
    repairAfterHours: [70, 211],
    repair: 'DEF doser cleaned of crystals, pump pressure tested',
  },
  {
    key: 'def-frozen',
    part: 'defSystem',
    system: 'aftertreatment',
    meanDays: 350,
    shape: 1,
    season: 'cold',
    stages: [{ afterHours: [0, 0], codes: [{ code: 'defTankHeater', lamps: amber, countsPerDay: 3, duty: 0.5 }] }],
    repairAfterHours: [57, 211],
    repair: 'DEF tank heater valve replaced',
  },
];
