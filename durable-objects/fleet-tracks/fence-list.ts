/** The fences that are watched: brought up to date by changes that may come late, twice, or out of order. */
import { FenceIndex } from '../geofences/fence-index.ts';
import { isSameFence, sizeOfFence, toHeldFence, type HeldFence } from './fence-pages.ts';
import type { FenceStorage } from './fence-storage.ts';
import type { FenceChange, WatchedFence } from './feed.ts';

/** A fence that was drawn (`before` null), changed, or deleted (`after` null). */
export interface FenceReplacement {
  before: HeldFence | null;
  after: HeldFence | null;
}

/** A page is written as a whole, so it stays small; a single large fence may exceed it. */
const mostPageBytes = 128 * 1024;
const mostFencesInPage = 128;

export class FenceList {
  readonly fences = new Map<string, HeldFence>();
  version: number;
  private readonly storage: FenceStorage;
  private readonly pages = new Map<number, { fences: number; bytes: number }>();
  private readonly tombstones: Map<string, number>;
  private readonly dirtyPages = new Set<number>();
  private built: FenceIndex<HeldFence> | null = null;

  constructor(storage: FenceStorage, version: number) {
    this.storage = storage;
    this.version = version;
    this.tombstones = storage.loadTombstones();
    for (const fence of storage.loadFences()) this.hold(fence);
  }

  /** The index over all fences, built when it is first wanted after a change. */
  get index(): FenceIndex<HeldFence> {
    this.built ??= new FenceIndex(this.fences.values());
    return this.built;
  }

  /**
   * Every fence carries the version that confirmed it, and only a newer one replaces it. `version` rises where all changes
   * through it are known: with a whole list, and with the change that follows right on.
   */
  apply(change: FenceChange): FenceReplacement[] {
    const { version, isWhole, isLast } = change;
    // What is older than all that is known has nothing to say; a whole list may say it again.
    if (isWhole ? version < this.version : version <= this.version) return [];
    const replaced: FenceReplacement[] = [];
    for (const fence of change.fences) {
      const one = this.put(fence, version);
      if (one !== null) replaced.push(one);
    }
    for (const id of change.removedIds) {
      const before = this.fences.get(id) ?? null;
      if (before !== null && before.version >= version) continue;
      this.tombstones.set(id, version);
      this.storage.saveTombstone(id, version);
      if (before !== null) replaced.push(this.remove(before));
    }
    if (isWhole && isLast) {
      for (const fence of [...this.fences.values()]) {
        if (fence.version < version) replaced.push(this.remove(fence));
      }
    }
    if (isLast && (isWhole ? version > this.version : version === this.version + 1)) this.advanceTo(version);
    if (replaced.length > 0) this.built = null;
    this.savePages();
    return replaced;
  }

  private advanceTo(version: number): void {
    this.version = version;
    this.storage.saveMeta({ ...this.storage.loadMeta(), version });
    for (const [id, deletedIn] of this.tombstones) if (deletedIn <= version) this.tombstones.delete(id);
    this.storage.dropTombstones(version);
  }

  private put(fence: WatchedFence, version: number): FenceReplacement | null {
    const before = this.fences.get(fence.id) ?? null;
    if (before !== null && before.version >= version) return null;
    if ((this.tombstones.get(fence.id) ?? 0) >= version) return null;
    const after = toHeldFence(fence, version, before?.page ?? -1);
    if (before !== null) {
      if (isSameFence(before, after)) {
        before.version = version;
        this.dirtyPages.add(before.page);
        return null;
      }
      this.release(before);
    }
    if (after.page < 0 || !this.hasRoom(after.page, after)) after.page = this.pageFor(after);
    this.hold(after);
    this.dirtyPages.add(after.page);
    return { before, after };
  }

  private remove(before: HeldFence): FenceReplacement {
    this.release(before);
    return { before, after: null };
  }

  private hold(fence: HeldFence): void {
    this.fences.set(fence.id, fence);
    const page = this.pages.get(fence.page) ?? { fences: 0, bytes: 0 };
    page.fences += 1;
    page.bytes += sizeOfFence(fence);
    this.pages.set(fence.page, page);
  }

  private release(fence: HeldFence): void {
    this.fences.delete(fence.id);
    this.dirtyPages.add(fence.page);
    const page = this.pages.get(fence.page);
    if (page === undefined) return;
    page.fences -= 1;
    page.bytes -= sizeOfFence(fence);
    if (page.fences === 0) this.pages.delete(fence.page);
  }

  private hasRoom(number: number, fence: HeldFence): boolean {
    const page = this.pages.get(number);
    return page === undefined || (page.fences < mostFencesInPage && page.bytes + sizeOfFence(fence) <= mostPageBytes);
  }

  private pageFor(fence: HeldFence): number {
    let highest = 0;
    for (const number of this.pages.keys()) {
      if (this.hasRoom(number, fence)) return number;
      highest = Math.max(highest, number);
    }
    return highest + 1;
  }

  private savePages(): void {
    if (this.dirtyPages.size === 0) return;
    const byPage = new Map<number, HeldFence[]>([...this.dirtyPages].map((page) => [page, []]));
    for (const fence of this.fences.values()) byPage.get(fence.page)?.push(fence);
    for (const [page, fences] of byPage) this.storage.savePage(page, fences);
    this.dirtyPages.clear();
  }
}
