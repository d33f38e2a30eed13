/** The points of a whole stretch that are worth drawing. */
import type { Reading } from '#contracts/telemetry';
import type { Database } from '../../db/client.ts';
import type { Env } from '../../env.ts';
import { AppError } from '../../http/errors.ts';
import type { ReadScope } from '../../http/tenant-scope.ts';
import { endOf, type TrackStretch } from './merge-pages.ts';
import { readTrack } from './read-track.ts';
import { simplify } from './simplify.ts';

/** Some 70 days of a fix every 30 s. */
export const maxSimplifiedFixes = 200_000;
/** Of one call: a few milliseconds of the object that answers. */
const fixesPerCall = 5_000;
/** Files of days that lie in R2, three calls each of the thousand a Worker may make. */
const mostFiles = 250;

/** A stretch's track without the points that lie within the tolerance of the line drawn without them. */
export async function readSimplified(
  scope: ReadScope,
  env: Env,
  db: Database,
  vehicle: { id: string; tenantId: string },
  { fromMs, toMs, simplifyMetres }: { fromMs: number; toMs: number; simplifyMetres: number },
): Promise<Reading[]> {
  const readings: Reading[] = [];
  const spent = { files: 0 };
  let stretch: TrackStretch = { fromMs, toMs, afterMs: null, limit: fixesPerCall };
  for (;;) {
    const page = await readTrack(scope, env, db, vehicle, stretch, spent);
    for (const reading of page.readings) readings.push(reading);
    const endMs = endOf(page);
    if (endMs === null) break;
    if (readings.length > maxSimplifiedFixes || spent.files > mostFiles) {
      const message = `simplify: there are more than ${maxSimplifiedFixes} positions between from and to, or too many days; ask for a shorter range.`;
      throw new AppError('VALIDATION_FAILED', message, {
        details: { issues: [{ path: 'simplify', message: 'the range holds too many positions' }] },
      });
    }
    stretch = { ...stretch, afterMs: endMs };
  }
  return simplify(readings, simplifyMetres).map((n) => readings[n] as Reading);
}
