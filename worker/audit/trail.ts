/**
 * Writing to the audit log. An entry is a statement of the batch that makes the change, so that neither is ever there
 * without the other; the chain (chain.ts) numbers and hashes it afterwards.
 */
import { sql } from 'drizzle-orm';
import type { auditActorTypes, auditOutcomes } from '#contracts/audit';
import { bulk } from '../db/batch.ts';
import type { Database } from '../db/client.ts';
import { newId } from '../ids.ts';
import { withoutSecrets } from './without-secrets.ts';

/** The chain of what concerns no tenant. */
export const platformChain = 'platform';

export interface AuditActor {
  actorType: (typeof auditActorTypes)[number];
  actorId: string | null;
  ip: string | null;
  userAgent: string | null;
  requestId: string | null;
}

export interface AuditedAction {
  /** The tenant whose log it goes to; null for the platform's. */
  tenantId: string | null;
  /** noun.verb, e.g. `user.suspend`. */
  action: string;
  resourceType: string;
  resourceId: string | null;
  outcome?: (typeof auditOutcomes)[number];
  before?: Record<string, unknown> | null;
  after?: Record<string, unknown> | null;
}

/** The entries of one request or job: who acts, since when, and which chains have something waiting. */
export class AuditTrail {
  actor: AuditActor;
  readonly at: Date;
  /** Chains that got an entry and must be brought up to date. */
  readonly touched = new Set<string>();

  constructor(actor: AuditActor, at: Date) {
    this.actor = actor;
    this.at = at;
  }

  /**
   * The entry as an item of `db.batch([...])`. With `onlyIfChanged` it is written only when the statement right before it
   * in the batch changed a row.
   */
  entry(db: Database, action: AuditedAction, { onlyIfChanged = false }: { onlyIfChanged?: boolean } = {}) {
    const chain = action.tenantId ?? platformChain;
    this.touched.add(chain);
    const { actorType, actorId, ip, userAgent, requestId } = this.actor;
    const json = (value: Record<string, unknown> | null | undefined): string | null =>
      value === null || value === undefined ? null : JSON.stringify(withoutSecrets(value));
    const always = onlyIfChanged ? sql`changes() > 0` : sql`1`;
    return bulk(
      db,
      sql`INSERT INTO audit_outbox (id, chain, at, actor_type, actor_id, action, resource_type, resource_id, outcome, ip,
          user_agent, request_id, before, after)
        SELECT ${newId()}, ${chain}, ${this.at.toISOString()}, ${actorType}, ${actorId}, ${action.action},
          ${action.resourceType}, ${action.resourceId}, ${action.outcome ?? 'success'}, ${ip}, ${userAgent}, ${requestId},
          ${json(action.before)}, ${json(action.after)} WHERE ${always}`,
    );
  }

  /** An entry by itself: a refusal, or the reading of something sensitive. */
  async record(db: Database, action: AuditedAction): Promise<void> {
    await this.entry(db, action);
  }
}

/** The trail of a job with no person behind it. */
export const trailOfJob = (at: Date): AuditTrail =>
  new AuditTrail({ actorType: 'job', actorId: null, ip: null, userAgent: null, requestId: null }, at);
