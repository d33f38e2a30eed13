/** Which cron does what. One file per job; a job's failure is logged and never takes another down. */
import type { Env } from '../env.ts';
import { openDatabase } from '../db/client.ts';
import { reseedLaggingRooms } from '../features/live/reseed.ts';
import { logFailure } from '../log.ts';
import { cleanUp } from './clean-up.ts';
import { refreshScores } from './refresh-scores.ts';
import { reviveStuckRuns, stuckAfterMs } from './revive-stuck-runs.ts';
import { syncAllTenants } from './sync-all-tenants.ts';

type Job = (env: Env, now: Date) => Promise<unknown>;

/** Not a cron of wrangler.toml: the start command's word that the runtime has just come up, so that nothing can be running. */
const restart = '@restart';
/** Counts every live run as stuck, those included whose next sign of life was announced for later. */
const anySilence = -24 * 3600_000;

/** As in wrangler.toml; a cron that is not here is a mistake and fails loudly. */
const jobsOf: Readonly<Record<string, Readonly<Record<string, Job>>>> = {
  '*/15 * * * *': { sync_all_tenants: (env, now) => syncAllTenants(env, now) },
  '*/5 * * * *': {
    revive_stuck_runs: (env, now) => reviveStuckRuns(env, { nowMs: now.getTime(), staleAfterMs: stuckAfterMs }),
    reseed_lagging_rooms: (env) => reseedLaggingRooms(env, openDatabase(env.DB)),
  },
  [restart]: {
    revive_stuck_runs: (env, now) => reviveStuckRuns(env, { nowMs: now.getTime(), staleAfterMs: anySilence }),
    reseed_lagging_rooms: (env) => reseedLaggingRooms(env, openDatabase(env.DB)),
  },
  '17 3 * * *': { clean_up: (env, now) => cleanUp(env, now), refresh_scores: (env) => refreshScores(env) },
};

/** Runs the jobs of one cron one after the other. Throws when any failed, after all have had their turn. */
export async function runScheduled(cron: string, env: Env, _ctx: ExecutionContext, now: Date): Promise<void> {
  const jobs = jobsOf[cron];
  if (jobs === undefined) throw new Error(`no job for the cron "${cron}"`);
  const failed: string[] = [];
  for (const [name, job] of Object.entries(jobs)) {
    const startedMs = Date.now();
    try {
      const result = await job(env, now);
      console.log(JSON.stringify({ level: 'info', event: 'job_done', job: name, ms: Date.now() - startedMs, result }));
    } catch (cause) {
      failed.push(name);
      logFailure('job_failed', cause, { job: name });
    }
  }
  if (failed.length > 0) throw new Error(`jobs failed: ${failed.join(', ')}`);
}
