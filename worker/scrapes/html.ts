/**
 * A page as a tree: parsing, selecting and reading text for the extractors. No browser, no network.
 * Everything walks with a stack of its own, so that a page nested a hundred thousand levels deep is only a strange page.
 */
import { selectAll } from 'css-select';
import { DomHandler, Parser, type parseDocument } from 'htmlparser2';

export type PageTree = ReturnType<typeof parseDocument>;
export type PageNode = PageTree['children'][number];
export type PageElement = Extract<PageNode, { attribs: Record<string, string> }>;

/** A portal page is tens of kilobytes; past this it is not one, and parsing it would cost the isolate its memory. */
export const maxPageCharacters = 4_000_000;
/** Real pages stay under a hundred; the selector engine recurses, so deeper trees are refused before it runs. */
const maxDepth = 500;

/** What an extractor says when it does not recognise the page at all. */
export interface MarkupChanged {
  kind: 'markup_changed';
  /** What was looked for, in words for the run's log. */
  reason: string;
}

export const markupChanged = (reason: string): MarkupChanged => ({ kind: 'markup_changed', reason });

/** The parser's own stack costs quadratic time in depth, so a page is fed in pieces and dropped once it is too deep. */
const pieceCharacters = 32_768;

class BoundedTree extends DomHandler {
  isTooDeep = false;
  private depth = 0;

  override onopentag(name: string, attribs: Record<string, string>): void {
    this.depth += 1;
    this.isTooDeep ||= this.depth > maxDepth;
    super.onopentag(name, attribs);
  }

  override onclosetag(): void {
    this.depth -= 1;
    super.onclosetag();
  }
}

/** Parses a page; tags it when it is too large or too deep to be one. Never throws. */
export function parsePage(html: string): { kind: 'page'; tree: PageTree } | MarkupChanged {
  if (html.length > maxPageCharacters) return markupChanged('the page is larger than any portal page');
  const handler = new BoundedTree();
  const parser = new Parser(handler, { lowerCaseTags: true, lowerCaseAttributeNames: true });
  for (let from = 0; from < html.length; from += pieceCharacters) {
    parser.write(html.slice(from, from + pieceCharacters));
    if (handler.isTooDeep) return markupChanged('the page is nested deeper than any portal page');
  }
  parser.end();
  return { kind: 'page', tree: handler.root };
}

/** Elements under `root` that match a selector written in our code, in page order. */
export const select = (root: PageTree | PageElement, selector: string): PageElement[] =>
  selectAll<PageNode, PageElement>(selector, root.children);

export const selectFirst = (root: PageTree | PageElement, selector: string): PageElement | null =>
  select(root, selector)[0] ?? null;

export const attribute = (element: PageElement, name: string): string | null => element.attribs[name] ?? null;

/** The class list as whole words, lower case: "inactive" is never mistaken for "active". */
export const classTokens = (element: PageElement): ReadonlySet<string> =>
  new Set((element.attribs['class'] ?? '').toLowerCase().split(/\s+/).filter(Boolean));

const silentTags = new Set(['script', 'style', 'template', 'noscript', 'head']);
const boxTags = new Set(['div', 'table', 'ul', 'ol', 'dl', 'section', 'article', 'p', 'form', 'main']);
const inlineTags = new Set(['b', 'i', 'em', 'strong', 'sub', 'sup', 'mark', 'small', 'wbr', 'u', 'abbr']);

/** The visible words of an element, one space between cells and blocks. */
export function textOf(root: PageTree | PageNode): string {
  const parts: string[] = [];
  const pending: (PageTree | PageNode | string)[] = [root];
  for (let entry = pending.pop(); entry !== undefined; entry = pending.pop()) {
    if (typeof entry === 'string') {
      parts.push(entry);
    } else if ('children' in entry) {
      const tag = 'name' in entry ? entry.name : '';
      if (silentTags.has(tag) && entry !== root) continue;
      const gap = inlineTags.has(tag) ? '' : ' ';
      pending.push(gap);
      for (let index = entry.children.length - 1; index >= 0; index--) pending.push(entry.children[index] as PageNode);
      pending.push(gap);
    } else if (entry.type === 'text') {
      parts.push(entry.data);
    }
  }
  return parts
    .join('')
    .replace(/[\s\u00a0]+/g, ' ')
    .trim();
}

/** Rows of a table that belong to it, not to a table inside one of its cells. */
export interface TableView {
  /** Header words in column order, lower case; empty when the table has none. */
  header: string[];
  rows: { element: PageElement; cells: PageElement[] }[];
}

const ownCells = (row: PageElement): PageElement[] =>
  row.children.filter(
    (child): child is PageElement => 'attribs' in child && (child.name === 'td' || child.name === 'th'),
  );

/** Reads a table as header words and rows of cells. */
export function viewTable(table: PageElement): TableView {
  const rows = select(table, 'tr').filter((row) => closestTable(row) === table);
  const view: TableView = { header: [], rows: [] };
  for (const element of rows) {
    const cells = ownCells(element);
    if (cells.length === 0) continue;
    const isHeader = cells.every((cell) => cell.name === 'th');
    if (isHeader && view.header.length === 0) {
      for (const cell of cells) {
        view.header.push(textOf(cell).toLowerCase());
        // A heading over several columns keeps the ones after it in step.
        const span = Math.min(Number(attribute(cell, 'colspan') ?? 1) || 1, 50);
        for (let extra = 1; extra < span; extra++) view.header.push('');
      }
    } else if (!isHeader) view.rows.push({ element, cells });
  }
  return view;
}

function closestTable(element: PageElement): PageElement | null {
  for (let parent = element.parent; parent; parent = parent.parent) {
    if ('name' in parent && parent.name === 'table') return parent as PageElement;
  }
  return null;
}

/**
 * Label → value as a page prints them: definition lists, two-cell rows, label/value pairs of elements, and plain
 * "Label: value" lines. Labels are lower case without the colon; the first value of a label wins.
 */
export function labelledValues(tree: PageTree | PageElement): Map<string, string> {
  const values = new Map<string, string>();
  const put = (label: string, value: string) => {
    const key = label
      .toLowerCase()
      .replace(/\s*:\s*$/, '')
      .trim();
    if (key !== '' && key.length <= 60 && value.trim() !== '' && !values.has(key)) values.set(key, value.trim());
  };
  for (const term of select(tree, 'dt, th, .label, .field-label, label')) {
    const value = nextElement(term);
    if (value && ['dd', 'td', 'span', 'div', 'p', 'strong', 'output'].includes(value.name))
      put(textOf(term), textOf(value));
  }
  for (const row of select(tree, 'tr')) {
    const cells = ownCells(row);
    if (cells.length === 2) put(textOf(cells[0] as PageElement), textOf(cells[1] as PageElement));
  }
  for (const line of select(tree, 'li, p, div, span, td')) {
    // Only short lines, not the boxes around them: reading every box's whole text again would be quadratic.
    if (line.children.length > 6 || line.children.some((child) => 'name' in child && boxTags.has(child.name))) continue;
    const text = textOf(line);
    const match = text.length <= 200 ? /^([^:]{2,40}):\s*(.+)$/.exec(text) : null;
    if (match) put(match[1] as string, match[2] as string);
  }
  return values;
}

function nextElement(element: PageElement): PageElement | null {
  for (let next = element.next; next; next = next.next) {
    if ('attribs' in next) return next;
    if (next.type === 'text' && next.data.trim() !== '') return null;
  }
  return null;
}
