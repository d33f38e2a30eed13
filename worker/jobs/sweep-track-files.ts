/**
 * Every hour: objects of tracks that no row names are deleted: what a crash has left between the writing and the row, or
 * between the row and the deleting. Goes through the bucket some pages at a time, and begins anew at its end.
 */
import { z } from 'zod';
import { openDatabase } from '../db/client.ts';
import type { Env } from '../env.ts';
import { namedKeys } from '../features/track-archive/due-store.ts';
import { placeOfKey, trackFilesPrefix } from '../features/track-archive/rules.ts';

/** Who writes an object writes its row within minutes; and no key is ever written twice. */
const namedWithinMs = 86_400_000;
/** How far the sweep has come. Without it it begins anew. */
const progressKey = 'retention/track-files.json';
const progressSchema = z.object({ after: z.string() });
/** Of a thousand objects; three calls each. */
const pagesPerHour = 10;

export interface SweepTrackFilesResult {
  seen: number;
  deleted: number;
}

/** `pages` of a thousand keys at most. */
export async function sweepTrackFiles(env: Env, now: Date, pages = pagesPerHour): Promise<SweepTrackFilesResult> {
  const db = openDatabase(env.DB);
  const bucket = env.ARTIFACTS;
  const result: SweepTrackFilesResult = { seen: 0, deleted: 0 };
  const stored: unknown = await (await bucket.get(progressKey))?.json().catch(() => null);
  const begun = progressSchema.safeParse(stored).data?.after ?? '';
  let after = begun;
  for (let page = 0; page < pages; page += 1) {
    const { objects, truncated } = await bucket.list({
      prefix: trackFilesPrefix,
      ...(after === '' ? {} : { startAfter: after }),
    });
    result.seen += objects.length;
    const old = objects.filter(({ uploaded }) => now.getTime() - uploaded.getTime() > namedWithinMs);
    const places = new Map(
      old.flatMap(({ key }) => {
        const place = placeOfKey(key);
        return place === null ? [] : [[`${place.tenantId} ${place.day}`, place] as const];
      }),
    );
    // What has no place at all is named by nobody.
    const named = places.size === 0 ? new Set<string>() : await namedKeys(db, [...places.values()]);
    const orphans = old.map(({ key }) => key).filter((key) => !named.has(key));
    if (orphans.length > 0) await bucket.delete(orphans);
    result.deleted += orphans.length;
    after = truncated ? (objects.at(-1)?.key ?? '') : '';
    if (after === '') break;
  }
  if (after !== begun) await bucket.put(progressKey, JSON.stringify({ after }));
  return result;
}
