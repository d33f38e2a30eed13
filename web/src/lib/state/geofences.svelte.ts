/** The geofences of the organisations on screen: read page by page, kept in step with what is done here. */
import type { CreateGeofenceInput, Geofence } from '#contracts/geofences';
import { toFailure, type ApiFailure } from '../api/failure.ts';
import * as api from '../api/geofences.ts';
import {
  noCounts,
  noFences,
  withFences,
  withoutFence,
  type FenceCounts,
  type FencesById,
} from '../geofences/fence-book.ts';
import { FenceIndex } from '../geofences/fence-index.ts';
import { scope } from './scope.svelte.ts';
import { toasts } from './toasts.svelte.ts';
import { offerUndo } from './undo.ts';

const pageSize = 100;
/** Pages asked for at once. */
const atOnce = 4;
/** What was read longer ago is read again when somebody looks at the list. */
const freshForMs = 60_000;
const shownKey = 'truckiq.map.geofences';

export type GeofenceSort = 'name' | 'inside';

function storedShown(): boolean {
  try {
    return localStorage.getItem(shownKey) !== '0';
  } catch {
    return true;
  }
}

const names = new Intl.Collator('en', { numeric: true });
const byName = (a: Geofence, b: Geofence): number => names.compare(a.name, b.name);

/** What makes a fence again. */
export const inputOfFence = (fence: Geofence): CreateGeofenceInput => {
  const { name, shape, alertOnEntry, alertOnExit, dwellMinutes, speedLimitMph, groupId } = fence;
  return { name, shape, alertOnEntry, alertOnExit, dwellMinutes, speedLimitMph, groupId };
};

export class Geofences {
  /** Drawn on the map; kept for the next visit. */
  isShown = $state(storedShown());
  failure = $state.raw<ApiFailure | null>(null);
  isLoading = $state(false);
  /** Everything has been read once. */
  isReady = $state(false);
  /** How many there are, as the API said last. */
  total = $state(0);
  #byId = $state.raw<FencesById>(noFences);
  readonly all: readonly Geofence[] = $derived([...this.#byId.values()].sort(byName));
  readonly index = $derived(new FenceIndex(this.all));
  #turn = 0;
  #readAtMs = Number.NEGATIVE_INFINITY;

  get(id: string | null): Geofence | null {
    return id === null ? null : (this.#byId.get(id) ?? null);
  }

  show(isShown: boolean): void {
    this.isShown = isShown;
    try {
      localStorage.setItem(shownKey, isShown ? '1' : '0');
    } catch {
      // It holds until the page is left.
    }
  }

  /** Reads them unless that was done a moment ago. */
  refresh(): void {
    if (this.isLoading || Date.now() - this.#readAtMs < freshForMs) return;
    void this.load();
  }

  /** Reads all of them: the first page, then the others a few at a time. Never throws. */
  async load(): Promise<void> {
    const turn = ++this.#turn;
    const startedAtMs = Date.now();
    this.isLoading = true;
    this.failure = null;
    let read = noFences;
    const take = (fences: readonly Geofence[]): void => {
      read = withFences(read, fences);
      // The first time what has come is shown while the rest is under way.
      if (turn === this.#turn && !this.isReady) this.#byId = read;
    };
    try {
      const first = await api.listGeofences({ ...scope.query, page: 1, pageSize });
      if (turn !== this.#turn) return;
      this.total = first.meta.total;
      take(first.data);
      const pages = Math.ceil(first.meta.total / pageSize);
      let next = 2;
      const work = async (): Promise<void> => {
        while (next <= pages && turn === this.#turn) {
          const page = next;
          next += 1;
          take((await api.listGeofences({ ...scope.query, page, pageSize })).data);
        }
      };
      await Promise.all(Array.from({ length: atOnce }, work));
      if (turn !== this.#turn) return;
      this.#byId = read;
      this.isReady = true;
      this.#readAtMs = startedAtMs;
    } catch (thrown) {
      if (turn === this.#turn) this.failure = toFailure(thrown);
    } finally {
      if (turn === this.#turn) this.isLoading = false;
    }
  }

  /** Fences as changes of them were answered. What was being read before knows nothing of them. */
  take(...fences: readonly Geofence[]): void {
    const next = withFences(this.#byId, fences);
    this.total += next.size - this.#byId.size;
    this.#byId = next;
    this.#again();
  }

  drop(id: string): void {
    if (!this.#byId.has(id)) return;
    this.#byId = withoutFence(this.#byId, id);
    this.total = Math.max(0, this.total - 1);
    this.#again();
  }

  #again(): void {
    if (this.isLoading) void this.load();
  }

  /** Where a new fence goes, or one that is made again. */
  #scopeOf(tenantId: string): { tenantId?: string } {
    return scope.isSuperAdmin || tenantId !== scope.tenant?.id ? { tenantId } : {};
  }

  /** Deletes at once and offers the way back. True when it is gone. */
  async remove(fence: Geofence, restored: (fence: Geofence) => void): Promise<boolean> {
    try {
      await api.deleteGeofence(fence.id);
    } catch (thrown) {
      const failure = toFailure(thrown);
      if (failure.code !== 'NOT_FOUND') {
        toasts.show('error', `${fence.name} was not deleted. ${failure.message}`);
        return false;
      }
    }
    this.drop(fence.id);
    offerUndo(`${fence.name} is deleted`, async () => {
      try {
        const again = await api.createGeofence(this.#scopeOf(fence.tenantId), inputOfFence(fence));
        this.take(again);
        restored(again);
        toasts.show('success', `${fence.name} is back. What happened there is counted anew.`);
      } catch (thrown) {
        toasts.show('error', `${fence.name} could not be drawn again. ${toFailure(thrown).message}`);
      }
    });
    return true;
  }
}

/** Instants at which trucks in fences are counted: often enough for people, seldom enough for five thousand of each. */
export const countEveryMs = 2_000;

export class InsideCounts {
  counts = $state.raw<FenceCounts>(noCounts);
  #timer: ReturnType<typeof setTimeout> | null = null;
  #waiting: (() => FenceCounts) | null = null;

  /** Counts, unless that was done a moment ago: then when the moment is over. */
  soon(count: () => FenceCounts): void {
    if (this.#timer !== null) {
      this.#waiting = count;
      return;
    }
    this.counts = count();
    this.#waiting = null;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (this.#waiting !== null) this.soon(this.#waiting);
    }, countEveryMs);
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#waiting = null;
  }
}
