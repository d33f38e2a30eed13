/** The files around an import: the template to fill in, and the rows that were not taken. Pure. */
import { serviceEventKinds, type ServiceImportResult } from '#contracts/service-events';
import { csvText } from '../format/csv.ts';
import type { Units } from '../format/units.ts';

export type Rejection = ServiceImportResult['rejected'][number];

/** The columns an import reads, and a row that shows how they are filled in. */
export function templateCsv(units: Units, example: { vin: string; unitNumber: string } | null): string {
  const columns = [
    'VIN',
    'Unit number',
    'Date',
    'Kind',
    'Description',
    units === 'metric' ? 'Odometer km' : 'Odometer miles',
    'System',
    'SPN',
    'FMI',
    'Order number',
  ];
  const row = [
    ...(example === null ? ['', ''] : [example.vin, example.unitNumber]),
    ...['2026-03-14', serviceEventKinds[0], 'Water pump replaced', 312400, 'cooling', 111, 1, 'RO-1042'],
  ];
  return csvText([columns, ...(example === null ? [] : [row])]);
}

/** The rows that were not taken, as a file: line, reason, and the row itself, to be mended and imported again. */
export function rejectedCsv(rejected: readonly Rejection[], rows: ReadonlyMap<number, readonly string[]>): string {
  const head = rows.get(1) ?? [];
  return csvText([
    ['Line', 'Code', 'Problem', ...head],
    ...rejected.map(({ line, code, message }) => [line, code, message, ...(rows.get(line) ?? [])]),
  ]);
}
