/**
 * A vehicle's cases page: what the shop did, as far as it is done. Pure.
 * Known layouts: a table whose headings name its columns, `.case-card` elements of labels and values, and `.no-cases`.
 */
import { fmiSchema, spnSchema, type VehicleSystem } from '#contracts/faults';
import type { ServiceEventKind } from '#contracts/service-events';
import {
  labelledValues,
  markupChanged,
  parsePage,
  select,
  selectFirst,
  textOf,
  viewTable,
  type MarkupChanged,
  type PageTree,
} from '../html.ts';
import { serviceKindOf, vehicleSystemOf } from '../service-words.ts';
import { cleanText, cleanTextOrNull, saysNothing } from '../text.ts';
import { instantIn, readMiles } from './extract-asset.ts';

/** A case that is closed. */
export interface ObservedCase {
  number: string | null;
  kind: ServiceEventKind;
  /** When the work was done; of a breakdown, when the truck stopped. RFC 3339 in UTC. */
  at: string;
  system: VehicleSystem | null;
  spn: number | null;
  fmi: number | null;
  description: string;
  odometerMiles: number | null;
  /** Present where the page has more under this number than was read: rows not understood, still open, or too many. */
  isPart?: true;
}

export interface CasesPage {
  kind: 'cases';
  /** In the order of the page. */
  cases: ObservedCase[];
  /** Numbers of cases that are open (again) or were called off: nothing that was told of them holds. */
  takenBack: string[];
}

type CaseField =
  'number' | 'type' | 'status' | 'opened' | 'closed' | 'odometer' | 'system' | 'complaint' | 'cause' | 'correction';
type CaseRow = ReadonlyMap<CaseField, string>;

/** Years of cases of one truck are hundreds; the newest are enough, and leave room for other trucks in a step's result. */
const maxRows = 500;
const maxCases = 100;
const longestDescription = 200;
const longestNumber = 100;

const place = '.case-table, .case-list, .case-card, .case-row, .no-cases';

/**
 * Reads the page. Rows that are no closed piece of work, or of a kind nobody knows, are left out; a page of which not one
 * closed row can be read is not recognised.
 */
export function extractCases(html: string): CasesPage | MarkupChanged {
  const page = parsePage(html);
  if (page.kind !== 'page') return page;
  const all = [...tableRows(page.tree), ...cardRows(page.tree)];
  const rows = all.slice(0, maxRows);
  if (rows.length === 0) {
    const where = selectFirst(page.tree, place);
    return where !== null && /\bno (?:open |closed )?(?:cases?|orders?|service history)\b/i.test(textOf(where))
      ? { kind: 'cases', cases: [], takenBack: [] }
      : markupChanged('neither a table of cases, nor cards, nor a word that there are none');
  }
  const closed = rows.filter(isClosed);
  const found = closed.flatMap((row) => readCase(row) ?? []);
  const [unread] = closed;
  if (unread !== undefined && found.length === 0) {
    return markupChanged(`cases without a type or a date: "${cleanText([...unread.values()].join(' '), 80)}"`);
  }
  const newestFirst = found.toSorted((a, b) => Date.parse(b.at) - Date.parse(a.at));
  const kept = new Set(newestFirst.slice(0, maxCases));
  const newest = found.filter((one) => kept.has(one));
  const rowsOf = Map.groupBy(all, (row) => numberOf(row)?.toLowerCase());
  const readOf = Map.groupBy(newest, ({ number }) => number?.toLowerCase());
  const isPart = ({ number }: ObservedCase): boolean =>
    number !== null && readOf.get(number.toLowerCase())?.length !== rowsOf.get(number.toLowerCase())?.length;
  const takenBack = [...rowsOf.values()].flatMap((ofCase) => {
    const [number] = ofCase.map(numberOf);
    return number === undefined || number === null || !ofCase.every(isTakenBack) ? [] : [number];
  });
  return {
    kind: 'cases',
    cases: newest.map((one) => (isPart(one) ? { ...one, isPart: true } : one)),
    takenBack: takenBack.slice(0, maxCases),
  };
}

/** Which fact a heading or label announces. */
export function caseFieldOf(heading: string): CaseField | null {
  const words = heading.toLowerCase();
  if (/\b(?:type|category|kind|reason)\b/.test(words)) return 'type';
  if (/\b(?:status|state)\b/.test(words)) return 'status';
  if (/\b(?:closed?|completed?|completion|finished|released)\b/.test(words)) return 'closed';
  if (/\b(?:opened|created|arrived|reported|started|open(?: date)?)\b/.test(words)) return 'opened';
  if (/\b(?:odometer|mileage|meter)\b/.test(words)) return 'odometer';
  if (/\b(?:system|component|vmrs)\b/.test(words)) return 'system';
  if (/\b(?:complaint|concern|problem)\b/.test(words)) return 'complaint';
  if (/\b(?:cause|diagnosis|findings?|fault codes?)\b/.test(words)) return 'cause';
  if (/\b(?:correction|resolution|repairs?|work (?:performed|done)|description)\b/.test(words)) return 'correction';
  if (/\b(?:case|number|order|ro)\b|#/.test(words)) return 'number';
  return null;
}

function tableRows(tree: PageTree): CaseRow[] {
  for (const table of select(tree, 'table')) {
    const view = viewTable(table);
    const fields = view.header.map(caseFieldOf);
    const hasDate = fields.includes('closed') || fields.includes('opened');
    if (!fields.includes('type') || !hasDate) continue;
    return view.rows
      .filter(({ cells }) => cells.length > 1)
      .map(({ cells }) => {
        const row = new Map<CaseField, string>();
        cells.forEach((cell, index) => {
          const field = fields[index] ?? null;
          if (field !== null && !row.has(field)) row.set(field, textOf(cell));
        });
        return row;
      });
  }
  return [];
}

function cardRows(tree: PageTree): CaseRow[] {
  return select(tree, '.case-card').map((card) => {
    const row = new Map<CaseField, string>();
    for (const [label, value] of labelledValues(card)) {
      const field = caseFieldOf(label);
      if (field !== null && !row.has(field)) row.set(field, value);
    }
    const heading = selectFirst(card, 'h1, h2, h3, h4');
    const number = heading === null ? null : /\bcase\s*[:#]?\s*(\S{2,})/i.exec(textOf(heading))?.[1];
    if (number !== undefined && number !== null && !row.has('number')) row.set('number', number);
    return row;
  });
}

/** Told by its status, and where there is none by the day it was closed. What was called off never happened. */
function isClosed(row: CaseRow): boolean {
  const status = row.get('status') ?? '';
  if (saysNothing(status)) return dateIn(row.get('closed') ?? '') !== null;
  if (/\b(?:cancel\w*|void\w*|declined|not|re-?opened|open|pending|in progress)\b/i.test(status)) return false;
  return /\b(?:closed|complete[d]?|finished|invoiced|paid|released|done)\b/i.test(status);
}

/** Only by a word that says so: one that nobody knows yet takes nothing back. */
const isTakenBack = (row: CaseRow): boolean =>
  /\b(?:cancel\w*|void\w*|declined|re-?opened|open|pending|in progress)\b/i.test(row.get('status') ?? '');

function numberOf(row: CaseRow): string | null {
  const text = row.get('number') ?? '';
  return saysNothing(text) ? null : cleanTextOrNull(text, longestNumber);
}

function readCase(row: CaseRow): ObservedCase | null {
  const kind = serviceKindOf(row.get('type') ?? '');
  if (kind === null) return null;
  const dates = { opened: dateIn(row.get('opened') ?? ''), closed: dateIn(row.get('closed') ?? '') };
  const at = kind === 'breakdown' ? (dates.opened ?? dates.closed) : (dates.closed ?? dates.opened);
  if (at === null) return null;
  const said = (field: CaseField) => (saysNothing(row.get(field) ?? '') ? '' : cleanText(row.get(field) ?? '', longestDescription)); // prettier-ignore
  // What was done says most; of a breakdown, what happened.
  const order = kind === 'breakdown' ? (['complaint', 'correction', 'cause'] as const) : (['correction', 'complaint', 'cause'] as const); // prettier-ignore
  const description =
    order.map(said).find((text) => text !== '') ?? `Case of type ${cleanText(row.get('type') ?? '', 60)}`;
  return {
    number: numberOf(row),
    kind,
    at,
    system: vehicleSystemOf(row.get('system') ?? ''),
    ...(codeIn(row.get('cause') ?? '') ?? codeIn(row.get('complaint') ?? '') ?? codeIn(row.get('correction') ?? '') ?? { spn: null, fmi: null }),
    description,
    odometerMiles: readMiles(row.get('odometer') ?? '', row.get('odometer') ?? ''),
  }; // prettier-ignore
}

/** The first code a text names; an SPN alone is one too. */
function codeIn(text: string): { spn: number; fmi: number | null } | null {
  const match = /\bSPN\s*[:#=]?\s*(\d{1,6})\b(?:[^0-9A-Z]{0,8}\bFMI\s*[:#=]?\s*(\d{1,2})\b)?/i.exec(text);
  if (match === null || !spnSchema.safeParse(Number(match[1])).success) return null;
  const fmi = match[2] === undefined ? null : Number(match[2]);
  return { spn: Number(match[1]), fmi: fmiSchema.safeParse(fmi).success ? fmi : null };
}

const monthNames = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

/**
 * "2026-11-20 14:05 UTC", "2026-11-20", "Nov 20, 2026 2:05 PM". A day without a time is taken as noon. Days written in
 * digits alone, where month and day could change places, are not read.
 */
export function dateIn(text: string): string | null {
  const iso = /\b(\d{4})-(\d{2})-(\d{2})(?!\d)/.exec(text);
  if (iso !== null) {
    const noon = realInstant(Number(iso[1]), Number(iso[2]), Number(iso[3]), 12, 0);
    return noon === null ? null : (instantIn(text) ?? noon);
  }
  const named =
    /\b([A-Z][a-z]{2})[a-z]*\.? (\d{1,2}),? (\d{4})\b(?:,? (?:at )?(\d{1,2}):(\d{2})(?::\d{2})? ?([AP]M)?)?/i.exec(
      text,
    );
  if (named === null) return null;
  const month = monthNames.indexOf((named[1] ?? '').toLowerCase()) + 1;
  if (month === 0) return null;
  const hour = named[4] === undefined ? 12 : clockHour(Number(named[4]), named[6]);
  return realInstant(Number(named[3]), month, Number(named[2]), hour, Number(named[5] ?? 0));
}

const clockHour = (hour: number, half: string | undefined): number =>
  half === undefined ? hour : (hour % 12) + (half.toUpperCase() === 'PM' ? 12 : 0);

/** null for the 30th of February and its like. */
function realInstant(year: number, month: number, day: number, hour: number, minute: number): string | null {
  const at = new Date(Date.UTC(year, month - 1, day, hour, minute));
  const isReal =
    at.getUTCFullYear() === year &&
    at.getUTCMonth() === month - 1 &&
    at.getUTCDate() === day &&
    hour < 24 &&
    minute < 60;
  return isReal ? at.toISOString() : null;
}
