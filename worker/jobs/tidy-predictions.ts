/**
 * Once a night: scores that have been judged long ago are shortened, day after day, and the inputs of predictions that
 * nobody makes again any more are deleted from R2. Rows of predictions are never deleted: warnings are counted from them,
 * and an event that is imported late corrects what they have added to the ledger.
 */
import { asc } from 'drizzle-orm';
import { z } from 'zod';
import { openDatabase, type Database } from '../db/client.ts';
import { tenants } from '../db/schema/index.ts';
import type { Env } from '../env.ts';
import { inputsPrefix } from '../features/scoring/archive.ts';
import { firstPredictionAt, shortenScores } from '../features/scoring/retention.ts';

const dayMs = 86_400_000;
/** A month past the longest horizon: everything that comes in time has come. */
const wholeScoresDays = 120;
const inputsDays = 400;
/** Up to where scores are shortened. Without it the job begins anew, and finds nothing to do where it has been. */
const progressKey = 'retention/scores.json';
const progressSchema = z.object({ doneBefore: z.iso.date() });

export interface TidyPredictionsBounds {
  /** Scores per statement, some kilobytes each, and statements a night. */
  scoresPerRound: number;
  rounds: number;
  /** Tenants whose inputs are looked through, others each night; and calls of R2 for all of them. */
  tenants: number;
  bucketCalls: number;
}

const nightly: TidyPredictionsBounds = { scoresPerRound: 5_000, rounds: 60, tenants: 100, bucketCalls: 300 };

export interface TidyPredictionsResult {
  shortened: number;
  inputsDeleted: number;
}

/** Every step may be the last before a crash; what is left goes the next night. */
export async function tidyPredictions(
  env: Env,
  now: Date,
  bounds: TidyPredictionsBounds = nightly,
): Promise<TidyPredictionsResult> {
  const db = openDatabase(env.DB);
  return {
    shortened: await shortenOldScores(db, env.ARTIFACTS, now, bounds),
    inputsDeleted: await deleteOldInputs(db, env.ARTIFACTS, now, bounds),
  };
}

const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

async function readProgress(bucket: R2Bucket): Promise<string | null> {
  const object = await bucket.get(progressKey);
  const stored: unknown = await object?.json().catch(() => null);
  return progressSchema.safeParse(stored).data?.doneBefore ?? null;
}

async function shortenOldScores(
  db: Database,
  bucket: R2Bucket,
  now: Date,
  { scoresPerRound, rounds }: TidyPredictionsBounds,
): Promise<number> {
  const until = dayOf(now.getTime() - wholeScoresDays * dayMs);
  const known = await readProgress(bucket);
  const first = known ?? (await firstPredictionAt(db))?.slice(0, 10) ?? until;
  let day = first;
  let shortened = 0;
  for (let round = 0; round < rounds && day < until; round += 1) {
    const next = dayOf(Date.parse(day) + dayMs);
    const changed = await shortenScores(db, { from: day, to: next, atMost: scoresPerRound });
    shortened += changed;
    if (changed < scoresPerRound) day = next;
  }
  if (day !== known) await bucket.put(progressKey, JSON.stringify({ doneBefore: day }));
  return shortened;
}

async function deleteOldInputs(
  db: Database,
  bucket: R2Bucket,
  now: Date,
  bounds: TidyPredictionsBounds,
): Promise<number> {
  const ids = (await db.select({ id: tenants.id }).from(tenants).orderBy(asc(tenants.id))).map(({ id }) => id);
  const nights = Math.floor(now.getTime() / dayMs);
  const first = ids.length === 0 ? 0 : (nights * bounds.tenants) % ids.length;
  const turn = [...ids.slice(first), ...ids.slice(0, first)].slice(0, bounds.tenants);
  let deleted = 0;
  let calls = 0;
  for (const tenantId of turn) {
    const prefix = inputsPrefix(tenantId);
    const before = `${prefix}${dayOf(now.getTime() - inputsDays * dayMs)}`;
    // Keys begin with the day: the oldest come first, and what was deleted is not listed again.
    for (let isMore = true; isMore && calls < bounds.bucketCalls; calls += 2) {
      const page = await bucket.list({ prefix });
      const old = page.objects.map(({ key }) => key).filter((key) => key < before);
      if (old.length > 0) await bucket.delete(old);
      deleted += old.length;
      isMore = page.truncated && old.length === page.objects.length;
    }
  }
  return deleted;
}
