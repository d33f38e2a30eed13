import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { maxFutureMs, positionInputSchema } from './telemetry.ts';
import { judgePositions, judgeRows, plainPosition, readingOf } from './telemetry-rows.ts';

const now = new Date('2026-11-20T12:00:00.000Z');
const good = { vin: '1XKYD49X0NJ000077', at: '2026-11-20T11:59:00Z', lat: 40, lon: -100 };
const codesOf = (rows: unknown[]) => judgePositions(rows, now).rejected.map(({ index, code }) => [index, code]);

/** Right, nearly right and wrong, in the ways gateways are. */
const odd = fc.constantFrom<unknown[]>(
  ...[null, true, '', 'x', '7', 0, -0, -1, 1e9, 90, -90, 90.0000001, 180, 360, 200, [], {}, Number.NaN, Infinity],
);
const oneOf = (value: fc.Arbitrary<unknown>) => fc.oneof({ weight: 30, arbitrary: value }, odd);
const pad = (value: number, length = 2) => String(value).padStart(length, '0');
const someTime = fc
  .tuple(
    fc.constantFrom('0000', '0099', '1900', '1970', '1999', '2000', '2024', '2026', '2100', '9999', '+2026', '12026'),
    fc.integer({ min: 0, max: 13 }),
    fc.integer({ min: 0, max: 32 }),
    fc.integer({ min: 0, max: 24 }),
    fc.integer({ min: 0, max: 60 }),
    fc.constantFrom('', ':00', ':07', ':59', ':60'),
    fc.constantFrom('', '.', '.1', '.12', '.123', '.1234', '.123456789', ',5'),
    fc.constantFrom('Z', 'z', '', '+00:00', '-06:00', '+25:00', '+0100', 'ZZ', ' '),
    fc.constantFrom('T', 't', ' '),
  )
  .map(
    ([year, month, day, hour, minute, second, fraction, zone, letter]) =>
      `${year}-${pad(month)}-${pad(day)}${letter}${pad(hour)}:${pad(minute)}${second}${fraction}${zone}`,
  );
const plainTimes = fc
  .tuple(
    fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true }),
    fc.constantFrom(19, 21, 22, 23),
  )
  .map(([at, length]) => `${at.toISOString().slice(0, length)}Z`);
const someRow = fc.record(
  {
    vin: oneOf(fc.oneof(fc.stringMatching(/^[A-HJ-NPR-Z0-9]{17}$/), fc.stringMatching(/^[A-Za-z0-9]{16,18}$/))),
    vehicleId: oneOf(
      fc.oneof(
        fc.uuid({ version: 7 }),
        fc.uuid(),
        fc.uuid({ version: 7 }).map((id) => id.toUpperCase()),
      ),
    ),
    at: oneOf(fc.oneof(plainTimes, someTime)),
    lat: oneOf(fc.double({ min: -90, max: 90 })),
    lon: oneOf(fc.double({ min: -180, max: 180 })),
    speedMph: oneOf(fc.double({ min: 0, max: 200 })),
    heading: oneOf(fc.double({ min: 0, max: 360 })),
    odometerMiles: oneOf(fc.double({ min: 0, max: 1e7 })),
    engineHours: oneOf(fc.double({ min: 0, max: 1e6 })),
    fuelPercent: oneOf(fc.double({ min: 0, max: 100 })),
    ignition: oneOf(fc.boolean()),
    color: odd,
  },
  { requiredKeys: [] },
);
/** As a body holds it: what JSON cannot say is not sent. */
const sent = fc
  .oneof({ weight: 20, arbitrary: someRow }, odd)
  .map((row): unknown => JSON.parse(JSON.stringify(row) ?? '7'));

describe('positions', () => {
  test('that are plainly right are what the schema makes of them', () => {
    let plain = 0;
    fc.assert(
      fc.property(sent, (row) => {
        const byHand = plainPosition(row);
        if (byHand === null) return;
        plain += 1;
        const bySchema = positionInputSchema.safeParse(row);
        expect(bySchema.success, JSON.stringify(row)).toBe(true);
        expect(byHand).toEqual(bySchema.data);
      }),
      { numRuns: 20_000 },
    );
    expect(plain).toBeGreaterThan(1_000);
  });

  test('of the ordinary kind are recognised without the schema', () => {
    const clock = plainTimes.map((at) => ({ ...good, at }));
    fc.assert(fc.property(clock, (row) => void expect(plainPosition(row)).toEqual(positionInputSchema.parse(row))));
    const full = { ...good, speedMph: 0, heading: 360, odometerMiles: 0.1, engineHours: 1e6, fuelPercent: 100 };
    for (const row of [good, { ...full, ignition: false }, { ...full, ignition: null, fuelPercent: null }]) {
      expect(plainPosition(row)).toEqual(positionInputSchema.parse(row));
    }
  });

  test('are judged alike with and without it', () => {
    fc.assert(
      fc.property(fc.array(sent, { maxLength: 8 }), (rows) => {
        expect(judgePositions(rows, now)).toEqual(judgeRows(rows, positionInputSchema, now));
      }),
      { numRuns: 2_000 },
    );
  });

  test('are refused with the code of what is wrong, by their index', () => {
    expect(
      codesOf([
        good,
        { ...good, lat: 90.1 },
        { ...good, lon: '7' },
        { ...good, at: 'yesterday' },
        { ...good, at: '2026-02-30T00:00:00Z' },
        { ...good, at: '1999-12-31T23:59:59Z' },
        { ...good, at: '2000-01-01T00:00:00Z' },
        { ...good, vin: '1XKYD49X0NJ00007' },
        { ...good, vin: undefined },
        { ...good, speedMph: 201 },
        null,
        'text',
        [],
      ]),
    ).toEqual([
      [1, 'INVALID_POSITION'],
      [2, 'INVALID_POSITION'],
      [3, 'INVALID_TIME'],
      [4, 'INVALID_TIME'],
      [5, 'INVALID_TIME'],
      [7, 'INVALID_FIELD'],
      [8, 'INVALID_FIELD'],
      [9, 'INVALID_FIELD'],
      [10, 'INVALID_FIELD'],
      [11, 'INVALID_FIELD'],
      [12, 'INVALID_FIELD'],
    ]);
  });

  test('may be ten minutes ahead and not a millisecond more', () => {
    const ahead = (ms: number) => ({ ...good, at: new Date(now.getTime() + ms).toISOString() });
    expect(codesOf([ahead(maxFutureMs), ahead(maxFutureMs + 1)])).toEqual([[1, 'IN_THE_FUTURE']]);
  });

  test('say nothing of what they leave out', () => {
    expect(readingOf({ ...good, heading: 7 })).toEqual({
      ...{ at: good.at, lat: 40, lon: -100, speedMph: null, heading: 7 },
      ...{ odometerMiles: null, engineHours: null, fuelPercent: null, ignition: null },
    });
  });
});
