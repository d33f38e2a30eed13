/** The outbox's rows: claimed by one sender at a time, settled once, wiped of what they carried. */
import { sql } from 'drizzle-orm';
import { tenantSettingsSchema } from '#contracts/tenants';
import type { Database } from '../db/client.ts';
import type { SealedPlace } from '../secrets/vault.ts';
import type { MailTemplate } from './messages.ts';
import type { Verdict } from './retry.ts';

/** Whose data key seals a message: it may concern no tenant. */
export const mailVaultOwner = 'platform';
export const messagePlace = (rowId: string): SealedPlace => ({ table: 'mail_outbox', rowId, field: 'message' });

/** Longer than a sender can take for one message; after it, the sender counts as dead and the message is due again. */
const leaseMs = 90_000;

export interface ClaimedMail {
  id: string;
  template: MailTemplate;
  messageSealed: string;
  /** This try included. */
  attempts: number;
  expiresAtMs: number;
  /** IANA name of the tenant's zone; null where no tenant is concerned. */
  timeZone: string | null;
}

interface ClaimedRow {
  id: string;
  tenant_id: string | null;
  template: MailTemplate;
  message_sealed: string;
  attempts: number;
  expires_at: string;
  time_zone: string | null;
}

/**
 * The message that has been due longest, taken in one statement: of two senders only one gets it. Null when none is due.
 */
export async function claimDueMail(db: Database, nowMs: number): Promise<ClaimedMail | null> {
  const [row] = await db.all<ClaimedRow>(sql`
    UPDATE mail_outbox SET attempts = attempts + 1, next_attempt_at = ${new Date(nowMs + leaseMs).toISOString()}
    WHERE id = (SELECT id FROM mail_outbox WHERE status = 'queued' AND next_attempt_at <= ${new Date(nowMs).toISOString()}
      ORDER BY next_attempt_at LIMIT 1)
    RETURNING id, tenant_id, template, message_sealed, attempts, expires_at,
      (SELECT settings ->> 'timeZone' FROM tenants WHERE tenants.id = mail_outbox.tenant_id) AS time_zone`);
  if (row === undefined) return null;
  return {
    id: row.id,
    template: row.template,
    messageSealed: row.message_sealed,
    attempts: row.attempts,
    expiresAtMs: Date.parse(row.expires_at),
    timeZone: row.tenant_id === null ? null : tenantSettingsSchema.shape.timeZone.parse(row.time_zone ?? undefined),
  };
}

/**
 * Writes down how a try ended. What is over loses its content. A sender that was too slow and lost its claim may still
 * say "sent", which nothing can undo; anything else it has to say is stale.
 */
export async function settleMail(db: Database, mail: ClaimedMail, verdict: Verdict, nowMs: number): Promise<void> {
  const nowIso = new Date(nowMs).toISOString();
  const isMine = sql`id = ${mail.id} AND status = 'queued'`;
  if (verdict.status === 'sent') {
    await db.run(sql`UPDATE mail_outbox SET status = 'sent', sent_at = ${nowIso}, message_sealed = NULL, last_error = NULL
      WHERE ${isMine}`);
  } else if (verdict.status === 'failed') {
    await db.run(sql`UPDATE mail_outbox SET status = 'failed', message_sealed = NULL, last_error = ${verdict.lastError}
      WHERE ${isMine} AND attempts = ${mail.attempts}`);
  } else {
    await db.run(sql`UPDATE mail_outbox SET attempts = ${verdict.attempts}, last_error = ${verdict.lastError},
      next_attempt_at = ${new Date(verdict.nextAttemptAtMs).toISOString()}
      WHERE ${isMine} AND attempts = ${mail.attempts}`);
  }
}

/** Deletes at most `most` rows that were settled (or last due) before `beforeIso`; answers how many went. */
export async function deleteOldMail(db: Database, beforeIso: string, most: number): Promise<number> {
  const { meta } = await db.run(sql`DELETE FROM mail_outbox WHERE id IN (
    SELECT id FROM mail_outbox WHERE status IN ('sent', 'failed') AND next_attempt_at < ${beforeIso} LIMIT ${most})`);
  return meta.changes;
}
