/** Pure: what several places keep of one track, as one track. */
import type { Reading } from '#contracts/telemetry';
import type { TrackPage } from '#durable-objects/fleet-tracks/feed';

export interface TrackStretch {
  /** Epoch milliseconds, both included. */
  fromMs: number;
  toMs: number;
  /** Only fixes later than this. */
  afterMs: number | null;
  limit: number;
}

/** A page that may say how far it has looked, where more follow: perhaps without a single reading. */
export interface TrackPart extends TrackPage {
  throughMs?: number;
}

/** The earliest fixes of a stretch, at most `limit`, oldest first. */
export type TrackSource = (stretch: TrackStretch) => Promise<TrackPart>;

/** Up to where a part has shown everything, epoch milliseconds: read on after it. Null when nothing follows. */
export function endOf({ readings, hasMore, throughMs }: TrackPart): number | null {
  const last = readings.at(-1);
  if (!hasMore) return null;
  return throughMs ?? (last === undefined ? null : Date.parse(last.at));
}

/**
 * Pages of the same stretch and limit as one page. Of two fixes with one time that of the earlier page counts. Read on
 * after its end while more follow.
 */
export function mergePages(pages: readonly TrackPart[], limit: number): TrackPart {
  const [only, ...others] = pages.filter((page) => page.readings.length > 0 || page.hasMore);
  if (only === undefined) return { readings: [], hasMore: false };
  if (others.length === 0) return only;
  // What a source has not shown yet lies after its end: nothing beyond that is certain.
  const ends = pages.filter((page) => page.hasMore).map((page) => endOf(page) ?? -Infinity);
  const certainThroughMs = Math.min(Infinity, ...ends);
  const byTime = new Map<string, Reading>();
  for (const { readings } of pages) {
    for (const reading of readings) if (!byTime.has(reading.at)) byTime.set(reading.at, reading);
  }
  const merged = [...byTime.values()]
    .filter(({ at }) => Date.parse(at) <= certainThroughMs)
    .sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  if (merged.length > limit) return { readings: merged.slice(0, limit), hasMore: true };
  if (ends.length === 0) return { readings: merged, hasMore: false };
  const isSeenByReading = merged.length > 0 && Date.parse(merged.at(-1)?.at ?? '') === certainThroughMs;
  return { readings: merged, hasMore: true, ...(isSeenByReading ? {} : { throughMs: certainThroughMs }) };
}
