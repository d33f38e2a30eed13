/**
 * How much strangers may cause to be written. Nothing ever leaves the log, so whoever has proven nothing fills only so much
 * of it: a few entries a minute for each address, and a few hundred for all of them together. Past that the refusal is the
 * same as ever, and stands in the Worker's log alone.
 */
import { rateCounterOf } from '#durable-objects/stubs';
import type { Database } from '../db/client.ts';
import { configOf, type Env } from '../env.ts';
import { limitSubjectOf } from '../http/client-address.ts';
import { logFailure } from '../log.ts';
import type { AuditedAction, AuditTrail } from './trail.ts';

/** Entries a minute at the default of 100 requests; they grow with --rate-limit. */
const perSubjectPer100 = 20;
const altogetherPer100 = 300;

/** What a stranger has tried to get at. */
export interface Target {
  /** What its entries are counted by: an id, or the hash of an address that may be nobody's. */
  name: string;
  /**
   * True when it is somebody's: then its entries have a count of their own, so that no flood about nobody keeps an attack
   * on somebody out of the log.
   */
  isKnown: boolean;
}

/**
 * Counts a refusal, and says whether it becomes an entry. The counters are asked alike for known and unknown targets: the
 * time it takes tells nothing. While they do not answer, what concerns somebody is written.
 */
export async function isWorthAnEntry(
  env: Env,
  trail: AuditTrail,
  action: AuditedAction,
  target: Target | null,
): Promise<boolean> {
  const { requestsPerMinute } = configOf(env);
  const isKnown = target?.isKnown === true;
  const address = limitSubjectOf(trail.actor.ip);
  const scaled = (per100: number): number => Math.max(1, Math.floor((requestsPerMinute * per100) / 100));
  const take = async (subject: string, limit: number): Promise<boolean> => {
    try {
      return (await rateCounterOf(env.RATE_COUNTER, `denied:${subject}`).take(limit, trail.at.getTime())).allowed;
    } catch (cause) {
      logFailure('rate_counter_failed', cause, { subject: `denied:${subject}` });
      return isKnown;
    }
  };
  const [ofAddress, ofTarget] = await Promise.all([
    take(`address:${address}`, scaled(perSubjectPer100)),
    target === null || take(`target:${target.name}`, scaled(perSubjectPer100)),
  ]);
  // With nothing to take it is asked all the same: one address that floods uses up no more of it than its share.
  const ofAll = await take('everybody', ofAddress && !isKnown ? scaled(altogetherPer100) : 0);
  const isWorth = isKnown ? ofTarget : ofAddress && ofAll;
  if (!isWorth) {
    const { action: what, after } = action;
    const { requestId } = trail.actor;
    console.log(JSON.stringify({ level: 'warn', event: 'audit_denied_past_limit', requestId, address, what, after }));
  }
  return isWorth;
}

/** Writes a refusal down, or lets it go when its kind has had its share of this minute. */
export async function recordStranger(
  env: Env,
  db: Database,
  trail: AuditTrail,
  action: AuditedAction,
  target: Target | null = null,
): Promise<void> {
  if (await isWorthAnEntry(env, trail, action, target)) await trail.record(db, action);
}
