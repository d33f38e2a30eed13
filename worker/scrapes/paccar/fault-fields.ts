/**
 * The fields of one fault row, from its cells, classes and words: state, count, controller, lamps, the portal's words.
 * Pure; extract-faults.ts finds the rows.
 */
import { sourceAddressSchema, type Lamps } from '#contracts/faults';
import { attribute, classTokens, select, textOf, type PageElement } from '../html.ts';
import { cleanText, firstNumber, saysNothing } from '../text.ts';

const descriptionMaxLength = 200;

export interface FaultRow {
  element: PageElement;
  text: string;
  /** Cells by what their heading announces; empty outside tables with headings. */
  cells: Map<FaultColumn, string>;
}

export type FaultColumn = 'spn' | 'fmi' | 'code' | 'description' | 'status' | 'count' | 'source' | 'lamps';

const lampWord =
  '(?:MIL|RSL|AWL|PL|malfunction(?: indicator)?|red(?:[ -]stop)?|amber(?:[ -]warning)?|warning|protect|none|off)';
/** A part of a row that names lamps and nothing else. */
export const onlyLamps = new RegExp(`^(?:lamps?\\s*[:=]\\s*)?(?:${lampWord}\\b[\\s,/+|&]*)+$`, 'i');

/** The portal's words for the fault, without the state, count, controller and lamps printed beside them. */
export function wordsOf(raw: string): string | null {
  const text = cleanText(
    raw
      .replace(/\bSPN\s*[:#=]?\s*\d+|\bFMI\s*[:#=]?\s*\d+/gi, ' ')
      .replace(/\b\d[\d,]*\s*(?:x\b|×|occurrences?|times\b)|\b(?:occurrences?|count)\s*[:=]\s*\d[\d,]*/gi, ' ')
      .replace(/\b(?:source address|source|SA)\s*[:#=]\s*\d{1,3}(?:\s*\([^)]{0,40}\))?/gi, ' ')
      .replace(lampsInText, ' ')
      .replace(/(?:\b(?:active|inactive|cleared|historical|stored)\b[\s|·,;.–—-]*)+$/i, ' ')
      .replace(/\s+\b(?:active|inactive|cleared|historical|stored)\b\s*(?:[|·,;–—-]\s*)?$/i, ' '),
    descriptionMaxLength,
  ).replace(/^[\s:|·,;–—-]+|[\s:|·,;–—-]+$/g, '');
  return saysNothing(text) ? null : text;
}

const activeWords = new Set(['active', 'is-active', 'status-active', 'fault-active', 'badge-active', 'current']);
const inactiveWords = new Set([
  'inactive',
  'is-inactive',
  'status-inactive',
  'fault-inactive',
  'badge-inactive',
  'not-active',
  'cleared',
  'historical',
  'history',
  'stored',
  'previously-active',
]);

function stateInTokens(tokens: ReadonlySet<string>): boolean | null {
  for (const token of tokens) if (inactiveWords.has(token)) return false;
  for (const token of tokens) if (activeWords.has(token)) return true;
  return null;
}

function stateInWords(text: string): boolean | null {
  if (/\b(?:inactive|cleared|historical|stored|not active|previously active)\b/i.test(text)) return false;
  if (/\b(?:active|current)\b/i.test(text)) return true;
  return null;
}

/** The row's class list, then its status cell, then the classes inside it, then its words. A listed fault is active unless told. */
export function stateOfRow(row: FaultRow): boolean {
  const own = stateInTokens(classTokens(row.element));
  if (own !== null) return own;
  const status = row.cells.get('status');
  const fromCell = status === undefined ? null : (stateInWords(status) ?? yesNo(status));
  if (fromCell !== null) return fromCell;
  for (const inner of select(row.element, '[class]')) {
    const state = stateInTokens(classTokens(inner));
    if (state !== null) return state;
  }
  return stateInWords(row.text) ?? true;
}

const yesNo = (text: string): boolean | null =>
  /^(?:yes|true|on)$/i.test(text.trim()) ? true : /^(?:no|false|off)$/i.test(text.trim()) ? false : null;

/** J1939 counts to 126 in one message; portals add up, so more is allowed. */
const maxOccurrences = 1_000_000;

export function readCount(cell: string | null, text: string): number | null {
  const fromCell = cell === null ? null : firstNumber(cell);
  const match =
    /\b(\d[\d,]*)\s*(?:occurrences?\b|times\b|×|x\b)/i.exec(text) ??
    /\b(?:occurrences?|count)\s*[:=]?\s*(\d[\d,]*)/i.exec(text);
  const count = fromCell ?? (match ? firstNumber(match[1] as string) : null);
  return count !== null && Number.isInteger(count) && count >= 0 && count <= maxOccurrences ? count : null;
}

export function sourceIn(text: string): number | null {
  const match = /\b(?:source address|source|SA)\s*[:#=]?\s*(?:\D{0,30}\()?\s*(\d{1,3})\b/i.exec(text);
  const address = match ? Number(match[1]) : null;
  return address !== null && sourceAddressSchema.safeParse(address).success ? address : null;
}

/** The portal does not always print one; then 0, the engine. */
export function readSource(cell: string | null, text: string): number {
  if (cell !== null) {
    const address = /\((\d{1,3})\)/.exec(cell)?.[1] ?? /\d{1,3}/.exec(cell)?.[0];
    if (address !== undefined && sourceAddressSchema.safeParse(Number(address)).success) return Number(address);
  }
  return sourceIn(text) ?? 0;
}

const lampNames: readonly [keyof Lamps, RegExp][] = [
  ['malfunction', /\bMIL\b|\bmalfunction\b|\bcheck engine\b/i],
  ['redStop', /\bRSL\b|\bred\b|\bstop\b/i],
  ['amberWarning', /\bAWL\b|\bamber\b|\bwarning\b/i],
  ['protect', /\bPL\b|\bprotect\b/i],
];

/** Class, title and label of lamp icons: they may carry no text at all. Only what calls itself a lamp counts. */
export const lampWords = (element: PageElement): string =>
  select(element, '[class*=lamp]')
    .filter((icon) => !classTokens(icon).has('off') && !classTokens(icon).has('lamp-off'))
    .map((icon) =>
      [icon.attribs['class'], icon.attribs['title'], icon.attribs['aria-label'], icon.attribs['alt'], textOf(icon)]
        .filter(Boolean)
        .join(' ')
        .replace(/\blamps?\b[-_]?/gi, ' ')
        .replace(/[-_]/g, ' '),
    )
    .join(' ');

/** "Lamps: MIL, AWL" and nothing looser: a fault may be about a lamp without lighting one. A dash says that all are dark. */
const lampsInText = new RegExp(`\\blamps?\\s*[:=]\\s*((?:${lampWord}\\b[\\s,/+|&]*)+|[-–—])`, 'gi');
const lampList = new RegExp(lampsInText.source, 'i');

/** Lamps as printed; null when the page says nothing about lamps (which is not "all off"). */
export function readLamps(element: PageElement, cell: string | null, text: string): Lamps | null {
  const icons = select(element, '[class*=lamp]').length > 0 ? lampWords(element) : null;
  const words = cell ?? icons ?? attribute(element, 'data-lamps') ?? lampList.exec(text)?.[1] ?? null;
  if (words === null || /^(?:n\/?a|unknown|not available)$/i.test(words.trim())) return null;
  const lamps: Lamps = { malfunction: false, redStop: false, amberWarning: false, protect: false };
  for (const [lamp, pattern] of lampNames) lamps[lamp] = pattern.test(words);
  return lamps;
}
