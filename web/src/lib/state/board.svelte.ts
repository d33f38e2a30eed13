/** The wall board: rows from the live picture, kept through a reload so that the screen is never blank. */
import { z } from 'zod';
import { recommendedActionSchema, riskLevelSchema } from '#contracts/risk';
import { vehicleStatusSchema } from '#contracts/vehicles';
import { SvelteMap } from 'svelte/reactivity';
import * as fleet from '../api/fleet.ts';
import type { RiskCounts } from '../live/attention.ts';
import { boardRows, rowsWithoutWords, type BoardRow } from '../live/board.ts';
import { live } from './live.svelte.ts';

const boardStorageKey = 'truckiq.board';

const storedBoardSchema = z.object({
  asOfMs: z.number(),
  tenantName: z.string(),
  attentionCount: z.number(),
  counts: z.object({
    low: z.number(),
    medium: z.number(),
    high: z.number(),
    critical: z.number(),
    unknown: z.number(),
    total: z.number(),
  }),
  rows: z.array(
    z.object({
      id: z.string(),
      unitNumber: z.string(),
      tenantId: z.string(),
      riskLevel: riskLevelSchema.nullable(),
      what: z.string(),
      action: recommendedActionSchema.nullable(),
      since: z.string().nullable(),
      at: z.string().nullable(),
      status: vehicleStatusSchema,
      isTaken: z.boolean(),
    }),
  ),
});

export interface BoardPicture {
  /** The board was true at this moment. */
  asOfMs: number;
  tenantName: string;
  attentionCount: number;
  counts: RiskCounts;
  rows: BoardRow[];
}

export class Board {
  #kept = $state.raw<BoardPicture | null>(readKept());
  readonly #reasons = new SvelteMap<string, string>();
  /** The score that a truck's words were read for: read again only when it moves. */
  readonly #readFor = new SvelteMap<string, number | null>();

  /** `tenantName` is '' while it is not known. The live board, or the last one kept while there is none. null: nothing was ever shown here. */
  current(tenantName: string): BoardPicture | null {
    if (!live.hasPicture || live.heardAtMs === null) {
      // A board kept for another tenant is nobody's business here.
      return tenantName === '' || this.#kept?.tenantName === tenantName ? this.#kept : null;
    }
    return {
      asOfMs: live.heardAtMs,
      tenantName,
      attentionCount: live.attention.length,
      counts: live.counts,
      rows: boardRows(live.attention, this.#reasons),
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
    try {
      localStorage.removeItem(boardStorageKey);
    } catch {
      // Nothing was kept either.
    }
  }

  keep(picture: BoardPicture): void {
    this.#kept = picture;
    try {
      localStorage.setItem(boardStorageKey, JSON.stringify(picture));
    } catch {
      // Without storage a reload during an outage starts empty.
    }
  }
}

function readKept(): BoardPicture | null {
  try {
    const stored = storedBoardSchema.safeParse(JSON.parse(localStorage.getItem(boardStorageKey) ?? 'null'));
    return stored.success ? stored.data : null;
  } catch {
    return null;
  }
}
