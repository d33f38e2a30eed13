/** What the shop's portal calls a piece of work. */
import { hashKeys } from '../random.ts';
import type { ShopEvent } from './shop-events.ts';

/**
 * The number of the case under which an event of a truck is filed: `C-2611-04218837`, year and month of the world's time
 * and eight digits. Same truck and event, same number, whenever and at whatever speed it is asked for.
 */
export function caseNumberOf(vin: string, event: Pick<ShopEvent, 'atMs' | 'kind' | 'spn' | 'fmi'>): string {
  const month = new Date(event.atMs).toISOString().slice(2, 7).replace('-', '');
  const digits = hashKeys(vin, event.atMs, event.kind, event.spn ?? '', event.fmi ?? '', 'case') % 100_000_000;
  return `C-${month}-${String(digits).padStart(8, '0')}`;
}
