/** The wall as a signed-in person's own screen shows it: the session's live picture, kept through a reload. */
import type { DisplayLayout } from '#contracts/displays';
import { SvelteMap } from 'svelte/reactivity';
import * as fleet from '../api/fleet.ts';
import type { Wall } from '../board/wall.ts';
import { forgetBoard, keepBoard, readBoard } from '../displays/kept.ts';
import { rowsWithoutWords } from '../live/board.ts';
import { live } from './live.svelte.ts';
import { scope } from './scope.svelte.ts';

export class Board {
  #kept = $state.raw<Wall | null>(null);
  readonly #reasons = new SvelteMap<string, string>();
  /** The score that a truck's words were read for: read again only when it moves. */
  readonly #readFor = new SvelteMap<string, number | null>();

  /** What was kept before the page was loaded. */
  async restore(): Promise<void> {
    this.#kept ??= await readBoard('session');
  }

  /** The live board, or the last one kept while there is none. null: nothing was ever shown here. */
  current(layout: DisplayLayout): Wall | null {
    const { tenant } = scope;
    if (!live.hasPicture || live.heardAtMs === null || tenant === null) {
      // A board kept for another tenant is nobody's business here.
      return tenant === null || this.#kept?.setting.tenant.id === tenant.id ? this.#kept : null;
    }
    return {
      asOfMs: live.heardAtMs,
      setting: {
        tenant: { id: tenant.id, name: tenant.name, timeZone: tenant.timeZone },
        display: null,
        layout,
        customers: tenant.linkedTenants.map(({ id, name }) => ({ id, name })),
        reasons: Object.fromEntries(this.#reasons),
        inbound: [],
      },
      picture: live.picture,
    };
  }

  /** Reads the words of trucks that no alert explains. */
  async readReasons(): Promise<void> {
    for (const { id, riskScore } of rowsWithoutWords(live.attention)) {
      if (this.#readFor.has(id) && this.#readFor.get(id) === riskScore) continue;
      this.#readFor.set(id, riskScore);
      try {
        const newest = (await fleet.listPredictions(id, 1)).data[0];
        const reason = newest?.contributors.toSorted((a, b) => b.points - a.points)[0]?.text;
        if (reason !== undefined) this.#reasons.set(id, reason);
      } catch {
        this.#readFor.delete(id);
      }
    }
  }

  forget(): void {
    this.#kept = null;
    this.#reasons.clear();
    this.#readFor.clear();
    void forgetBoard('session');
  }

  keep(wall: Wall): void {
    this.#kept = wall;
    void keepBoard('session', wall);
  }
}
