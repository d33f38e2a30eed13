/** Rows of the audit log as the API shows them. */
import type { AuditEntry } from '#contracts/audit';
import type { AuditLogRow } from './store.ts';

/**
 * JSON text of a snapshot as an object. A log that somebody has tampered with is shown all the same: what does not parse
 * stands under `unreadable`, and the verification says what is wrong with it.
 */
function toSnapshot(text: string | null): AuditEntry['before'] {
  if (text === null) return null;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  } catch {
    // Falls through to the text itself.
  }
  return { unreadable: String(text) };
}

/** One entry; `names` holds whom its actor is called. */
export const toAuditEntry = (row: AuditLogRow, names: ReadonlyMap<string, string>): AuditEntry => ({
  id: row.id,
  seq: row.seq,
  at: row.at,
  actorId: row.actorId,
  actorType: row.actorType,
  actorName: row.actorId === null ? null : (names.get(row.actorId) ?? null),
  action: row.action,
  resourceType: row.resourceType,
  resourceId: row.resourceId,
  outcome: row.outcome,
  ip: row.ip,
  userAgent: row.userAgent,
  requestId: row.requestId,
  before: toSnapshot(row.before),
  after: toSnapshot(row.after),
  prevHash: row.prevHash,
  hash: row.hash,
});
