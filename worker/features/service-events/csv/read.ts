/** A file of service events as text → rows that are right and rows that are named. Pure. */
import { CsvError, parse } from 'csv-parse/sync';
import { maxImportRows, type ServiceImportResult } from '#contracts/service-events';
import type { NewServiceEvent } from '../rules.ts';
import { readHeadings, type ServiceColumn, type ServiceColumns } from './columns.ts';
import {
  BadRow,
  isVin,
  readCell,
  readCode,
  readDescription,
  readKind,
  readNumberOfOrder,
  readOdometer,
  readSystem,
  readTime,
  readUnit,
  readVin,
} from './fields.ts';

export type Rejection = ServiceImportResult['rejected'][number];

/** A row whose vehicle is still only named. */
export interface NamedServiceEvent {
  /** Line of the file on which the row begins; the heading is on line 1. */
  line: number;
  /** Upper case; null where the row names the vehicle by its unit number. */
  vin: string | null;
  unitNumber: string | null;
  event: Omit<NewServiceEvent, 'vehicleId'>;
}

export type ReadServiceCsv =
  | { kind: 'rows'; rows: NamedServiceEvent[]; rejected: Rejection[] }
  | { kind: 'unreadable'; problem: string }
  | { kind: 'too_many_rows' };

const delimiters = [',', ';', '\t'] as const;
type Delimiter = (typeof delimiters)[number];

/** Longest row, in bytes: notes are a few kilobytes; past this a quote is open or it is no list of events. */
const maxRowBytes = 100_000;
const maxColumns = 200;

/** The separator that the first line has most of, outside quotes. */
function delimiterOf(firstLine: string): Delimiter {
  const bare = firstLine.split('"').filter((_, part) => part % 2 === 0).join(''); // prettier-ignore
  const count = (delimiter: Delimiter) => bare.split(delimiter).length;
  return delimiters.reduce((best, next) => (count(next) > count(best) ? next : best));
}

interface ParsedRow {
  line: number;
  cells: string[];
}

/** The rows, or words for a person on where the file stops being one. */
function parseRows(text: string, delimiter: Delimiter): ParsedRow[] | { problem: string } {
  const rows: ParsedRow[] = [];
  let linesRead = 0;
  try {
    parse(text, {
      delimiter,
      record_delimiter: '\n',
      relax_column_count: true,
      // 5" hose: a quote in the middle of a cell is only a character.
      relax_quotes: true,
      skip_empty_lines: true,
      skip_records_with_empty_values: true,
      max_record_size: maxRowBytes,
      // One more than may be, so that too many are noticed without reading them all.
      to: maxImportRows + 2,
      on_record: (cells: string[], { lines }) => {
        const breaks = cells.reduce((sum, cell) => sum + cell.split('\n').length - 1, 0);
        rows.push({ cells, line: lines - breaks });
        linesRead = lines;
        return cells;
      },
    });
    return rows;
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    if (error.code === 'CSV_QUOTE_NOT_CLOSED') {
      return { problem: `A quote that opens after line ${linesRead} is never closed.` };
    }
    if (error.code === 'CSV_MAX_RECORD_SIZE') {
      const length = `is longer than ${maxRowBytes / 1000} kB`;
      return { problem: `The row after line ${linesRead} ${length}: perhaps a quote in it is not closed.` };
    }
    return { problem: `After line ${linesRead} the file cannot be read as values separated by "${delimiter}".` };
  }
}

/** Reads the whole file. `now` judges its dates. */
export function readServiceCsv(file: string, now: Date): ReadServiceCsv {
  // Programs mix line ends within one file; so that a line is a line everywhere, there is one kind.
  const text = file.replace(/^\ufeff/, '').replace(/\r\n?/g, '\n');
  const delimiter = delimiterOf(text.slice(0, maxRowBytes).trimStart().split('\n', 1)[0] ?? '');
  const parsed = parseRows(text, delimiter);
  if ('problem' in parsed) return { kind: 'unreadable', problem: parsed.problem };
  const [heading, ...lines] = parsed;
  if (heading === undefined) return { kind: 'unreadable', problem: 'The file is empty.' };
  if (heading.cells.length > maxColumns) {
    return { kind: 'unreadable', problem: `The first line names ${heading.cells.length} columns; ${maxColumns} are read at most.` }; // prettier-ignore
  }
  const columns = readHeadings(heading.cells);
  if ('problem' in columns) return { kind: 'unreadable', problem: columns.problem };
  if (lines.length > maxImportRows) return { kind: 'too_many_rows' };
  const rows: NamedServiceEvent[] = [];
  const rejected: Rejection[] = [];
  for (const { line, cells } of lines) {
    try {
      if (cells.slice(heading.cells.length).some((cell) => cell.trim() !== '')) {
        throw new BadRow('INVALID_FIELD', `has ${cells.length} cells where the first line names ${heading.cells.length}: a cell with "${delimiter === '\t' ? 'tab' : delimiter}" in it needs quotes`); // prettier-ignore
      }
      rows.push(readRow({ line, cells }, columns, now, delimiter !== ','));
    } catch (error) {
      if (!(error instanceof BadRow)) throw error;
      rejected.push({ line, code: error.code, message: error.message });
    }
  }
  return { kind: 'rows', rows, rejected };
}

function readRow({ line, cells }: ParsedRow, columns: ServiceColumns, now: Date, decimalComma: boolean) {
  const cell = (column: ServiceColumn): string => readCell(column, cells[columns.at.get(column) ?? -1]);
  const either = cell('vehicle');
  const eitherIsVin = isVin(either);
  const vin = cell('vin') === '' && eitherIsVin ? either : cell('vin');
  const unitNumber = readUnit(cell('unit') === '' && !eitherIsVin ? either : cell('unit'));
  if (vin === '' && unitNumber === '') {
    throw new BadRow('UNKNOWN_VEHICLE', 'the row names no vehicle: neither VIN nor unit number');
  }
  const row: NamedServiceEvent = {
    line,
    vin: vin === '' ? null : readVin(vin),
    unitNumber: vin === '' ? unitNumber : null,
    event: {
      at: readTime(cell('at'), now),
      kind: readKind(cell('kind')),
      system: readSystem(cell('system')),
      ...readCode(cell('spn'), cell('fmi')),
      description: readDescription(cell('description')),
      odometerMiles: readOdometer(cell('odometer'), { isKilometres: columns.isOdometerKilometres, decimalComma }),
      source: 'import',
      externalId: readNumberOfOrder(cell('number')),
    },
  };
  return row;
}
