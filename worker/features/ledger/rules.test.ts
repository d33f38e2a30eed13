/** Verdicts on predictions, what they add to the sums, and the trivial baseline. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { serviceEventKinds } from '#contracts/service-events';
import { baselineChances, daysBetween, failureRatesBefore } from './baseline-rules.ts';
import { judge, judgeAll, leastChance, sharesOf, type LedgerPrediction, type LedgerShare } from './rules.ts';

const made = '2026-06-01T12:00:00.000Z';
const day = (days: number): string => new Date(Date.parse(made) + days * 86_400_000).toISOString();
const event = (days: number, kind: (typeof serviceEventKinds)[number] = 'repair') => ({ at: day(days), kind });
const at = (days: number): Date => new Date(day(days));
const open = { failedAt: null, censoredAt: null, failed7: null, failed30: null, failed90: null, settledAt: null };
const judged = (events: ReturnType<typeof event>[], now: number) =>
  judge({ createdAt: made, settledAt: null }, events, at(now));
const verdicts = (events: ReturnType<typeof event>[], now: number) => {
  const { failed7, failed30, failed90, settledAt } = judged(events, now);
  return [failed7, failed30, failed90, settledAt !== null];
};

describe('verdicts', () => {
  it('nobody knows before a horizon is over', () => {
    expect(judged([], 6.99)).toEqual(open);
    expect(verdicts([], 7)).toEqual([0, null, null, false]);
    expect(verdicts([], 89.9)).toEqual([0, 0, null, false]);
    expect(verdicts([], 90)).toEqual([0, 0, 0, true]);
  });

  it('a failure decides at once, within the horizon to the millisecond', () => {
    expect(verdicts([event(5)], 6)).toEqual([1, 1, 1, true]);
    expect(verdicts([event(7, 'breakdown')], 8)).toEqual([1, 1, 1, true]);
    expect(verdicts([event(7 + 1e-8)], 8)).toEqual([1, 1, 1, true]);
    expect(verdicts([event(7.001)], 8)).toEqual([0, 1, 1, true]);
    expect(verdicts([event(31)], 40)).toEqual([0, 0, 1, true]);
    expect(judged([event(5)], 6)).toMatchObject({ failedAt: day(5), settledAt: day(6) });
  });

  it('what happened before, after 90 days, or has not happened yet decides nothing', () => {
    expect(verdicts([event(-1), event(0)], 90)).toEqual([0, 0, 0, true]);
    expect(judged([event(91)], 200)).toMatchObject({ failedAt: null, failed90: 0 });
    expect(verdicts([event(5)], 4)).toEqual([null, null, null, false]);
    expect(verdicts([event(5, 'inspection')], 6)).toEqual([null, null, null, false]);
  });

  it('preventive work first: survived until then, unknown afterwards', () => {
    expect(verdicts([event(20, 'preventive'), event(25)], 26)).toEqual([0, null, null, true]);
    expect(judged([event(20, 'preventive'), event(25)], 26)).toMatchObject({ censoredAt: day(20), failedAt: null });
    expect(verdicts([event(3, 'preventive')], 200)).toEqual([null, null, null, true]);
    expect(verdicts([event(3), event(4, 'preventive')], 5)).toEqual([1, 1, 1, true]);
  });

  it('a later look never takes back what a look with the same events knew', () => {
    const events = fc.array(
      fc.record({ at: fc.double({ min: -10, max: 120, noNaN: true }), kind: fc.constantFrom(...serviceEventKinds) }),
      { maxLength: 5 },
    );
    fc.assert(
      fc.property(
        events,
        fc.double({ min: 0, max: 200, noNaN: true }),
        fc.double({ min: 0, max: 50, noNaN: true }),
        (list, now, later) => {
          const happened = list.map((one) => event(one.at, one.kind));
          const [early, late] = [judged(happened, now), judged(happened, now + later)];
          for (const key of ['failedAt', 'censoredAt', 'failed7', 'failed30', 'failed90'] as const) {
            if (early[key] !== null) expect(late[key]).toBe(early[key]);
          }
          // A longer horizon fails at least as often.
          if (late.failed7 === 1) expect([late.failed30, late.failed90]).toEqual([1, 1]);
        },
      ),
    );
  });
});

const prediction = (fields: Partial<LedgerPrediction> = {}): LedgerPrediction => ({
  ...{ id: 'p', vehicleId: 'v', createdAt: made, modelVersion: 'm', chance7: 0.05, chance30: 0.2, chance90: 0.55 },
  ...open,
  ...fields,
});

describe('shares in the sums', () => {
  it('none without a chance or a verdict', () => {
    expect(sharesOf(prediction())).toEqual([]);
    const blind = { chance7: null, chance30: null, chance90: null };
    expect(sharesOf(prediction({ ...blind, failed7: 1, failed30: 1, failed90: 1, failedAt: day(1) }))).toEqual([]);
  });

  it('one per horizon that is known, Brier and log loss of it', () => {
    const [seven, ...others] = sharesOf(prediction({ failed7: 0 }));
    expect(others).toEqual([]);
    expect(seven).toMatchObject({
      day: '2026-06-01',
      horizonDays: 7,
      decile: 0,
      predictions: 1,
      failures: 0,
      censored: 0,
    });
    expect(seven?.brierSum).toBeCloseTo(0.0025, 12);
    expect(seven?.logLossSum).toBeCloseTo(-Math.log(0.95), 12);
    const failed = sharesOf(prediction({ failed7: 0, failed30: 1, failed90: 1, failedAt: day(20) }));
    expect(failed.map(({ horizonDays, decile, failures }) => [horizonDays, decile, failures])).toEqual([
      [7, 0, 0],
      [30, 2, 1],
      [90, 5, 1],
    ]);
  });

  it('what preventive work cut short is counted and not judged', () => {
    const shares = sharesOf(prediction({ failed7: 0, censoredAt: day(20) }));
    expect(shares.map(({ horizonDays, predictions, censored }) => [horizonDays, predictions, censored])).toEqual([
      [7, 1, 0],
      [30, 0, 1],
      [90, 0, 1],
    ]);
  });

  it('a chance of 0 or 1 that was wrong costs much, not everything', () => {
    const [share] = sharesOf(prediction({ chance7: 0, failed7: 1 }));
    expect(share).toMatchObject({ brierSum: 1, logLossSum: -Math.log(leastChance), decile: 0 });
    expect(sharesOf(prediction({ chance7: 1, failed7: 1 }))[0]).toMatchObject({ decile: 9, brierSum: 0 });
  });

  it('gains add up to the shares of the newest verdict, whatever came and went', () => {
    const kinds = fc.constantFrom(...serviceEventKinds);
    const list = fc.array(fc.record({ at: fc.integer({ min: -5, max: 100 }), kind: kinds }), { maxLength: 4 });
    const sum = (
      shares: readonly LedgerShare[],
      key: 'predictions' | 'failures' | 'censored' | 'brierSum' | 'logLossSum',
    ) => shares.reduce((total, share) => total + share[key], 0);
    fc.assert(
      fc.property(fc.array(fc.tuple(list, fc.integer({ min: 0, max: 120 })), { maxLength: 6 }), (looks) => {
        let row = prediction();
        const gained: LedgerShare[] = [];
        for (const [happened, now] of looks) {
          const events = happened.map((one) => event(one.at, one.kind));
          for (const verdict of judgeAll([row], new Map([['v', events]]), at(now))) {
            row = { ...row, ...verdict.outcome };
            gained.push(...verdict.gains);
          }
        }
        for (const horizonDays of [7, 30, 90]) {
          const of = (shares: readonly LedgerShare[]) => shares.filter((share) => share.horizonDays === horizonDays);
          for (const key of ['predictions', 'failures', 'censored'] as const) {
            expect(sum(of(gained), key)).toBe(sum(of(sharesOf(row)), key));
          }
          expect(sum(of(gained), 'brierSum')).toBeCloseTo(sum(of(sharesOf(row)), 'brierSum'), 9);
          expect(sum(of(gained), 'logLossSum')).toBeCloseTo(sum(of(sharesOf(row)), 'logLossSum'), 9);
        }
      }),
    );
  });
});

describe('the trivial baseline', () => {
  const fleet = { starts: [{ day: '2026-01-01', vehicles: 10 }], failures: [{ day: '2026-03-01', failures: 9 }] };

  it('knows only what happened before the day, and only the year before', () => {
    const [onDay, after, nextYear] = failureRatesBefore(['2026-03-01', '2026-03-02', '2027-03-02'], fleet);
    expect(onDay).toBeCloseTo(1 / (590 + 120), 12);
    expect(after).toBeCloseTo(10 / (600 + 120), 12);
    expect(nextYear).toBeCloseTo(1 / (3650 + 120), 12);
  });

  it('an unknown fleet gets a plain guess, never nothing', () => {
    expect(failureRatesBefore(['2026-03-01'], { starts: [], failures: [] })).toEqual([1 / 120]);
  });

  it('says the exponential chance per horizon', () => {
    const chances = baselineChances(['2026-03-02'], fleet);
    expect(chances.map(({ horizonDays }) => horizonDays)).toEqual([7, 30, 90]);
    const [, thirty] = chances;
    expect(thirty?.chance).toBeCloseTo(1 - Math.exp((-10 / 720) * 30), 12);
    expect(thirty?.lossFailed).toBeCloseTo(-Math.log(thirty?.chance ?? 0), 12);
    expect(thirty?.lossSurvived).toBeCloseTo((10 / 720) * 30, 12);
  });

  it('counts days over a month’s end', () => {
    expect(daysBetween('2026-02-27', '2026-03-01')).toEqual(['2026-02-27', '2026-02-28', '2026-03-01']);
    expect(daysBetween('2026-03-02', '2026-03-01')).toEqual([]);
  });
});
