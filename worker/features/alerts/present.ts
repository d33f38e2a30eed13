/** Row → contract, by allow-list. */
import type { Alert } from '#contracts/alerts';
import type { AlertRow } from './store.ts';

export const toAlert = (row: AlertRow): Alert => ({
  id: row.id,
  tenantId: row.tenantId,
  vehicleId: row.vehicleId,
  type: row.type,
  severity: row.severity,
  status: row.status,
  title: row.title,
  message: row.message,
  cause: row.cause,
  occurrenceCount: row.occurrenceCount,
  openedAt: row.openedAt,
  lastSeenAt: row.lastSeenAt,
  acknowledgedAt: row.acknowledgedAt,
  acknowledgedBy: row.acknowledgedBy,
  resolvedAt: row.resolvedAt,
  resolvedBy: row.resolvedBy,
  snoozedUntil: row.snoozedUntil,
  assigneeId: row.assigneeId,
  dueAt: row.dueAt,
});
