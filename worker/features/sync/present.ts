/** Rows → contract, by allow-list: no sealed value and no inner state leaves. */
import { syncStaleAfterMs, type SyncCredentials, type SyncRun, type SyncStatus } from '#contracts/sync';
import type { SyncCredentialsRow } from './credentials-store.ts';
import type { SyncRunRow, SyncSituation } from './runs-store.ts';

export const toSyncRun = (row: SyncRunRow): SyncRun => ({
  id: row.id,
  tenantId: row.tenantId,
  provider: row.provider,
  status: row.status,
  trigger: row.trigger,
  startedAt: row.startedAt,
  finishedAt: row.finishedAt,
  counts: {
    vehiclesSeen: row.counts.vehiclesSeen,
    vehiclesCreated: row.counts.vehiclesCreated,
    vehiclesChanged: row.counts.vehiclesChanged,
    faultsOpened: row.counts.faultsOpened,
    faultsSeen: row.counts.faultsSeen,
    faultsCleared: row.counts.faultsCleared,
    alertsOpened: row.counts.alertsOpened,
  },
  error: row.errorCode === null ? null : { code: row.errorCode, message: row.errorMessage ?? '' },
});

export const toSyncCredentials = (
  row: SyncCredentialsRow,
  lastRun: { lastSyncAt: string | null; lastError: string | null },
): SyncCredentials => ({
  provider: row.provider,
  baseUrl: row.baseUrl,
  username: row.username,
  hasPassword: row.passwordSealed !== null,
  hasTotpSecret: row.totpSecretSealed !== null,
  hasApiToken: row.apiTokenSealed !== null,
  isActive: row.isActive,
  consentedAt: row.consentedAt,
  lastSyncAt: lastRun.lastSyncAt,
  lastError: lastRun.lastError,
  updatedAt: row.updatedAt,
});

/** Stale: there is a connection, and no run has succeeded for too long. */
export const toSyncStatus = (
  tenantId: string,
  provider: SyncStatus['provider'],
  situation: SyncSituation,
  nowMs: number,
): SyncStatus => ({
  tenantId,
  provider,
  isRunning: situation.running,
  isStale:
    provider !== null &&
    (situation.lastSucceededAt === null || nowMs - Date.parse(situation.lastSucceededAt) > syncStaleAfterMs),
  lastSucceededAt: situation.lastSucceededAt,
  failedRuns24Hours: situation.failedRuns24Hours,
  lastRun: situation.lastRun === null ? null : toSyncRun(situation.lastRun),
});
