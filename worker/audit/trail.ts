/**
 * Writing to the audit log. An entry is a statement of the batch that makes the change, so that neither is ever there
 * without the other; the chain (chain.ts) numbers and hashes it afterwards.
 */
import { sql } from 'drizzle-orm';
import type { auditActorTypes, auditOutcomes } from '#contracts/audit';
import { bulk } from '../db/batch.ts';
import type { Database } from '../db/client.ts';
import { newId } from '../ids.ts';
import { withoutSecrets, withoutTokens } from './without-secrets.ts';

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

/** Of what came from outside, as much as is worth keeping for ever. */
const longestText = 500;
/** A snapshot names what changed, not everything there is; two of them must stay far from the 2 MB of a row. */
const largestSnapshotChars = 32_000;

/** Text that comes back from SQLite as it went in: no NUL, no halves of characters. Anything else could not be hashed. */
const storable = (text: string | null): string | null =>
  text === null ? null : withoutTokens(text).slice(0, longestText).toWellFormed().replaceAll('\0', '\ufffd');

function snapshot(value: Record<string, unknown> | null | undefined): string | null {
  if (value === null || value === undefined) return null;
  const json = JSON.stringify(withoutSecrets(value));
  return json.length <= largestSnapshotChars ? json : JSON.stringify({ omitted: `${json.length} characters` });
}

/** The entries of one request or job: who acts, since when, and which chains have something waiting. */
export class AuditTrail {
  /** Whoever began it: a request's nobody, a job. */
  private readonly began: AuditActor;
  actor: AuditActor;
  /** The tenant of whoever acts, as far as it is known: where a refusal is written down. */
  actorTenantId: string | null = null;
  readonly at: Date;
  /** Chains that got an entry and must be brought up to date. */
  readonly touched = new Set<string>();

  constructor(actor: AuditActor, at: Date) {
    this.began = actor;
    this.actor = actor;
    this.at = at;
  }

  /** From here on this person, key or display is known to act: proven, though perhaps about to be refused. */
  actAs(actorType: 'user' | 'api_key' | 'display', actorId: string, tenantId: string | null): void {
    this.actor = { ...this.actor, actorType, actorId };
    this.actorTenantId = tenantId;
  }

  /** Not let in after all: what follows is a stranger's doing again. */
  actAsStranger(): void {
    this.actor = this.began;
    this.actorTenantId = null;
  }

  /**
   * From where the actor came, as far as the chain may know. A dealer's person in a customer's tenant, the operator in
   * anybody's: their address and device are their own organisation's affair. A stranger's are everybody's.
   */
  private whereaboutsFor(chain: string): Pick<AuditActor, 'ip' | 'userAgent'> {
    const { actorType, ip, userAgent } = this.actor;
    const isKnown = actorType === 'user' || actorType === 'api_key' || actorType === 'display';
    const isOutsider = isKnown && (this.actorTenantId ?? platformChain) !== chain;
    return isOutsider ? { ip: null, userAgent: null } : { ip, userAgent };
  }

  /**
   * The entry as an item of `db.batch([...])`. With `onlyIfChanged` it is written only when the statement right before it
   * in the batch changed a row.
   */
  entry(db: Database, action: AuditedAction, { onlyIfChanged = false }: { onlyIfChanged?: boolean } = {}) {
    const chain = action.tenantId ?? platformChain;
    this.touched.add(chain);
    const { actorType, actorId, requestId } = this.actor;
    const { ip, userAgent } = this.whereaboutsFor(chain);
    const always = onlyIfChanged ? sql`changes() > 0` : sql`1`;
    return bulk(
      db,
      sql`INSERT INTO audit_outbox (id, chain, at, actor_type, actor_id, action, resource_type, resource_id, outcome, ip,
          user_agent, request_id, before, after)
        SELECT ${newId()}, ${chain}, ${this.at.toISOString()}, ${actorType}, ${actorId}, ${action.action},
          ${action.resourceType}, ${storable(action.resourceId)}, ${action.outcome ?? 'success'}, ${storable(ip)},
          ${storable(userAgent)}, ${storable(requestId)}, ${snapshot(action.before)}, ${snapshot(action.after)}
        WHERE ${always}`,
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
