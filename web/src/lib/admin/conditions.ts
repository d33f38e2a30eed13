/** How a tenant's sync fares, and why access was taken away, as the operator reads it. Pure. */
import type { TenantSyncStatus } from '#contracts/admin';
import type { SyncProvider } from '#contracts/sync';
import type { StateLook } from '../format/states.ts';

export const conditionLooks: Readonly<Record<TenantSyncStatus['condition'], StateLook>> = {
  failing: { word: 'Failing', shape: 'triangle', tone: 'high' },
  stale: { word: 'Stale', shape: 'ring', tone: 'medium' },
  waiting: { word: 'Waiting', shape: 'diamond', tone: 'neutral' },
  fresh: { word: 'Up to date', shape: 'circle', tone: 'low' },
  not_connected: { word: 'Not connected', shape: 'dash', tone: 'unknown' },
  inactive: { word: 'Suspended', shape: 'cross', tone: 'stale' },
};

/** What needs somebody first. */
const order = Object.keys(conditionLooks);
export const byUrgency = (statuses: readonly TenantSyncStatus[]): TenantSyncStatus[] =>
  statuses.toSorted(
    (a, b) => order.indexOf(a.condition) - order.indexOf(b.condition) || a.tenantName.localeCompare(b.tenantName),
  );

export const mayRetry = ({ condition, isRunning }: TenantSyncStatus): boolean =>
  !isRunning && condition !== 'inactive' && condition !== 'not_connected';

export const providerWords: Readonly<Record<SyncProvider, string>> = {
  paccar: 'PACCAR',
  decisiv: 'Decisiv',
  samsara: 'Samsara',
  loconav: 'LocoNav',
};

const reasonWords: Readonly<Record<string, string>> = {
  logout: 'Signed out',
  logout_all: 'Signed out everywhere',
  token_reused: 'A refresh token was used twice (possible theft)',
  suspended: 'Person suspended',
  password_reset: 'New password by mail',
  password_changed: 'Password changed',
  role_changed: 'Role changed',
  ended_by_user: 'Ended from the list of sessions',
  user_deleted: 'Person deleted',
  tenant_deactivated: 'Organisation suspended',
  provider_logout: 'Signed out at the identity provider',
  mfa_changed: 'Two-step sign-in changed',
  unknown: 'No reason kept',
};
/** Own names only: reasons come from the API. */
export const isKnownReason = (reason: string): boolean => Object.hasOwn(reasonWords, reason);
export const reasonWord = (reason: string): string =>
  isKnownReason(reason) ? (reasonWords[reason] ?? reason) : reason.replaceAll('_', ' ');

/** Every reason of either span, the most frequent of the week first. */
export const reasonRows = (
  day: Readonly<Record<string, number>>,
  week: Readonly<Record<string, number>>,
): { reason: string; day: number; week: number }[] =>
  [...new Set([...Object.keys(day), ...Object.keys(week)])]
    .map((reason) => ({ reason, day: day[reason] ?? 0, week: week[reason] ?? 0 }))
    .sort((a, b) => b.week - a.week || a.reason.localeCompare(b.reason));
