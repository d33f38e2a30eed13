/** Calibration of the horizons: only where it is needed, and then in the right direction. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyCalibration } from '../calibration/calibration-model.ts';
import { randomSource } from '../trees/random.ts';
import { calibrateHorizons, type CalibrationRows } from './calibrate-horizons.ts';

interface Options {
  /** The chances say e^`said` of the true hazard, and its power. */
  factor?: number;
  power?: number;
  /** Sight of a row ends at random within this many days. */
  sight?: number;
}

/** Exponential lifetimes with known daily hazards, and chances that may be wrong about them. */
const simulated = (
  seed: number,
  rows: number,
  { factor = 1, power = 1, sight = 150 }: Options = {},
): CalibrationRows => {
  const random = randomSource(seed);
  const result = {
    vehicleIds: [] as string[],
    time: [] as number[],
    event: [] as number[],
    failure: [] as (string | null)[],
  };
  const chances: [number, number, number][] = [];
  const hazardSeen: [number, number, number][] = [];
  for (let row = 0; row < rows; row += 1) {
    const hazard = 0.002 * Math.exp(3 * random.next());
    const failsAt = -Math.log(1 - random.next()) / hazard;
    const seen = sight * random.next();
    const time = Math.min(seen, failsAt);
    result.vehicleIds.push(`v${row % Math.ceil(rows / 3)}`);
    result.time.push(time);
    result.event.push(failsAt <= seen ? 1 : 0);
    result.failure.push(failsAt <= seen ? `f${row}` : null);
    const said = (days: number): number => factor * (hazard * 30) ** (power - 1) * hazard * days;
    chances.push([7, 30, 90].map((days) => -Math.expm1(-said(days))) as [number, number, number]);
    hazardSeen.push([7, 30, 90].map((days) => said(Math.min(days, time))) as [number, number, number]);
  }
  return { ...result, chances, hazardSeen };
};

/** The true chance behind a said one at 30 days. */
const truth = (said: number, factor: number): number => -Math.expm1(Math.log1p(-said) / factor);

describe('calibrateHorizons', () => {
  it('leaves everything as it is without rows, without failures, or with a handful of them', () => {
    const nothing = { days7: null, days30: null, days90: null };
    expect(
      calibrateHorizons({ vehicleIds: [], time: [], event: [], failure: [], chances: [], hazardSeen: [] }, 1),
    ).toEqual(nothing);
    const quiet = simulated(1, 300);
    expect(calibrateHorizons({ ...quiet, event: quiet.event.map(() => 0) }, 1)).toEqual(nothing);
    expect(calibrateHorizons(simulated(2, 40, { factor: 3 }), 1).days7).toBeNull();
  });

  it('counts failures, not the landmarks that share them', () => {
    const rows = simulated(7, 600, { factor: 3 });
    expect(calibrateHorizons(rows, 1).days30).not.toBeNull();
    // The same rows, if their ends were fifteen failures seen again and again.
    const failure = rows.failure.map((name, row) => (name === null ? null : `f${row % 15}`));
    expect(calibrateHorizons({ ...rows, failure }, 1)).toEqual({ days7: null, days30: null, days90: null });
  });

  it('moves less, the fewer failures its rows stand for', () => {
    const rows = simulated(7, 900, { factor: 3 });
    const few = { ...rows, failure: rows.failure.map((name, row) => (name === null ? null : `f${row % 25}`)) };
    const [all, shared] = [calibrateHorizons(rows, 1).days30, calibrateHorizons(few, 1).days30];
    if (all === null || shared === null) throw new Error('nothing was calibrated');
    expect(applyCalibration(shared, 0.5)).toBeGreaterThan(applyCalibration(all, 0.5) + 0.01);
  });

  it('mostly leaves chances alone that are right', () => {
    const touched = Array.from({ length: 12 }, (_, seed) => calibrateHorizons(simulated(seed + 50, 900), 1));
    expect(touched.filter(({ days30 }) => days30 !== null).length).toBeLessThanOrEqual(4);
    for (const { days30 } of touched) {
      if (days30 !== null) expect(Math.abs(applyCalibration(days30, 0.3) - 0.3)).toBeLessThan(0.06);
    }
  });

  it.each([3, 1 / 3])('mends chances whose hazard is off by a factor of %d, also where sight ends early', (factor) => {
    for (const sight of [150, 60]) {
      const { days30 } = calibrateHorizons(simulated(7, 3000, { factor, sight }), 1);
      expect(days30).not.toBeNull();
      if (days30 === null) continue;
      for (const chance of [0.1, 0.3, 0.6]) {
        const said = -Math.expm1(Math.log1p(-chance) * factor);
        expect(Math.abs(applyCalibration(days30, said) - truth(said, factor))).toBeLessThan(0.07);
      }
    }
  });

  it('mends chances that are too sure of themselves', () => {
    const rows = simulated(11, 4000, { power: 2 });
    const { days30 } = calibrateHorizons(rows, 1);
    expect(days30).not.toBeNull();
    if (days30 === null) return;
    // Said H² ⇒ true H: a chance of a tenth is really nearly three tenths.
    const said = 0.1;
    const meant = -Math.expm1(-Math.sqrt(-Math.log1p(-said)));
    expect(Math.abs(applyCalibration(days30, said) - meant)).toBeLessThan(0.05);
  });

  it('says nothing about a horizon that no row is seen through', () => {
    expect(calibrateHorizons(simulated(7, 2000, { factor: 3, sight: 40 }), 1).days90).toBeNull();
  });

  it('gives monotone maps within 0 and 1, the same for the same rows', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 1000 }),
        fc.constantFrom(0.2, 1, 4),
        fc.constantFrom(40, 150),
        (seed, factor, sight) => {
          const rows = simulated(seed, 700, { factor, sight });
          const calibrations = calibrateHorizons(rows, 3);
          expect(calibrateHorizons(rows, 3)).toEqual(calibrations);
          for (const map of Object.values(calibrations)) {
            if (map === null) continue;
            const values = applyCalibration(
              map,
              Array.from({ length: 101 }, (_, at) => at / 100),
            );
            expect(values.every((value) => value >= 0 && value <= 1)).toBe(true);
            expect(values.every((value, at) => at === 0 || value >= (values[at - 1] as number))).toBe(true);
          }
        },
      ),
      { numRuns: 12 },
    );
  });
});
