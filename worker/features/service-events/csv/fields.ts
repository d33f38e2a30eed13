/** One cell of a file → one field of a service event, or words for what is wrong with it. Pure. */
import { z } from 'zod';
import { fmiSchema, spnSchema, type VehicleSystem } from '#contracts/faults';
import { inputTimeSchema } from '#contracts/primitives';
import type { importRejectionCodes, ServiceEventKind } from '#contracts/service-events';
import { vinSchema } from '#contracts/vehicles';
import { serviceKindOf, vehicleSystemOf } from '../../../scrapes/service-words.ts';
import { cleanText } from '../../../scrapes/text.ts';
import { judgeTime } from '../rules.ts';
import type { ServiceColumn } from './columns.ts';

type RejectionCode = (typeof importRejectionCodes)[number];

/** Why a row is not kept. */
export class BadRow extends Error {
  override readonly name = 'BadRow';
  readonly code: RejectionCode;
  constructor(code: RejectionCode, message: string) {
    super(message);
    this.code = code;
  }
}

const longestDescription = 500;
const longestNumber = 100;
/** Longest cell per column, in UTF-16 units, before any pattern runs over it: a row may have 100 kB. */
const longestCell: Readonly<Record<ServiceColumn, number>> = {
  ...{ vin: 40, unit: 100, vehicle: 100, at: 60, kind: 200, system: 200, spn: 20, fmi: 20, odometer: 40 },
  // Counted once more when spaces and what is invisible are taken out.
  ...{ description: 8 * longestDescription, number: 8 * longestNumber },
};
const columnWords: Partial<Record<ServiceColumn, string>> = {
  ...{ vin: 'VIN', unit: 'unit number', at: 'date', spn: 'SPN', fmi: 'FMI', number: 'order number' },
};
const maxOdometerMiles = 10_000_000;
/** Exact by definition: 1 mile = 1.609344 km. */
const kilometresPerMile = 1.609344;

const quoted = (text: string): string => `"${cleanText(text, 40)}"`;

/** A cell as it may be read further. */
export function readCell(column: ServiceColumn, raw: string | undefined): string {
  const text = raw?.trim() ?? '';
  const longest = longestCell[column];
  if (text.length <= longest) return text;
  const bound = column === 'description' ? longestDescription : column === 'number' ? longestNumber : longest;
  throw new BadRow('INVALID_FIELD', `the ${columnWords[column] ?? column} is longer than ${bound} characters`);
}

export const isVin = (text: string): boolean => vinSchema.safeParse(text).success;

/** Upper case. */
export function readVin(text: string): string {
  const vin = vinSchema.safeParse(text);
  if (vin.success) return vin.data;
  throw new BadRow('INVALID_FIELD', `the VIN ${quoted(text)} is none: a VIN has 17 characters`);
}

/** Visible text alone, as vehicles have theirs. */
export const readUnit = (text: string): string => cleanText(text, longestCell.unit);

/**
 * When it happened, RFC 3339 in UTC. A bare date is taken as noon UTC, which is the same day nearly everywhere; today's is
 * no time in the future, whatever the hour.
 */
export function readTime(text: string, now: Date): string {
  const cell = text.trim();
  if (cell === '') throw new BadRow('INVALID_TIME', 'the date is empty');
  const isBareDate = z.iso.date().safeParse(cell).success;
  const parsed = inputTimeSchema.safeParse(isBareDate ? `${cell}T12:00:00Z` : cell.replace(/^(\S{10}) (?=\d)/, '$1T'));
  if (!parsed.success) {
    const hint = /^\d{4}-\d{2}-\d{2}[T ]\d/i.test(cell)
      ? 'a time needs its offset, as in 2026-11-20T14:30:00Z or 2026-11-20T14:30:00-06:00'
      : 'write it as 2026-11-20 or 2026-11-20T14:30:00Z';
    throw new BadRow('INVALID_TIME', `${quoted(cell)} is not a date that can be read: ${hint}`);
  }
  const at = parsed.data;
  const problem = judgeTime(isBareDate ? `${cell}T00:00:00.000Z` : at, now);
  if (problem !== null) throw new BadRow(problem.code, `the date ${quoted(cell)} ${problem.message}`);
  return at;
}

export function readKind(text: string): ServiceEventKind {
  const kind = serviceKindOf(text);
  if (kind !== null) return kind;
  const words = 'write repair, breakdown, preventive or inspection';
  throw new BadRow('INVALID_FIELD', text.trim() === '' ? `the kind is empty: ${words}` : `the kind ${quoted(text)} is not known: ${words}`); // prettier-ignore
}

/** Cleaning may take half a character and a space off the cut; what is left must still show that the text was too long. */
const pastTheEnd = 3;

export function readDescription(text: string): string {
  const description = cleanText(text, longestDescription + pastTheEnd);
  if (description === '') throw new BadRow('INVALID_FIELD', 'the description is empty');
  if (description.length > longestDescription) {
    throw new BadRow('INVALID_FIELD', `the description is longer than ${longestDescription} characters`);
  }
  return description;
}

export function readNumberOfOrder(text: string): string | null {
  const number = cleanText(text, longestNumber + pastTheEnd);
  if (number.length > longestNumber) {
    throw new BadRow('INVALID_FIELD', `the order number is longer than ${longestNumber} characters`);
  }
  return number === '' ? null : number;
}

export function readSystem(text: string): VehicleSystem | null {
  if (text.trim() === '') return null;
  const system = vehicleSystemOf(text);
  if (system === null) throw new BadRow('INVALID_FIELD', `the system ${quoted(text)} is not known`);
  return system;
}

export function readCode(spnText: string, fmiText: string): { spn: number | null; fmi: number | null } {
  const spn = wholeNumber(spnText);
  const fmi = wholeNumber(fmiText);
  if (spn !== null && !spnSchema.safeParse(spn).success) {
    throw new BadRow('INVALID_FIELD', `${quoted(spnText)} is not an SPN (0 to 524287)`);
  }
  if (fmi !== null && !fmiSchema.safeParse(fmi).success) {
    throw new BadRow('INVALID_FIELD', `${quoted(fmiText)} is not an FMI (0 to 31)`);
  }
  if (spn === null && fmi !== null) throw new BadRow('INVALID_FIELD', 'there is an FMI without an SPN');
  return { spn, fmi };
}

/** null for an empty cell; NaN, which no schema takes, for what is no whole number. */
const wholeNumber = (text: string): number | null =>
  text.trim() === '' ? null : /^\d{1,9}(?:\.0+)?$/.test(text.trim()) ? Number(text) : NaN;

/**
 * Miles. Thousands may be grouped by commas or spaces ("123,456.7"); a point or comma that could be either is refused
 * where files are written the European way (`decimalComma`).
 */
export function readOdometer(
  text: string,
  { isKilometres, decimalComma }: { isKilometres: boolean; decimalComma: boolean },
): number | null {
  const cell = text.trim();
  if (cell === '') return null;
  const match = /^([\d.,' \u00a0\u202f]+?)\s*(mi|miles?|km|kms|kilomet(?:er|re)s?)?\.?$/i.exec(cell);
  const digits = match?.[1]?.trim() ?? '';
  const value = decimalComma ? europeanNumber(digits) : usNumber(digits);
  const inKilometres = match?.[2] === undefined ? isKilometres : /^k/i.test(match[2]);
  const miles = inKilometres ? Math.round((value / kilometresPerMile) * 10) / 10 : value;
  if (!Number.isFinite(miles) || miles > maxOdometerMiles) {
    throw new BadRow('INVALID_FIELD', `the odometer ${quoted(cell)} cannot be read: write it as 123456`);
  }
  return miles;
}

const usNumber = (digits: string): number =>
  /^\d+(?:\.\d+)?$|^\d{1,3}(?:[,' \u00a0\u202f]\d{3})+(?:\.\d+)?$/.test(digits)
    ? Number(digits.replace(/[,' \u00a0\u202f]/g, ''))
    : NaN;

/** "123.456" may be a hundred thousand or a hundred: refused. "1.234,5" and "123456,7" are clear. */
function europeanNumber(digits: string): number {
  if (/^\d{1,3}[.,]\d{3}$/.test(digits)) return NaN;
  if (/^\d+(?:[.,]\d+)?$/.test(digits)) return Number(digits.replace(',', '.'));
  if (!/^\d{1,3}(?:[.' \u00a0\u202f]\d{3})+(?:,\d+)?$/.test(digits)) return NaN;
  return Number(digits.replace(/[^\d,]/g, '').replace(',', '.'));
}
