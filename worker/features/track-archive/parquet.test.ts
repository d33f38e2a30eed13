/** What is written is what is read: every value, every null, whoever asks, and by anybody's reader. */
import fc from 'fast-check';
import { parquetMetadata, parquetReadObjects, parquetSchema } from 'hyparquet';
import { describe, expect, test } from 'vitest';
import { asKept } from '#contracts/reading-scales';
import type { Reading } from '#contracts/telemetry';
import { packReadings, type VehicleReadingRow } from '#durable-objects/readings/packed-readings';
import { TrackFileDamaged, type OpenTrackFile } from './objects.ts';
import { groupsWith, readAll, readVehicle } from './read-parquet.ts';
import { groupFixes, writeTrackFile, type TrackFileContent } from './write-parquet.ts';
import '#test/pure/property-seed';

const vehicleId = (n: number) => `01940000-0000-7000-8000-${String(n).padStart(12, '0')}`;
const startMs = Date.parse('2026-10-01T00:00:00.000Z');
const whole = { fromMs: -8e15, toMs: 8e15, limit: 1e9 };

const readingAt = (atMs: number, patch: Partial<Reading> = {}): Reading =>
  asKept({
    ...{ at: new Date(atMs).toISOString(), lat: 39.7392358, lon: -104.990251, speedMph: 61.37, heading: 359.99 },
    ...{ odometerMiles: 412_345.67, engineHours: 12_345.678, fuelPercent: 55.5, ignition: true, ...patch },
  });

const sorted = (rows: readonly VehicleReadingRow[]): VehicleReadingRow[] =>
  [...rows].sort((a, b) =>
    a.vehicleId === b.vehicleId ? (a.reading.at < b.reading.at ? -1 : 1) : a.vehicleId < b.vehicleId ? -1 : 1,
  );

async function written(rows: readonly VehicleReadingRow[]): Promise<TrackFileContent> {
  const content = await writeTrackFile(packReadings(rows));
  if (content === null) throw new Error('nothing was written');
  return content;
}

/** The file as R2 would serve it; counts what is fetched. */
function opened({ bytes }: TrackFileContent): OpenTrackFile & { fetched: number[] } {
  const fetched: number[] = [];
  const buffer = {
    byteLength: bytes.length,
    slice: (start: number, end: number = bytes.length) => {
      fetched.push(end - start);
      return bytes.buffer.slice(start, end);
    },
  };
  return { key: 'tracks/x.parquet', buffer, metadata: parquetMetadata(bytes), fetched };
}

const some = (max: number) => fc.option(fc.double({ min: 0, max, noNaN: true }), { nil: null });
const aReading: fc.Arbitrary<Reading> = fc
  .record({
    at: fc.integer({ min: -6e13, max: 2.5e14 }).map((ms) => new Date(ms).toISOString()),
    lat: fc.double({ min: -90, max: 90, noNaN: true }),
    lon: fc.double({ min: -180, max: 180, noNaN: true }),
    ...{ speedMph: some(200), heading: some(360), odometerMiles: some(1e7), engineHours: some(1e6) },
    ...{ fuelPercent: some(100), ignition: fc.option(fc.boolean(), { nil: null }) },
  })
  .map(asKept);
const someRows = fc
  .uniqueArray(fc.record({ vehicleId: fc.integer({ min: 0, max: 5 }).map(vehicleId), reading: aReading }), {
    minLength: 1,
    maxLength: 60,
    selector: ({ vehicleId: id, reading }) => `${id} ${reading.at}`,
  })
  .map(sorted);

describe('a Parquet file of tracks', () => {
  test('gives back every row, whatever is in it', async () => {
    await fc.assert(
      fc.asyncProperty(someRows, async (rows) => {
        const content = await written(rows);
        expect(await readAll(opened(content))).toEqual(rows);
        for (const id of new Set(rows.map((row) => row.vehicleId))) {
          const own = rows.filter((row) => row.vehicleId === id).map(({ reading }) => reading);
          expect(await readVehicle(opened(content), { vehicleId: id, ...whole })).toEqual(own);
        }
        expect(content).toMatchObject({
          ...{ fixes: rows.length, firstVehicleId: rows[0]?.vehicleId, lastVehicleId: rows.at(-1)?.vehicleId },
        });
      }),
      { numRuns: 60 },
    );
  });

  test('is exact at the ends of every scale', async () => {
    const ends = [
      { lat: 90, lon: 180, speedMph: 200, heading: 360, odometerMiles: 1e7, engineHours: 1e6, fuelPercent: 100 },
      { lat: -90, lon: -180, speedMph: 0, heading: 0, odometerMiles: 0, engineHours: 0, fuelPercent: 0 },
      { lat: 0.0000001, lon: -0.0000001, speedMph: 0.01, heading: 0.01, odometerMiles: 0.01, engineHours: 0.001 },
      { speedMph: null, heading: null, odometerMiles: null, engineHours: null, fuelPercent: null, ignition: null },
    ];
    const rows = ends.map((patch, n) => ({ vehicleId: vehicleId(1), reading: readingAt(startMs + n * 1000, patch) }));
    expect(await readAll(opened(await written(rows)))).toEqual(rows);
  });

  test('tells any reader what its columns are', async () => {
    const rows = [
      { vehicleId: vehicleId(1), reading: readingAt(startMs) },
      { vehicleId: vehicleId(1), reading: readingAt(startMs + 1, { speedMph: null, ignition: null }) },
    ];
    const { bytes } = await written(rows);
    const schema = parquetSchema(parquetMetadata(bytes)).children.map(({ element }) => element);
    expect(
      schema.map(({ name, type, repetition_type: repetition, logical_type: logical }) => [
        ...[name, type, repetition],
        logical?.type === 'DECIMAL' ? `${logical.precision}.${logical.scale}` : logical?.type,
      ]),
    ).toEqual([
      ['vehicle_id', 'BYTE_ARRAY', 'REQUIRED', 'STRING'],
      ['at', 'INT64', 'REQUIRED', 'TIMESTAMP'],
      ['lat', 'INT32', 'REQUIRED', '9.7'],
      ['lon', 'INT64', 'REQUIRED', '10.7'],
      ['speed_mph', 'INT32', 'OPTIONAL', '5.2'],
      ['heading', 'INT32', 'OPTIONAL', '5.2'],
      ['odometer_miles', 'INT64', 'OPTIONAL', '10.2'],
      ['engine_hours', 'INT64', 'OPTIONAL', '10.3'],
      ['fuel_percent', 'INT32', 'OPTIONAL', '5.2'],
      ['ignition', 'BOOLEAN', 'OPTIONAL', undefined],
    ]);
    const [first, second] = await parquetReadObjects({ file: bytes.buffer });
    expect(first).toMatchObject({ vehicle_id: vehicleId(1), at: new Date(startMs), ignition: true });
    expect(first?.['lat']).toBeCloseTo(39.7392358, 9);
    expect([second?.['speed_mph'] ?? null, second?.['ignition'] ?? null]).toEqual([null, null]);
  });

  test('finds one truck among many by reading one group of it', async () => {
    const rows = sorted(
      Array.from({ length: 60 }, (_, n) =>
        Array.from({ length: 1_440 }, (__, minute) => ({
          vehicleId: vehicleId(n),
          reading: readingAt(startMs + minute * 60_000, { lat: 40 + n / 10 + Math.sin(minute + n) / 1_000 }),
        })),
      ).flat(),
    );
    const content = await written(rows);
    const file = opened(content);
    expect(file.metadata.row_groups).toHaveLength(12);
    // Nobody is cut in two.
    for (let n = 0; n < 60; n += 1)
      expect(groupsWith(file.metadata, { ...whole, vehicleId: vehicleId(n) })).toHaveLength(1);
    const stretch = { vehicleId: vehicleId(37), fromMs: startMs + 60_000, toMs: startMs + 600_000, limit: 7 };
    const own = rows.filter((row) => row.vehicleId === vehicleId(37)).map(({ reading }) => reading);
    expect(await readVehicle(file, stretch)).toEqual(own.slice(1, 8));
    expect(file.fetched.reduce((sum, length) => sum + length, 0)).toBeLessThan(content.bytes.length / 10);
    expect(await readVehicle(file, { ...stretch, limit: 100 })).toEqual(own.slice(1, 11));
    expect(await readVehicle(file, { ...whole, vehicleId: 'ffffffff-0000-7000-8000-000000000000' })).toEqual([]);
    expect(await readVehicle(file, { ...whole, vehicleId: vehicleId(37), toMs: startMs - 1 })).toEqual([]);
  });

  test('cuts a truck that talks every second by time', async () => {
    const rows = Array.from({ length: 20_000 }, (_, n) => ({
      vehicleId: vehicleId(1),
      reading: readingAt(startMs + n * 1_000),
    }));
    const file = opened(await written([{ vehicleId: vehicleId(0), reading: readingAt(startMs) }, ...rows]));
    expect(file.metadata.row_groups.map(({ num_rows: count }) => Number(count))).toEqual([
      ...[1, groupFixes, groupFixes, 20_000 - 2 * groupFixes],
    ]);
    const late = { vehicleId: vehicleId(1), fromMs: startMs + 9_000_000, toMs: startMs + 9_002_000, limit: 10 };
    expect(groupsWith(file.metadata, late)).toHaveLength(1);
    expect(await readVehicle(file, late)).toEqual(rows.slice(9_000, 9_003).map(({ reading }) => reading));
    const over = { ...late, fromMs: startMs + (groupFixes - 2) * 1_000, toMs: 8e15, limit: 4 };
    expect(await readVehicle(file, over)).toEqual(
      rows.slice(groupFixes - 2, groupFixes + 2).map(({ reading }) => reading),
    );
  });

  test('of nothing is no file, and of what cannot be read is an error', async () => {
    expect(await writeTrackFile(new Uint8Array(0))).toBeNull();
    const packed = packReadings([{ vehicleId: vehicleId(1), reading: readingAt(startMs) }]);
    await expect(writeTrackFile(packed.subarray(0, 48))).rejects.toThrow(RangeError);
    const nameless = Uint8Array.from(packed);
    nameless[0] = 7;
    await expect(writeTrackFile(nameless)).rejects.toThrow(RangeError);
  });

  test('whose bytes end too early is an error', async () => {
    const rows = Array.from({ length: 300 }, (_, n) => ({
      vehicleId: vehicleId(n % 3),
      reading: readingAt(startMs + n * 30_000),
    }));
    const content = await written(sorted(rows));
    const cut = content.bytes.slice(0, 200);
    const file = opened(content);
    const buffer = { byteLength: content.bytes.length, slice: (a: number, b?: number) => cut.buffer.slice(a, b) };
    await expect(readVehicle({ ...file, buffer }, { vehicleId: vehicleId(1), ...whole })).rejects.toThrow(
      TrackFileDamaged,
    );
  });
});
