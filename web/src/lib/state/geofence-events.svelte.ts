/** What happened at one geofence, newest first, and how much of it today. */
import type { GeofenceEvent, GeofenceEventKind } from '#contracts/geofences';
import { listGeofenceEvents } from '../api/geofences.ts';
import { countsByKind } from '../geofences/fence-book.ts';
import { toasts } from './toasts.svelte.ts';
import { toFailure } from '../api/failure.ts';
import { LatestRead } from './latest-read.svelte.ts';

const pageLimit = 25;
/** Today is counted in one answer; of more it is said that there are more. */
const todayLimit = 100;

export interface DayCounts {
  counts: ReadonlyMap<GeofenceEventKind, number>;
  /** There were more than one answer holds. */
  isMore: boolean;
}

export class GeofenceEvents extends LatestRead {
  events = $state.raw<GeofenceEvent[]>([]);
  nextCursor = $state<string | null>(null);
  today = $state.raw<DayCounts | null>(null);
  isReadingMore = $state(false);
  #id: string | null = null;

  /** @param dayStart the instant at which today began, RFC 3339 */
  async show(id: string, dayStart: string): Promise<void> {
    if (id !== this.#id) {
      this.#id = id;
      this.events = [];
      this.nextCursor = null;
      this.today = null;
    }
    await this.read(
      () =>
        Promise.all([
          listGeofenceEvents(id, { limit: pageLimit }),
          listGeofenceEvents(id, { from: dayStart, limit: todayLimit }),
        ]),
      ([page, today]) => {
        this.events = page.events;
        this.nextCursor = page.nextCursor;
        this.today = { counts: countsByKind(today.events), isMore: today.nextCursor !== null };
      },
    );
  }

  async more(): Promise<void> {
    const [id, cursor] = [this.#id, this.nextCursor];
    if (id === null || cursor === null || this.isReadingMore) return;
    this.isReadingMore = true;
    try {
      const page = await listGeofenceEvents(id, { cursor, limit: pageLimit });
      if (id !== this.#id || cursor !== this.nextCursor) return;
      this.events = [...this.events, ...page.events];
      this.nextCursor = page.nextCursor;
    } catch (thrown) {
      toasts.show('error', toFailure(thrown).message);
    } finally {
      this.isReadingMore = false;
    }
  }
}
