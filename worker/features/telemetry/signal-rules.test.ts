/** Daily rollups: what is refused, what counts once, and that the order of minutes changes nothing. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addReadings, judgeSignals, readingsByDay, type SignalDay, type SignalReading } from './signal-rules.ts';

const now = new Date('2026-11-20T12:00:00.000Z');
const vehicleId = '0190a0b0-0000-7000-8000-000000000001';
const reading = (at: string, value: number): SignalReading => ({ vehicleId, name: 'batteryVolts', at, value });
const minute = (index: number, seconds = 0): string =>
  new Date(Date.parse('2026-11-20T00:00:00.000Z') + index * 60_000 + seconds * 1000).toISOString();
const fold = (batches: readonly (readonly SignalReading[])[]): SignalDay | null =>
  batches.reduce<SignalDay | null>((known, batch) => addReadings(known, batch) ?? known, null);
const withoutVersion = (day: SignalDay | null) => day && { ...day, version: 0 };

describe('judging rows', () => {
  const judge = (row: unknown) => judgeSignals([row], now).rejected[0]?.code ?? 'good';
  const good = { vehicleId, at: '2026-11-20T11:00:00Z', name: 'batteryVolts', value: 13.8 };

  it('names what is wrong', () => {
    expect(judge(good)).toBe('good');
    expect(judge('not a row')).toBe('INVALID_FIELD');
    expect(judge({ ...good, name: 'coffeeTempF' })).toBe('INVALID_FIELD');
    expect(judge({ ...good, value: '13.8' })).toBe('INVALID_FIELD');
    expect(judge({ ...good, value: 41 })).toBe('INVALID_FIELD');
    expect(judge({ ...good, value: -1 })).toBe('INVALID_FIELD');
    expect(judge({ ...good, vehicleId: undefined })).toBe('INVALID_FIELD');
    expect(judge({ ...good, vehicleId: undefined, vin: '1XKYDP9X0RJ99999' })).toBe('INVALID_FIELD');
    expect(judge({ ...good, at: 'yesterday' })).toBe('INVALID_TIME');
    expect(judge({ ...good, at: '2026-11-20T12:11:00Z' })).toBe('IN_THE_FUTURE');
  });

  it('takes readings up to 400 days old', () => {
    expect(judge({ ...good, at: '2025-10-16T12:00:00Z' })).toBe('good');
    expect(judge({ ...good, at: '2025-10-16T11:59:59Z' })).toBe('INVALID_TIME');
  });
});

describe('adding readings to a day', () => {
  it('nothing changes nothing', () => {
    expect(addReadings(null, [])).toBeNull();
  });

  it('keeps count, mean, extremes and the latest, whatever came last', () => {
    const day = fold([[reading(minute(600), 13.9)], [reading(minute(5), 12.1), reading(minute(601), 14)]]);
    expect(day).toMatchObject({
      ...{ vehicleId, name: 'batteryVolts', day: '2026-11-20', readings: 3, min: 12.1, max: 14 },
      ...{ lastValue: 14, lastAt: minute(601), version: 2 },
    });
    expect(day?.mean).toBeCloseTo(40 / 3, 12);
    expect(fold([[reading(minute(600), 13.9)], [reading(minute(5), 12.1)]])).toMatchObject({ lastValue: 13.9 });
  });

  it('counts the first reading of a minute and no other', () => {
    const day = fold([[reading(minute(7, 40), 14), reading(minute(7, 2), 10)], [reading(minute(7, 59), 10)]]);
    expect(day).toMatchObject({ readings: 1, mean: 14, lastAt: minute(7, 40), version: 1 });
  });

  it('a day without its minutes is closed', () => {
    const day = fold([[reading(minute(7), 14)]]) as SignalDay;
    expect(addReadings({ ...day, minutes: null }, [reading(minute(8), 14)])).toBeNull();
  });

  it('the first and the last minute of a day are its own', () => {
    const days = readingsByDay([reading(minute(0), 1), reading(minute(1439, 59), 1), reading(minute(1440), 1)]);
    expect([...days.keys()].map((key) => key.slice(-10))).toEqual(['2026-11-20', '2026-11-21']);
    const whole = fold([Array.from({ length: 1440 }, (_, at) => reading(minute(at), 1))]);
    expect(whole).toMatchObject({ readings: 1440, mean: 1 });
    expect(whole?.minutes).toHaveLength(240);
    expect(addReadings(whole, [reading(minute(0), 2), reading(minute(1439), 2)])).toBeNull();
  });

  it('the same batch twice changes nothing, in any order and cut into any pieces: the same to the bit', () => {
    const rows = fc.uniqueArray(
      fc.record({
        at: fc.integer({ min: 0, max: 1439 }).map((at) => minute(at)),
        value: fc.double({ min: 0, max: 40, noNaN: true }),
      }),
      { selector: ({ at }) => at, minLength: 1, maxLength: 60 },
    );
    fc.assert(
      fc.property(rows, fc.infiniteStream(fc.nat()), (list, random) => {
        const all = list.map(({ at, value }) => reading(at, value));
        const whole = fold([all]);
        expect(addReadings(whole, all)).toBeNull();
        const shuffled = all
          .map((one) => ({ one, by: random.next().value as number }))
          .sort((a, b) => a.by - b.by)
          .map(({ one }) => one);
        const pieces = shuffled.map((one) => [one]);
        // Some of it arrives again in between.
        expect(withoutVersion(fold([...pieces.slice(0, 3), shuffled.slice(0, 2), ...pieces.slice(3)]))).toEqual(
          withoutVersion(whole),
        );
        const mean = all.reduce((sum, { value }) => sum + value, 0) / all.length;
        expect(Math.abs((whole?.mean ?? Number.NaN) - mean)).toBeLessThan(1e-4);
      }),
    );
  });
});
