/** The chosen truck's trail: read for a window that ends now or at a past instant, and finer when one looks closer. */
import type { Position } from '#contracts/positions';
import { readTrack } from '../api/positions.ts';
import { readWholeTrack } from '../map/track-reading.ts';
import { simplifyMetres, windowEnding, type TrailWindow } from '../map/trail-window.ts';
import { LatestRead } from './latest-read.svelte.ts';

export interface TrailAsk {
  vehicleId: string;
  window: TrailWindow;
  /** The past instant that it ends at, RFC 3339; null: now. */
  until: string | null;
}

interface HeldTrail {
  ask: TrailAsk;
  positions: Position[];
  /** Metres it was asked with: a finer one is worth asking for, a coarser one is not. */
  simplify: number | null;
  /** Every reading is there. */
  isWhole: boolean;
  fromMs: number;
  toMs: number;
}

const isSame = (a: TrailAsk, b: TrailAsk): boolean =>
  a.vehicleId === b.vehicleId && a.window === b.window && a.until === b.until;

export class Trail extends LatestRead {
  #held = $state.raw<HeldTrail | null>(null);
  #asked: TrailAsk | null = null;

  get held(): HeldTrail | null {
    return this.#held;
  }

  /** Shows what `ask` names at a zoom; null shows none. What is held already is kept until the answer is there. */
  async show(ask: TrailAsk | null, zoom: number, nowMs: number): Promise<void> {
    this.#asked = ask;
    if (ask === null) {
      this.#held = null;
      this.failure = null;
      return;
    }
    const held = this.#held;
    const simplify = simplifyMetres(ask.window, zoom);
    if (held !== null && !isSame(held.ask, ask)) this.#held = null;
    else if (held !== null && (held.simplify ?? 0) <= (simplify ?? 0)) return;
    const { fromMs, toMs, from, to } = windowEnding(ask.window, ask.until === null ? nowMs : Date.parse(ask.until));
    await this.read(
      () =>
        readWholeTrack(
          { from, to, simplify },
          (part, cursor) => readTrack(ask.vehicleId, part, cursor),
          () => this.#asked === ask,
        ),
      ({ positions, simplify: read }) => {
        // Asked for anew only for a finer one: `simplify` is what was wanted, even where the length forbade it.
        if (this.#asked === ask) this.#held = { ask, positions, simplify, isWhole: read === null, fromMs, toMs };
      },
    );
  }
}
