/**
 * One vehicle's own page: odometer (miles), engine hours, engine and last location, from its HTML. Pure.
 */
import { attribute, labelledValues, markupChanged, parsePage, select, textOf, type MarkupChanged } from '../html.ts';
import { cleanText, cleanTextOrNull, firstNumber, saysNothing } from '../text.ts';

export interface AssetDetail {
  kind: 'asset';
  odometerMiles: number | null;
  engineHours: number | null;
  engineMake: string | null;
  engineModel: string | null;
  position: { lat: number; lon: number; at: string } | null;
  /** The page links to the vehicle's cases, which not every subscription shows. */
  hasCases: boolean;
}

/** Exact by definition: 1 mile = 1.609344 km. */
const kilometresPerMile = 1.609344;
/** Bounds of what a truck can show; beyond them a number is a misread or a joke. */
const maxOdometerMiles = 5_000_000;
const maxEngineHours = 200_000;

/** Reads the page of the vehicle `vin`; a page that neither names it nor shows any known fact is not recognised. */
export function extractAsset(html: string, vin: string): AssetDetail | MarkupChanged {
  const page = parsePage(html);
  if (page.kind !== 'page') return page;
  const values = labelledValues(page.tree);
  const value = (pattern: RegExp): { label: string; text: string } | null => {
    for (const [label, text] of values) if (pattern.test(label)) return { label, text };
    return null;
  };
  const odometer = value(/^(?:current |total |vehicle )?(?:odometer|mileage|meter reading)\b/);
  const hours = value(/^(?:total )?engine hours?\b|^hours? meter\b/);
  const location = value(/^(?:last|current) (?:known )?(?:location|position)\b|^(?:location|position)$/);
  if (!odometer && !hours && !location && !textOf(page.tree).toUpperCase().includes(vin)) {
    return markupChanged('a vehicle page without odometer, engine hours, location or the VIN');
  }
  const engine = value(/^engine(?: (?:make|model|type|make\/model|make and model))?$/)?.text ?? '';
  const engineMake = value(/^engine (?:make|manufacturer)$/)?.text;
  const engineModel = value(/^engine (?:model|type)$/)?.text;
  const cut = cleanText(engine, 80);
  const space = cut.indexOf(' ');
  const at = value(
    /^(?:last|current) (?:known )?(?:location|position) (?:at|time|date)|^(?:last )?(?:reported|updated|contact|seen)\b|^as of\b/,
  );
  return {
    kind: 'asset',
    odometerMiles: odometer ? readMiles(`${odometer.label} ${odometer.text}`, odometer.text) : null,
    engineHours: hours ? inRange(firstNumber(hours.text), maxEngineHours) : null,
    engineMake: engineMake !== undefined ? known(engineMake) : known(space === -1 ? cut : cut.slice(0, space)),
    engineModel: engineModel !== undefined ? known(engineModel) : known(space === -1 ? '' : cut.slice(space)),
    position: readPosition(location?.text ?? '', at?.text ?? '', values),
    hasCases: select(page.tree, 'a').some((link) => leadsToCases(attribute(link, 'href') ?? '', vin)),
  };
}

/** The reader goes to the address it knows, not to the one in the link: that only says that there is something. */
const leadsToCases = (href: string, vin: string): boolean =>
  (href.split(/[?#]/, 1)[0] ?? '').toLowerCase().endsWith(`/assets/${vin.toLowerCase()}/cases`);

const known = (text: string): string | null => (saysNothing(text) ? null : cleanTextOrNull(text, 60));

const inRange = (value: number | null, max: number): number | null =>
  value !== null && value >= 0 && value <= max ? value : null;

/** A reading in miles; kilometres are converted when label or value says so. */
export function readMiles(context: string, text: string): number | null {
  const reading = firstNumber(text);
  if (reading === null) return null;
  const isKilometres = /\bkm\b|\bkms\b|kilomet(?:re|er)s?/i.test(context) || /\dkm\b/i.test(context);
  const miles = isKilometres ? Math.round((reading / kilometresPerMile) * 10) / 10 : reading;
  return inRange(miles, maxOdometerMiles);
}

/** "41.8781, -87.6298" with the time it was taken; without a time a position is worth nothing to the live picture. */
function readPosition(text: string, atText: string, values: Map<string, string>): AssetDetail['position'] {
  const pair = /(-?\d{1,2}(?:\.\d+)?)\s*°?\s*([NS])?\s*[,;/ ]\s*(-?\d{1,3}(?:\.\d+)?)\s*°?\s*([EW])?/i.exec(text);
  const named = { lat: values.get('latitude') ?? values.get('lat'), lon: values.get('longitude') ?? values.get('lon') };
  const lat = pair ? signed(pair[1], pair[2]) : firstNumber(named.lat ?? '');
  const lon = pair ? signed(pair[3], pair[4]) : firstNumber(named.lon ?? '');
  if (lat === null || lon === null || Math.abs(lat) > 90 || Math.abs(lon) > 180) return null;
  const at = instantIn(atText) ?? instantIn(text);
  return at === null ? null : { lat, lon, at };
}

function signed(digits: string | undefined, hemisphere: string | undefined): number {
  const value = Number(digits);
  return /[SW]/i.test(hemisphere ?? '') ? -Math.abs(value) : value;
}

/** An ISO instant anywhere in a text; without an offset it is UTC, as everything the portal prints. */
export function instantIn(text: string): string | null {
  const match = /(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?)\s*(Z|UTC|[+-]\d{2}:?\d{2})?/.exec(text);
  if (!match) return null;
  const zone = match[3] === undefined || match[3] === 'UTC' ? 'Z' : match[3];
  const at = new Date(`${match[1]}T${match[2]}${zone}`);
  return Number.isNaN(at.getTime()) ? null : at.toISOString();
}
