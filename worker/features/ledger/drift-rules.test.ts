/** The drift alarm: silent while chances are right, loud when they are not. */
import { describe, expect, it } from 'vitest';
import { judgeCalibration, type WatchedPrediction } from './drift-rules.ts';

const madeAt = '2026-09-01T03:00:00.000Z';
const after = (days: number): string => new Date(Date.parse(madeAt) + days * 86_400_000).toISOString();

/** mulberry32: uniform numbers, the same every time. */
function uniforms(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

interface World {
  trucks: number;
  /** Median days to a failure are spread by so much (log scale). */
  spread?: number;
  /** Days between preventive works. */
  preventiveEvery?: number;
  /** What the model says where this is the truth (failures per day). */
  said?: (hazard: number) => number;
}

/** A fleet of exponential lifetimes and the predictions made of it. */
function fleet(
  seed: number,
  { trucks, spread = 0.8, preventiveEvery = 60, said = (hazard) => hazard }: World,
): WatchedPrediction[] {
  const random = uniforms(seed);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return Array.from({ length: trucks }, () => {
    const hazard = Math.exp(spread * normal()) / 250;
    const failsAt = -Math.log(1 - random()) / hazard;
    const caredAt = -Math.log(1 - random()) * preventiveEvery;
    const chance = (days: number) => 1 - Math.exp(-said(hazard) * days);
    const first = Math.min(failsAt, caredAt);
    const inSight = first <= 90;
    return {
      ...{ createdAt: madeAt, chance7: chance(7), chance30: chance(30) },
      failedAt: inSight && failsAt <= caredAt ? after(failsAt) : null,
      censoredAt: inSight && failsAt > caredAt ? after(caredAt) : null,
    };
  });
}
const alarms = (looks: number, world: World, wasDrifting = false): number => {
  let count = 0;
  for (let seed = 1; seed <= looks; seed++)
    if (judgeCalibration(fleet(seed * 7919, world), wasDrifting).isDrifting) count++;
  return count;
};

describe('no alarm', () => {
  it('without predictions, and with too few of them or too few failures', () => {
    expect(judgeCalibration([], false)).toEqual({ isDrifting: false, reason: null });
    const all = fleet(1, { trucks: 29 }).map((one) => ({ ...one, failedAt: after(1), censoredAt: null }));
    expect(judgeCalibration(all, false).isDrifting).toBe(false);
    const sound = { createdAt: madeAt, chance7: 0.001, chance30: 0.005, failedAt: null, censoredAt: null };
    const few = Array.from({ length: 300 }, (_, at) => (at < 9 ? { ...sound, failedAt: after(3) } : sound));
    expect(judgeCalibration(few, false).isDrifting).toBe(false);
  });

  it(
    'at most twice in a thousand looks while the chances are right, with much preventive work too',
    { timeout: 30_000 },
    () => {
      expect(alarms(1000, { trucks: 300 })).toBeLessThanOrEqual(2);
      expect(alarms(500, { trucks: 300, preventiveEvery: 20 })).toBeLessThanOrEqual(2);
      expect(alarms(500, { trucks: 300, preventiveEvery: 1e9 })).toBeLessThanOrEqual(2);
      expect(alarms(40, { trucks: 5000 })).toBeLessThanOrEqual(1);
    },
  );

  it('for a difference that is real but small', () => {
    expect(alarms(4, { trucks: 20_000, said: (hazard) => hazard * 1.1 })).toBe(0);
  });

  it('chances of 0 and 1, and events at the moment of the prediction, break nothing', () => {
    const odd = Array.from({ length: 200 }, (_, at) => ({
      ...{ createdAt: madeAt, chance7: at % 2, chance30: at % 2, censoredAt: null },
      failedAt: at % 3 === 0 ? madeAt : null,
    }));
    expect(judgeCalibration(odd, false).reason).toMatch(/\d/);
    const same = odd.map((one) => ({ ...one, chance7: 0.05, chance30: 0.2 }));
    expect(typeof judgeCalibration(same, false).isDrifting).toBe('boolean');
  });
});

describe('an alarm', () => {
  it('when chances are half of what they should be, or double', () => {
    expect(alarms(50, { trucks: 600, said: (hazard) => hazard / 2 })).toBeGreaterThanOrEqual(43);
    expect(alarms(50, { trucks: 1200, said: (hazard) => hazard / 2 })).toBe(50);
    expect(alarms(50, { trucks: 600, said: (hazard) => hazard * 2 })).toBeGreaterThanOrEqual(43);
    const low = judgeCalibration(fleet(3, { trucks: 600, said: (hazard) => hazard / 2 }), false);
    expect(low.reason).toMatch(
      /^Of 600 predictions .* \d+ were followed by a failure, \d+ % of the pace that the chances had promised: the chances are too low\.$/,
    );
    expect(judgeCalibration(fleet(3, { trucks: 600, said: (hazard) => hazard * 2 }), false).reason).toContain(
      'too high',
    );
  });

  it('when trucks do not differ as said, though the number of failures is right', () => {
    const random = uniforms(99);
    // Right on average, and between a seventh and seven times of it for no reason.
    const guessing = (hazard: number) => hazard * Math.exp(2 * (random() * 2 - 1)) * 0.5514;
    const verdict = judgeCalibration(fleet(5, { trucks: 3000, spread: 0.1, said: guessing }), false);
    expect(verdict).toEqual({ isDrifting: true, reason: expect.stringContaining('hardly more often') as string });
  });

  it('stands until the difference is well within chance again', () => {
    const slight: World = { trucks: 600, said: (hazard) => hazard / 1.35 };
    const [fresh, standing] = [alarms(60, slight), alarms(60, slight, true)];
    expect(standing).toBeGreaterThan(fresh);
    expect(alarms(100, { trucks: 600 }, true)).toBeLessThanOrEqual(6);
  });
});
