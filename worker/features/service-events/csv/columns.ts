/** Which fact each column of a file holds, told by its heading, however somebody wrote it. Pure. */

export type ServiceColumn =
  'vin' | 'unit' | 'vehicle' | 'at' | 'kind' | 'description' | 'odometer' | 'spn' | 'fmi' | 'system' | 'number';

/** Headings as `headingWords` leaves them; the first that a file has is taken, so the plainest stands first. */
const headings: Readonly<Record<ServiceColumn, readonly string[]>> = {
  vin: ['vin', 'vin number', 'vehicle vin', 'full vin', 'vehicle identification number'],
  unit: ['unit number', 'unit', 'unit id', 'truck number', 'truck', 'asset number', 'asset', 'vehicle number', 'equipment number', 'fleet number'],
  vehicle: ['vehicle'],
  at: ['at', 'service date', 'date completed', 'completed date', 'completed', 'completed at', 'completed on', 'completion date', 'date closed', 'closed date', 'closed', 'closed at', 'repair date', 'date performed', 'performed', 'performed on', 'event date', 'work date', 'date'],
  kind: ['kind', 'service kind', 'event kind', 'service type', 'event type', 'work type', 'repair type', 'order type', 'case type', 'maintenance type', 'type', 'category'],
  description: ['description', 'service description', 'repair description', 'work description', 'work performed', 'work done', 'correction', 'summary', 'details', 'complaint', 'notes', 'comments'],
  odometer: ['odometer miles', 'odometer', 'odometer mi', 'odometer km', 'odometer kilometers', 'odometer reading', 'current odometer', 'mileage', 'miles', 'meter', 'meter reading'],
  spn: ['spn'],
  fmi: ['fmi'],
  system: ['system', 'vehicle system', 'system code', 'vmrs', 'vmrs code', 'vmrs system', 'component'],
  number: ['external id', 'order number', 'work order number', 'work order', 'wo number', 'wo', 'repair order number', 'repair order', 'ro number', 'ro', 'case number', 'case', 'case id', 'order', 'order id', 'invoice number', 'invoice', 'reference number', 'reference'],
}; // prettier-ignore

/** "Unit #" → "unit number", "odometerMiles" → "odometer miles", "R.O. No." → "ro number". */
export const headingWords = (heading: string): string =>
  heading
    .slice(0, 200)
    .normalize('NFKC')
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .replace(/\b([a-z])\.(?=[a-z]\b)/g, '$1')
    .replace(/#/g, ' number ')
    .replace(/[^a-z0-9]+/g, ' ')
    .trim()
    .replace(/ (?:no|num|nr|nbr)$/, ' number');

export interface ServiceColumns {
  /** Where each fact stands; absent where no heading names it. */
  at: ReadonlyMap<ServiceColumn, number>;
  isOdometerKilometres: boolean;
}

/** Reads the first row of a file; words for a person when it lacks what every event needs. */
export function readHeadings(cells: readonly string[]): ServiceColumns | { problem: string } {
  const words = cells.map(headingWords);
  const at = new Map<ServiceColumn, number>();
  for (const [column, names] of Object.entries(headings) as [ServiceColumn, readonly string[]][]) {
    const name = names.find((known) => words.includes(known));
    if (name === undefined) continue;
    const place = words.indexOf(name);
    if (words.lastIndexOf(name) !== place) {
      return { problem: `The heading "${cells[place]?.trim() ?? name}" stands twice: leave one of the two.` };
    }
    at.set(column, place);
  }
  const missing = [
    at.has('vin') || at.has('unit') || at.has('vehicle') ? null : 'vin or unit',
    ...(['at', 'kind', 'description'] as const).map((column) => (at.has(column) ? null : neededWords[column])),
  ].filter((name) => name !== null);
  if (missing.length > 0) {
    return { problem: `The first line must name the columns; there is none for: ${missing.join(', ')}.` };
  }
  const isOdometerKilometres = /\bkm\b|\bkilomet/.test(words[at.get('odometer') ?? -1] ?? '');
  return { at, isOdometerKilometres };
}

const neededWords = { at: 'date', kind: 'kind', description: 'description' } as const;
