/**
 * The vehicle list of the portal, from its HTML. Columns are found by their headings, because they move; the card
 * layout (`.asset-list`) is read by labels. Pure: the page's text in, rows or a tag out.
 */
import { vinSchema } from '#contracts/vehicles';
import {
  attribute,
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
import { cleanText, cleanTextOrNull, saysNothing } from '../text.ts';

export interface ListedAsset {
  vin: string;
  unitNumber: string;
  year: number | null;
  make: string | null;
  model: string | null;
}

export interface AssetListPage {
  kind: 'assets';
  assets: ListedAsset[];
  /** Rows that are there but name no usable VIN, as printed (cleaned, cut), so that a person can find them. */
  rejected: string[];
  /** The next page as the link says it (relative or absolute), null on the last page. */
  nextHref: string | null;
}

const unitMaxLength = 40;
const nameMaxLength = 60;

type Column = 'vin' | 'unit' | 'description' | 'year' | 'make' | 'model';

/** Which fact a heading announces; order matters ("unit vin" is a VIN). */
export function columnOf(heading: string): Column | null {
  const words = heading.toLowerCase();
  if (/\bvin\b|vehicle id(?:entification)?/.test(words)) return 'vin';
  if (/\bunit\b|\bfleet (?:no|number|id)\b|\btruck (?:no|number|#)|\basset (?:no|number|#|id)/.test(words))
    return 'unit';
  if (/\byear\b.*\b(?:make|model)\b|\bmake\b.*\bmodel\b|\bdescription\b|^vehicle$|^truck$|^asset$/.test(words))
    return 'description';
  if (/\byear\b/.test(words)) return 'year';
  if (/\bmake\b|\bmanufacturer\b/.test(words)) return 'make';
  if (/\bmodel\b/.test(words)) return 'model';
  return null;
}

/** Makes of more than one word, so that "Western Star 49X" is not a "Western". */
const twoWordMakes = ['western star', 'blue bird', 'american lafrance', 'crane carrier'];

/** "2023 Kenworth T680 Next Gen" → year, make, model; whatever part is missing is null. */
export function splitYearMakeModel(raw: string): Pick<ListedAsset, 'year' | 'make' | 'model'> {
  const text = cleanText(raw, 160);
  if (saysNothing(text)) return { year: null, make: null, model: null };
  const match = /^(?:((?:19|20)\d{2})\b\s*)?(.*)$/.exec(text);
  const year = match?.[1] ? Number(match[1]) : null;
  const rest = (match?.[2] ?? '').trim();
  const lower = rest.toLowerCase();
  const twoWords = twoWordMakes.find((make) => lower.startsWith(`${make} `) || lower === make);
  const cut = twoWords ? twoWords.length : rest.indexOf(' ') === -1 ? rest.length : rest.indexOf(' ');
  return {
    year,
    make: cleanTextOrNull(rest.slice(0, cut), nameMaxLength),
    model: cleanTextOrNull(rest.slice(cut), nameMaxLength),
  };
}

/** Reads one page of the list. */
export function extractAssets(html: string): AssetListPage | MarkupChanged {
  const page = parsePage(html);
  if (page.kind !== 'page') return page;
  const fromTable = readTables(page.tree);
  const found = fromTable ?? readCards(page.tree);
  if (!found) return markupChanged('neither a vehicle table nor an asset list');
  if (found.rows > 0 && found.assets.length === 0) return markupChanged('a vehicle list in which no row has a VIN');
  return { kind: 'assets', assets: found.assets, rejected: found.rejected, nextHref: nextHref(page.tree) };
}

interface Found {
  assets: ListedAsset[];
  rejected: string[];
  rows: number;
}

/** The first table whose headings include a VIN, or that has no headings and a VIN in its rows. */
function readTables(tree: PageTree): Found | null {
  for (const table of select(tree, 'table')) {
    const view = viewTable(table);
    const columns = view.header.map(columnOf);
    const hasVinColumn = columns.includes('vin');
    if (!hasVinColumn && view.header.length > 0) continue;
    const found: Found = { assets: [], rejected: [], rows: 0 };
    for (const { cells } of view.rows) {
      // One cell over the whole width says "no vehicles" or the like.
      if (cells.length === 1 && (view.header.length > 1 || attribute(cells[0] as PageElement, 'colspan'))) continue;
      found.rows += 1;
      const texts = cells.map(textOf);
      const asset = hasVinColumn ? fromColumns(columns, texts) : fromOrder(texts);
      if (asset) found.assets.push(asset);
      else found.rejected.push(cleanText(texts.join(' · '), 120));
    }
    if (hasVinColumn || found.assets.length > 0) return found;
  }
  return null;
}

function fromColumns(columns: (Column | null)[], texts: string[]): ListedAsset | null {
  const cell = (column: Column): string => texts[columns.indexOf(column)] ?? '';
  const vin = readVin(cell('vin'));
  if (vin === null) return null;
  const described = splitYearMakeModel(cell('description'));
  const year = /\b(?:19|20)\d{2}\b/.exec(cell('year'));
  return {
    vin,
    unitNumber: readUnit(cell('unit')),
    year: year ? Number(year[0]) : described.year,
    make: (columns.includes('make') && cleanTextOrNull(cell('make'), nameMaxLength)) || described.make,
    model: (columns.includes('model') && cleanTextOrNull(cell('model'), nameMaxLength)) || described.model,
  };
}

/** Without headings the portal's known order holds: VIN, unit, "year make model", status. */
function fromOrder(texts: string[]): ListedAsset | null {
  const vin = readVin(texts[0] ?? '');
  return vin === null ? null : { vin, unitNumber: readUnit(texts[1] ?? ''), ...splitYearMakeModel(texts[2] ?? '') };
}

const vinPattern = /\b[A-HJ-NPR-Z0-9]{17}\b/i;

/** The card layout: one element per vehicle, its facts as classed elements, data attributes or "Label: value" words. */
function readCards(tree: PageTree): Found | null {
  const list = selectFirst(tree, '.asset-list');
  if (!list) return null;
  let cards = select(list, '.asset, .asset-item, .asset-card, .asset-row, li, article');
  // Cards inside cards: the outer one is the vehicle.
  cards = cards.filter((card) => !cards.some((other) => other !== card && isInside(card, other)));
  const found: Found = { assets: [], rejected: [], rows: 0 };
  for (const card of cards) {
    found.rows += 1;
    const asset = readCard(card);
    if (asset) found.assets.push(asset);
    else found.rejected.push(cleanText(textOf(card), 120));
  }
  return found;
}

function isInside(element: PageElement, other: PageElement): boolean {
  for (let parent = element.parent; parent; parent = parent.parent) if (parent === other) return true;
  return false;
}

function readCard(card: PageElement): ListedAsset | null {
  const text = textOf(card);
  const labelled = cardFields(card);
  const part = (selector: string): string | null => {
    const element = selectFirst(card, selector);
    return element ? stripLabel(textOf(element)) : null;
  };
  const vin = readVin(
    attribute(card, 'data-vin') ??
      labelled.get('vin') ??
      part('.vin, [data-field=vin]') ??
      vinPattern.exec(text)?.[0] ??
      '',
  );
  if (vin === null) return null;
  const unit =
    labelled.get('unit') ??
    part('.unit, .unit-number, .asset-unit, [data-field=unit]') ??
    /\bunit(?: number| no\.?| #)?\s*[:#]?\s*(\S+)/i.exec(text)?.[1] ??
    '';
  const described =
    labelled.get('description') ??
    part('.description, .asset-description, .vehicle, .asset-vehicle, .model, .asset-name, [data-field=description]') ??
    /\b(?:19|20)\d{2} [A-Z][\w-]+(?: [\w-]+)?/.exec(text)?.[0] ??
    '';
  return { vin, unitNumber: readUnit(unit), ...splitYearMakeModel(described) };
}

/** A card's facts by the labels printed in it: `<span class="label">VIN</span> …` beside or around the value. */
function cardFields(card: PageElement): Map<Column, string> {
  const fields = new Map<Column, string>();
  for (const label of select(card, '.label, .field-label, dt, label')) {
    const column = columnOf(textOf(label));
    const holder = label.parent && 'attribs' in label.parent ? (label.parent as PageElement) : null;
    if (column === null || fields.has(column) || holder === null) continue;
    const at = holder.children.indexOf(label);
    const isOwnHolder = holder !== card && select(holder, '.label, .field-label, dt, label').length === 1;
    // Alone in its holder, a label's value is the rest of the holder; among others, it is what comes next.
    const rest = holder.children.slice(at + 1);
    const values = isOwnHolder ? rest : rest.filter((node) => 'attribs' in node || textOf(node) !== '').slice(0, 1);
    const value = values.map(textOf).join(' ').trim();
    if (value !== '') fields.set(column, value);
  }
  return fields;
}

const stripLabel = (text: string): string => text.replace(/^(?:vin|unit(?: number| no\.?| #)?|vehicle)\s*[:#]\s*/i, '');

function readVin(raw: string): string | null {
  const parsed = vinSchema.safeParse(cleanText(raw, 60).replace(/[\s-]/g, ''));
  return parsed.success ? parsed.data : null;
}

function readUnit(raw: string): string {
  const text = cleanText(raw, unitMaxLength);
  return saysNothing(text) ? '' : text;
}

/** The link to the next page: `rel=next`, a class that says next, or a link in words; a disabled one counts as none. */
function nextHref(tree: PageTree): string | null {
  const links = select(tree, 'a[href]');
  const isNext = (link: PageElement): boolean => {
    const words = textOf(link).toLowerCase();
    const tokens = classTokens(link);
    const parentTokens = link.parent && 'attribs' in link.parent ? classTokens(link.parent as PageElement) : null;
    const isOff =
      tokens.has('disabled') || parentTokens?.has('disabled') || attribute(link, 'aria-disabled') === 'true';
    if (isOff) return false;
    return (
      (attribute(link, 'rel') ?? '').toLowerCase().split(/\s+/).includes('next') ||
      tokens.has('next') ||
      tokens.has('next-page') ||
      parentTokens?.has('next') === true ||
      /^(?:next(?: page)?\s*[›»→>]*|[›→>])$/.test(words)
    );
  };
  const href = links.find(isNext)?.attribs['href']?.trim();
  return href === undefined || href === '' || href === '#' ? null : href;
}
