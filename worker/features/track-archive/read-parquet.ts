/** One vehicle's fixes out of a Parquet file: of all its row groups only those whose statistics say that it may be there. */
import { parquetRead, type DecodedArray, type FileMetaData } from 'hyparquet';
import { fromSteps, toSteps, type readingScales } from '#contracts/reading-scales';
import type { Reading } from '#contracts/telemetry';
import { TrackFileDamaged, type OpenTrackFile } from './objects.ts';

export interface FileStretch {
  vehicleId: string;
  /** Epoch milliseconds, both included. */
  fromMs: number;
  toMs: number;
  limit: number;
}

interface Group {
  rowStart: number;
  rowEnd: number;
}

/** Where among the rows the vehicle may be within the stretch; in order. */
export function groupsWith(metadata: FileMetaData, { vehicleId, fromMs, toMs }: Omit<FileStretch, 'limit'>): Group[] {
  const groups: Group[] = [];
  let rowStart = 0;
  for (const group of metadata.row_groups) {
    const rowEnd = rowStart + Number(group.num_rows);
    const boundsOf = (name: string) =>
      group.columns.find(({ meta_data: meta }) => meta?.path_in_schema[0] === name)?.meta_data?.statistics;
    const [ids, times] = [boundsOf('vehicle_id'), boundsOf('at')];
    const isElsewhere =
      (typeof ids?.min_value === 'string' && ids.min_value > vehicleId) ||
      (typeof ids?.max_value === 'string' && ids.max_value < vehicleId) ||
      (times?.min_value instanceof Date && times.min_value.getTime() > toMs) ||
      (times?.max_value instanceof Date && times.max_value.getTime() < fromMs);
    if (!isElsewhere) groups.push({ rowStart, rowEnd });
    rowStart = rowEnd;
  }
  return groups;
}

type Columns = Map<string, DecodedArray[]>;

/** The columns of one row group. */
async function readGroup({ key, buffer, metadata }: OpenTrackFile, { rowStart, rowEnd }: Group): Promise<Columns> {
  const columns: Columns = new Map();
  try {
    await parquetRead({
      file: buffer,
      metadata,
      rowStart,
      rowEnd,
      geoparquet: false,
      onChunk: ({ columnName, columnData }) => {
        columns.set(columnName, [...(columns.get(columnName) ?? []), columnData]);
      },
    });
  } catch (cause) {
    throw cause instanceof TrackFileDamaged ? cause : new TrackFileDamaged(key, `cannot be read: ${String(cause)}`);
  }
  return columns;
}

type Scaled = keyof typeof readingScales;
/** A decimal as it comes out of a file may miss the double that is nearest to it by a bit: whole steps do not. */
const exact = (field: Scaled, value: number): number => fromSteps(field, toSteps(field, value));

/** Reads cells of columns; whatever is not of its kind means damage. */
class Cells {
  private readonly columns: Map<string, ArrayLike<unknown>>;
  private readonly key: string;
  readonly rows: number;

  constructor(key: string, columns: Columns, rows: number) {
    this.key = key;
    this.rows = rows;
    this.columns = new Map(
      [...columns].map(([name, pieces]) => {
        const [only, ...more] = pieces as ArrayLike<unknown>[];
        return [name, only !== undefined && more.length === 0 ? only : pieces.flatMap((piece) => Array.from(piece))];
      }),
    );
  }

  private at(name: string, row: number): unknown {
    const column = this.columns.get(name);
    if (column?.length !== this.rows) throw new TrackFileDamaged(this.key, `${name} is not whole`);
    return column[row];
  }

  text(name: string, row: number): string {
    const value = this.at(name, row);
    return typeof value === 'string' ? value : this.wrong(name);
  }

  timeMs(name: string, row: number): number {
    const value = this.at(name, row);
    return value instanceof Date && !Number.isNaN(value.getTime()) ? value.getTime() : this.wrong(name);
  }

  number(name: string, row: number, field: Scaled): number {
    return this.numberOrNull(name, row, field) ?? this.wrong(name);
  }

  numberOrNull(name: string, row: number, field: Scaled): number | null {
    const value = this.at(name, row) ?? null;
    if (value === null) return null;
    return typeof value === 'number' && Number.isFinite(value) ? exact(field, value) : this.wrong(name);
  }

  flagOrNull(name: string, row: number): boolean | null {
    const value = this.at(name, row) ?? null;
    return value === null || typeof value === 'boolean' ? value : this.wrong(name);
  }

  private wrong(name: string): never {
    throw new TrackFileDamaged(this.key, `${name} holds something else`);
  }
}

const readingOf = (cells: Cells, row: number): Reading => ({
  at: new Date(cells.timeMs('at', row)).toISOString(),
  lat: cells.number('lat', row, 'lat'),
  lon: cells.number('lon', row, 'lon'),
  speedMph: cells.numberOrNull('speed_mph', row, 'speedMph'),
  heading: cells.numberOrNull('heading', row, 'heading'),
  odometerMiles: cells.numberOrNull('odometer_miles', row, 'odometerMiles'),
  engineHours: cells.numberOrNull('engine_hours', row, 'engineHours'),
  fuelPercent: cells.numberOrNull('fuel_percent', row, 'fuelPercent'),
  ignition: cells.flagOrNull('ignition', row),
});

/**
 * The earliest fixes of a vehicle within a stretch, oldest first, at most `limit`.
 * @throws TrackFileDamaged
 */
export async function readVehicle(file: OpenTrackFile, stretch: FileStretch): Promise<Reading[]> {
  const readings: Reading[] = [];
  for (const group of groupsWith(file.metadata, stretch)) {
    const cells = new Cells(file.key, await readGroup(file, group), group.rowEnd - group.rowStart);
    for (let row = 0; row < cells.rows; row += 1) {
      if (cells.text('vehicle_id', row) !== stretch.vehicleId) continue;
      const atMs = cells.timeMs('at', row);
      if (atMs < stretch.fromMs) continue;
      if (atMs > stretch.toMs || readings.length >= stretch.limit) break;
      readings.push(readingOf(cells, row));
    }
    if (readings.length >= stretch.limit) break;
  }
  return readings;
}

/** Every row of a file, in its order. For tests, and for whoever must hold a file against what it was made of. */
export async function readAll(file: OpenTrackFile): Promise<{ vehicleId: string; reading: Reading }[]> {
  const rows: { vehicleId: string; reading: Reading }[] = [];
  let rowStart = 0;
  for (const group of file.metadata.row_groups) {
    const rowEnd = rowStart + Number(group.num_rows);
    const cells = new Cells(file.key, await readGroup(file, { rowStart, rowEnd }), rowEnd - rowStart);
    for (let row = 0; row < cells.rows; row += 1) {
      rows.push({ vehicleId: cells.text('vehicle_id', row), reading: readingOf(cells, row) });
    }
    rowStart = rowEnd;
  }
  return rows;
}
