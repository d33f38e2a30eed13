/**
 * A part of a day as a Parquet file: whole vehicles, sorted by vehicle and time. Packed rows go straight into columns, a row
 * group at a time, so that no more than a few thousand fixes stand in memory as values. Pure but for its pauses.
 *
 * Numbers are decimals of exactly the steps in which a reading is kept (contracts/reading-scales.ts): nothing is rounded,
 * and neighbours differ by small whole numbers, which pack well. A row group holds a few whole vehicles; its statistics
 * of vehicle and time say which, so that a reader fetches the footer and one group.
 */
import type { DecodedArray, SchemaElement } from 'hyparquet';
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import { none, readFix, scanPacked, type Fix } from '#durable-objects/readings/packed-steps';
import { readUuid } from '#durable-objects/readings/packed-readings';

/** Fixes of a row group, unless one vehicle alone has more: some three trucks' days, 60 KB. */
export const groupFixes = 8_192;
/** The id in full, so that a group's first and last vehicle are known exactly. */
const idLength = 36;

const required = { repetition_type: 'REQUIRED' } as const;
const optional = { repetition_type: 'OPTIONAL' } as const;
const decimal = (precision: number, scale: number) =>
  ({
    // Nine digits fit 32 bits; ten do not, whatever the value.
    type: precision <= 9 ? 'INT32' : 'INT64',
    converted_type: 'DECIMAL',
    precision,
    scale,
    logical_type: { type: 'DECIMAL', precision, scale },
  }) as const;

/** The columns of a file, as docs/tracks.md tells them. */
export const trackFileSchema: SchemaElement[] = [
  { name: 'root', num_children: 10 },
  { name: 'vehicle_id', type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' }, ...required },
  {
    name: 'at',
    type: 'INT64',
    converted_type: 'TIMESTAMP_MILLIS',
    logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MILLIS' },
    ...required,
  },
  { name: 'lat', ...decimal(9, 7), ...required },
  { name: 'lon', ...decimal(10, 7), ...required },
  { name: 'speed_mph', ...decimal(5, 2), ...optional },
  { name: 'heading', ...decimal(5, 2), ...optional },
  { name: 'odometer_miles', ...decimal(10, 2), ...optional },
  { name: 'engine_hours', ...decimal(10, 3), ...optional },
  { name: 'fuel_percent', ...decimal(5, 2), ...optional },
  { name: 'ignition', type: 'BOOLEAN', ...optional },
];

export interface TrackFileContent {
  bytes: Uint8Array<ArrayBuffer>;
  fixes: number;
  firstVehicleId: string;
  lastVehicleId: string;
}

const decimals = (fixes: readonly Fix[], stepsOf: (fix: Fix) => number): (bigint | null)[] =>
  fixes.map((fix) => {
    const steps = stepsOf(fix);
    return steps === none ? null : BigInt(steps);
  });
const places = (fixes: readonly Fix[], stepsOf: (fix: Fix) => number): bigint[] =>
  fixes.map((fix) => BigInt(stepsOf(fix)));

function columnsOf(vehicleIds: string[], fixes: readonly Fix[]) {
  const packed = (name: string, data: DecodedArray) =>
    ({ name, data, encoding: 'DELTA_BINARY_PACKED', statistics: false }) as const;
  return [
    { name: 'vehicle_id', data: vehicleIds },
    { name: 'at', data: fixes.map(({ atMs }) => BigInt(atMs)), encoding: 'DELTA_BINARY_PACKED' as const },
    packed(
      'lat',
      places(fixes, ({ lat }) => lat),
    ),
    packed(
      'lon',
      places(fixes, ({ lon }) => lon),
    ),
    packed(
      'speed_mph',
      decimals(fixes, ({ speedMph }) => speedMph),
    ),
    packed(
      'heading',
      decimals(fixes, ({ heading }) => heading),
    ),
    packed(
      'odometer_miles',
      decimals(fixes, ({ odometerMiles }) => odometerMiles),
    ),
    packed(
      'engine_hours',
      decimals(fixes, ({ engineHours }) => engineHours),
    ),
    packed(
      'fuel_percent',
      decimals(fixes, ({ fuelPercent }) => fuelPercent),
    ),
    {
      name: 'ignition',
      data: fixes.map(({ ignition }) => (ignition === none ? null : ignition === 1)),
      statistics: false,
    },
  ];
}

/** Where the rows of one vehicle stand among all rows. */
interface Run {
  vehicleId: string;
  from: number;
  to: number;
}

/** @throws RangeError when something in it is no row of a known vehicle: what cannot be read must not be called moved. */
function runsOf(packed: Uint8Array): { runs: Run[]; bodies: Uint32Array } {
  const { rows, nameless, unreadableBytes } = scanPacked(packed);
  if (nameless > 0 || unreadableBytes > 0) throw new RangeError('a part of a day is not readable');
  const bodies = new Uint32Array(rows);
  const runs: Run[] = [];
  let row = 0;
  let lastIdAt = -1;
  scanPacked(packed, (idAt, bodyAt) => {
    const isSame = lastIdAt >= 0 && sameId(packed, lastIdAt, idAt);
    const last = runs.at(-1);
    if (isSame && last) last.to = row + 1;
    else runs.push({ vehicleId: readUuid(packed, idAt), from: row, to: row + 1 });
    lastIdAt = idAt;
    bodies[row] = bodyAt;
    row += 1;
  });
  return { runs, bodies };
}

function sameId(bytes: Uint8Array, one: number, other: number): boolean {
  for (let n = 0; n < 16; n += 1) if (bytes[one + n] !== bytes[other + n]) return false;
  return true;
}

/** Runs gathered into row groups: whole vehicles while they fit, a long one cut by itself. */
function groupsOf(runs: readonly Run[]): Run[][] {
  const groups: Run[][] = [];
  let inGroup = Infinity;
  for (const run of runs) {
    for (let from = run.from; from < run.to; from += groupFixes) {
      const piece = { ...run, from, to: Math.min(run.to, from + groupFixes) };
      const size = piece.to - piece.from;
      if (inGroup + size > groupFixes) {
        groups.push([]);
        inGroup = 0;
      }
      groups.at(-1)?.push(piece);
      inGroup += size;
    }
  }
  return groups;
}

/**
 * The file of these packed readings (durable-objects/readings), sorted by vehicle and time; null when there are none.
 * Pauses after each row group, so that others have their turn.
 * @throws RangeError when they cannot all be read
 */
export async function writeTrackFile(
  packed: Uint8Array,
  pause: () => Promise<void> = async () => undefined,
): Promise<TrackFileContent | null> {
  const { runs, bodies } = runsOf(packed);
  const [first, last] = [runs[0], runs.at(-1)];
  if (first === undefined || last === undefined) return null;
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  const writer = new ByteWriter(1 << 16);
  const parquet = new ParquetWriter({
    writer,
    schema: trackFileSchema,
    statisticsTruncateLength: idLength,
    createdBy: 'TruckIQ tracks 1',
  });
  for (const group of groupsOf(runs)) {
    const fixes: Fix[] = [];
    const vehicleIds: string[] = [];
    for (const { vehicleId, from, to } of group) {
      for (let row = from; row < to; row += 1) {
        fixes.push(readFix(view, bodies[row] as number));
        vehicleIds.push(vehicleId);
      }
    }
    void parquet.write({ columnData: columnsOf(vehicleIds, fixes), rowGroupSize: fixes.length });
    await pause();
  }
  void parquet.finish();
  return {
    bytes: new Uint8Array(writer.getBuffer()),
    fixes: bodies.length,
    firstVehicleId: first.vehicleId,
    lastVehicleId: last.vehicleId,
  };
}
