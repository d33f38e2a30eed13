/**
 * A vehicle's diagnostics page: every SPN/FMI pair with its state, count, controller and lamps. Pure.
 * Known layouts: `.fault-row` / `.dtc-row` elements, a table whose headings name its columns, and `.no-faults`.
 */
import { fmiSchema, spnSchema, type Lamps } from '#contracts/faults';
import type { ObservedFault } from '#contracts/sync';
import {
  classTokens,
  markupChanged,
  parsePage,
  select,
  selectFirst,
  textOf,
  viewTable,
  type MarkupChanged,
  type PageElement,
  type PageTree,
} from '../html.ts';
import { cleanText } from '../text.ts';
import {
  lampWords,
  onlyLamps,
  readCount,
  readLamps,
  readSource,
  sourceIn,
  stateOfRow,
  wordsOf,
  type FaultColumn,
  type FaultRow,
} from './fault-fields.ts';

export interface FaultListPage {
  kind: 'faults';
  faults: ObservedFault[];
}

/** What the reader waits for before it takes the page's HTML. */
export const faultPageSelector = '.fault-list, .dtc-table, .no-faults';

/** A truck reports dozens at its worst; beyond this the page is not what it says, nor would it fit one transaction. */
const maxFaults = 1_000;

/** Reads the page. Rows without a readable SPN/FMI pair make it unrecognised: half a list would clear real faults. */
export function extractFaults(html: string): FaultListPage | MarkupChanged {
  const page = parsePage(html);
  if (page.kind !== 'page') return page;
  const rows = faultRows(page.tree);
  if (rows.length === 0) {
    const hasPlace = selectFirst(page.tree, faultPageSelector) !== null;
    return hasPlace && saysNoFaults(page.tree)
      ? { kind: 'faults', faults: [] }
      : markupChanged('neither a fault list, a table of trouble codes, nor a word that there are none');
  }
  const faults = new Map<string, ObservedFault>();
  for (const row of rows) {
    const found = readRow(row);
    if (found.length === 0) return markupChanged(`a fault row without an SPN and FMI: "${cleanText(row.text, 80)}"`);
    for (const fault of found) {
      const key = `${fault.sourceAddress}/${fault.spn}/${fault.fmi}`;
      const known = faults.get(key);
      // The same code twice on one page is one fault: active if either says so.
      faults.set(key, known ? merge(known, fault) : fault);
    }
    if (faults.size > maxFaults) return markupChanged('more faults than a truck can have');
  }
  return { kind: 'faults', faults: [...faults.values()] };
}

function merge(a: ObservedFault, b: ObservedFault): ObservedFault {
  const counts = [a.occurrenceCount, b.occurrenceCount].filter((count) => count !== null);
  return {
    ...a,
    description: a.description ?? b.description,
    isActive: a.isActive || b.isActive,
    occurrenceCount: counts.length === 0 ? null : Math.max(...counts),
    lamps: a.lamps ?? b.lamps,
  };
}

/** Which fact a heading announces. */
export function faultColumnOf(heading: string): FaultColumn | null {
  const words = heading.toLowerCase();
  if (/\bspn\b/.test(words)) return /\bfmi\b/.test(words) ? 'code' : 'spn';
  if (/\bfmi\b/.test(words)) return 'fmi';
  if (/\boccurr|\bcount\b|\btimes\b/.test(words)) return 'count';
  if (/\bsource\b|\bsa\b|\bcontroller\b|\becu\b/.test(words)) return 'source';
  if (/\blamps?\b|\blights?\b/.test(words)) return 'lamps';
  if (/\bstatus\b|\bstate\b|\bactive\b/.test(words)) return 'status';
  if (/\bdescription\b|\bfault\b|\bmeaning\b|\bdetails?\b/.test(words)) return 'description';
  if (/\bcode\b|\bdtc\b/.test(words)) return 'code';
  return null;
}

function faultRows(tree: PageTree): FaultRow[] {
  for (const table of select(tree, 'table')) {
    const view = viewTable(table);
    const columns = view.header.map(faultColumnOf);
    const isFaultTable =
      columns.includes('spn') ||
      columns.includes('code') ||
      view.rows.some(({ element }) => isFaultRow(element)) ||
      select(table, '.fault-row, .dtc-row').length > 0 ||
      classTokens(table).has('dtc-table') ||
      classTokens(table).has('fault-list');
    if (!isFaultTable) continue;
    const rows: FaultRow[] = [];
    for (const { element, cells } of view.rows) {
      const isNotice = cells.length === 1 && !isFaultRow(element) && !/\d/.test(textOf(cells[0] as PageElement));
      if (isNotice || classTokens(element).has('no-faults')) continue;
      const byColumn = new Map<FaultColumn, string>();
      cells.forEach((cell, index) => {
        const column = columns[index];
        const text = column === 'lamps' ? `${textOf(cell)} ${lampWords(cell)}`.trim() : textOf(cell);
        if (column && !byColumn.has(column)) byColumn.set(column, text);
      });
      rows.push({
        element,
        text: textOf(element),
        cells: view.header.length > 0 ? byColumn : cellsByContent(cells.map(textOf)),
      });
    }
    if (rows.length > 0) return rows;
  }
  const marked = select(tree, '.fault-row, .dtc-row');
  const listed = marked.length > 0 ? marked : select(tree, '.fault-list li, .dtc-table li, .fault-list .fault');
  return listed.map((element) => {
    const parts = element.children.flatMap((child) => ('attribs' in child ? [textOf(child)] : []));
    return { element, text: textOf(element), cells: cellsByContent(parts) };
  });
}

/** Parts of a row without headings, told apart by what they say; whatever says nothing else is the description. */
function cellsByContent(parts: readonly string[]): Map<FaultColumn, string> {
  const cells = new Map<FaultColumn, string>();
  if (parts.length < 3) return cells;
  for (const part of parts.map((text) => text.trim())) {
    const column: FaultColumn | null =
      part === ''
        ? null
        : /\bSPN\b/i.test(part)
          ? 'code'
          : /^(?:SA|source(?: address)?)\s*[:#=]/i.test(part)
            ? 'source'
            : onlyLamps.test(part) || /^(?:lamps?\s*[:=]\s*)?[-–—]$/i.test(part)
              ? 'lamps'
              : /^(?:active|inactive|cleared|historical|stored|current)$/i.test(part)
                ? 'status'
                : /^\d[\d,]*\s*(?:occurrences?|times|×|x)?$|^(?:occurrences?|count)\s*[:=]?\s*\d[\d,]*$/i.test(part)
                  ? 'count'
                  : 'description';
    // A code printed together with its words has no cell of its own; the row's text is read then.
    if (column === 'code' && !/^(?:\W*(?:SPN|FMI)\W*\d+\W*)+$/i.test(part)) return new Map();
    if (column !== null && !cells.has(column)) cells.set(column, part);
  }
  return cells;
}

const isFaultRow = (element: PageElement): boolean => {
  const tokens = classTokens(element);
  return tokens.has('fault-row') || tokens.has('dtc-row');
};

/** An empty list is only believed when the page says so; an empty box may be a page that did not finish loading. */
function saysNoFaults(tree: PageTree): boolean {
  if (selectFirst(tree, '.no-faults')) return true;
  const place = selectFirst(tree, '.fault-list, .dtc-table');
  return (
    place !== null && /\bno (?:active |stored |current )*(?:faults?|trouble codes|codes|dtcs?)\b/i.test(textOf(place))
  );
}

/** One or several SPN/FMI pairs; what stands between two pairs belongs to the first. */
const pairPattern = /\bSPN\s*[:#=]?\s*(\d{1,6})\b[^0-9A-Z]{0,8}\bFMI\s*[:#=]?\s*(\d{1,2})\b/gi;

function readRow(row: FaultRow): ObservedFault[] {
  const { cells } = row;
  const shared = {
    state: stateOfRow(row),
    occurrenceCount: readCount(cells.get('count') ?? null, row.text),
    sourceAddress: readSource(cells.get('source') ?? null, row.text),
    lamps: readLamps(row.element, cells.get('lamps') ?? null, row.text),
  };
  const spns = numbersIn(cells.get('spn'));
  const fmis = numbersIn(cells.get('fmi'));
  if (spns.length > 0 && spns.length === fmis.length) {
    return spns.flatMap((spn, index) =>
      toFault(spn, fmis[index] as number, { ...shared, description: cells.get('description') ?? '' }),
    );
  }
  const text =
    cells.get('code') !== undefined && !/\bSPN\b/i.test(row.text) ? asPairs(cells.get('code') ?? '') : row.text;
  const matches = [...text.matchAll(pairPattern)];
  const segments = matches.map((match, index) =>
    text.slice(match.index + match[0].length, matches[index + 1]?.index ?? text.length),
  );
  // A count or controller printed after a pair is that pair's own; what the row's last words say is everyone's.
  const last = segments.at(-1) ?? '';
  const names = descriptionsOf(cells.get('description') ?? null, matches.length);
  return matches.flatMap((match, index) => {
    const segment = segments[index] as string;
    return toFault(Number(match[1]), Number(match[2]), {
      ...shared,
      occurrenceCount: readCount(null, segment) ?? readCount(null, last) ?? shared.occurrenceCount,
      sourceAddress: sourceIn(segment) ?? sourceIn(last) ?? shared.sourceAddress,
      description: names?.[index] ?? segment,
    });
  });
}

/** One description per pair: "a; b" for two pairs; words that cannot be shared out stand for each of them. */
function descriptionsOf(cell: string | null, pairs: number): string[] | null {
  if (cell === null) return null;
  const parts = pairs > 1 ? cell.split(/\s*;\s*/) : [cell];
  return parts.length === pairs ? parts : Array<string>(pairs).fill(cell);
}

/** "3251/0" or "3251-0" in a column of codes, written the long way. */
const asPairs = (text: string): string => text.replace(/\b(\d{1,6})\s*[/\-.:]\s*(\d{1,2})\b/g, 'SPN: $1 FMI: $2');

const numbersIn = (text: string | undefined): number[] => (text?.match(/\d+/g) ?? []).map(Number);

function toFault(
  spn: number,
  fmi: number,
  facts: {
    state: boolean;
    occurrenceCount: number | null;
    sourceAddress: number;
    lamps: Lamps | null;
    description: string;
  },
): ObservedFault[] {
  if (!spnSchema.safeParse(spn).success || !fmiSchema.safeParse(fmi).success) return [];
  return [
    {
      spn,
      fmi,
      sourceAddress: facts.sourceAddress,
      description: wordsOf(facts.description),
      isActive: facts.state,
      occurrenceCount: facts.occurrenceCount,
      lamps: facts.lamps,
    },
  ];
}
