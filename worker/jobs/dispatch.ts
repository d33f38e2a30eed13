/** Which cron does what. One file per job; a job's failure is logged and never takes another down. */
import { chainEverything } from '../audit/chain.ts';
import type { Env } from '../env.ts';
import { openDatabase } from '../db/client.ts';
import { reseedLaggingRooms } from '../features/live/reseed.ts';
import { logFailure } from '../log.ts';
import { ageTracks } from './age-tracks.ts';
import { catchUpAlerts } from './catch-up-alerts.ts';
import { cleanUp } from './clean-up.ts';
import { cleanUpModels } from './clean-up-models.ts';
import { closeEndedSockets } from './close-ended-sockets.ts';
import { keepAuditHeads } from './keep-audit-heads.ts';
import { moveTracks } from './move-tracks.ts';
import { refreshScores } from './refresh-scores.ts';
import { refreshSignalStates, tidySignalDays } from './refresh-signals.ts';
import { reviveStuckRuns, stuckAfterMs } from './revive-stuck-runs.ts';
import { reviveStuckTraining } from './revive-stuck-training.ts';
import { rotateKeys } from './rotate-keys.ts';
import { cleanUpMail, sendMail } from './send-mail.ts';
import { settleAllPredictions } from './settle-predictions.ts';
import { sweepDisplays } from './sweep-displays.ts';
import { sweepScores } from './sweep-scores.ts';
import { sweepTrackFiles } from './sweep-track-files.ts';
import { syncAllTenants } from './sync-all-tenants.ts';
import { tidyPredictions } from './tidy-predictions.ts';
import { tellLaggingTracks } from './tell-fences.ts';
import { trainModels } from './train-models.ts';
import { verifyLongLogs } from './verify-long-logs.ts';
import { warnExpiringKeys } from './warn-expiring-keys.ts';
import { watchAllCalibrations } from './watch-calibration.ts';

type Job = (env: Env, now: Date) => Promise<unknown>;

/** Not a cron of wrangler.toml: the start command's word that the runtime has just come up, so that nothing can be running. */
const restart = '@restart';
/** Counts every live run as stuck, those included whose next sign of life was announced for later. */
const anySilence = -24 * 3600_000;

/** As in wrangler.toml; a cron that is not here is a mistake and fails loudly. */
const jobsOf: Readonly<Record<string, Readonly<Record<string, Job>>>> = {
  '*/15 * * * *': {
    sync_all_tenants: (env, now) => syncAllTenants(env, now),
  },
  // An invocation of its own, between two syncs: starting the syncs takes some five calls a tenant of the thousand.
  '7,22,37,52 * * * *': {
    // Some fifty calls.
    refresh_signal_states: (env, now) => refreshSignalStates(env, now),
    // Some 500 at most.
    settle_predictions: (env, now) => settleAllPredictions(env, now),
    // Some 120.
    watch_calibration: (env, now) => watchAllCalibrations(env, now),
    // Some 80, and 320 at most.
    catch_up_alerts: (env, now) => catchUpAlerts(env, now),
  },
  '*/5 * * * *': {
    revive_stuck_runs: (env, now) => reviveStuckRuns(env, { nowMs: now.getTime(), staleAfterMs: stuckAfterMs }),
    revive_stuck_training: (env, now) => reviveStuckTraining(env, { nowMs: now.getTime(), staleAfterMs: stuckAfterMs }),
    reseed_lagging_rooms: (env) => reseedLaggingRooms(env, openDatabase(env.DB)),
    tell_lagging_tracks: (env) => tellLaggingTracks(env),
    close_ended_sockets: (env, now) => closeEndedSockets(env, now),
    // Some 150 calls, 400 at most.
    sweep_displays: (env, now) => sweepDisplays(env, now),
    send_mail: (env) => sendMail(env),
    chain_audit_entries: (env) => chainEverything(env),
    // Last: it may take a third of a minute. Some 270 calls at most, where the others take fewer than 500.
    sweep_scores: (env) => sweepScores(env),
  },
  [restart]: {
    revive_stuck_runs: (env, now) => reviveStuckRuns(env, { nowMs: now.getTime(), staleAfterMs: anySilence }),
    revive_stuck_training: (env, now) => reviveStuckTraining(env, { nowMs: now.getTime(), staleAfterMs: anySilence }),
    reseed_lagging_rooms: (env) => reseedLaggingRooms(env, openDatabase(env.DB)),
    tell_lagging_tracks: (env) => tellLaggingTracks(env),
    send_mail: (env) => sendMail(env),
    chain_audit_entries: (env) => chainEverything(env),
  },
  // An invocation may ask D1, rooms and R2 a thousand times. At most: 80 for the keys that end, some 440 for the rotation,
  // one for every 50 tenants, 140 and 20 for the clean-ups. What a job leaves over it finds again the next night.
  '17 3 * * *': {
    warn_expiring_keys: (env, now) => warnExpiringKeys(env, now),
    rotate_keys: (env, now) => rotateKeys(env, now),
    refresh_scores: (env, now) => refreshScores(env, now),
    clean_up: (env, now) => cleanUp(env, now),
    clean_up_mail: (env, now) => cleanUpMail(env, now),
    // Forty at most.
    tidy_signal_days: (env, now) => tidySignalDays(env, now),
  },
  // The heads come first of an invocation of their own, so that nothing can use up their 600 calls; the sweep has chained
  // the night's entries by then.
  '47 3 * * *': {
    keep_audit_heads: (env, now) => keepAuditHeads(env, now),
    // Some 230 more.
    verify_long_logs: (env, now) => verifyLongLogs(env, now),
  },
  // Past the hour in which what happened yesterday has been settled. One call for a hundred tenants, two for each training
  // of the 400 at most; then four for every fifty tenants, and forty for what lies in R2.
  '37 4 * * *': {
    train_models: (env, now) => trainModels(env, now),
    clean_up_models: (env, now) => cleanUpModels(env, now),
  },
  // Some 370 calls at most.
  '27 5 * * *': {
    tidy_predictions: (env, now) => tidyPredictions(env, now),
  },
  // Some 480, 240 and 35 calls; a day that was begun is finished. An hourly invocation may compute for a quarter of an hour.
  '57 * * * *': {
    move_tracks: (env, now) => moveTracks(env, now),
    age_tracks: (env, now) => ageTracks(env, now),
    sweep_track_files: (env, now) => sweepTrackFiles(env, now),
  },
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
