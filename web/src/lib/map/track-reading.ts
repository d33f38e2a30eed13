/** Reads a whole track, part by part: every point where they are few, else those that a line needs. */
import type { Position } from '#contracts/positions';
import type { TrackAsk } from '../api/positions.ts';

/** Parts of a thousand points. Every point of a day at two a minute is three parts. */
export const mostParts = { whole: 4, simplified: 2 } as const;
/** As coarse as can be asked for. */
const coarsestMetres = 10_000;
const coarser = 3;

export type ReadPart = (
  ask: TrackAsk,
  cursor: string | null,
) => Promise<{ positions: Position[]; nextCursor: string | null }>;

/**
 * The points of a track, oldest first. Every point tells speeds and stops best, so that is tried where `simplify` is null; a
 * track that does not end soon is read again with a tolerance, wider each time: a cut would take away the newest, which is
 * what people look for.
 * @throws what `readPart` throws
 */
export async function readWholeTrack(
  ask: TrackAsk,
  readPart: ReadPart,
  isWanted: () => boolean,
): Promise<{ positions: Position[]; simplify: number | null }> {
  let { simplify } = ask;
  for (;;) {
    const positions: Position[] = [];
    let cursor: string | null = null;
    const parts = simplify === null ? mostParts.whole : mostParts.simplified;
    for (let part = 0; part < parts; part += 1) {
      const read = await readPart({ ...ask, simplify }, cursor);
      positions.push(...read.positions);
      cursor = read.nextCursor;
      if (cursor === null || !isWanted()) return { positions, simplify };
    }
    if (simplify !== null && simplify >= coarsestMetres) return { positions, simplify };
    simplify = simplify === null ? 10 : Math.min(coarsestMetres, Math.max(10, simplify) * coarser);
  }
}
