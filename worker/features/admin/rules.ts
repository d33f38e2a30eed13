/** How a tenant's sync fares, judged and put into words. Pure. */
import { syncStaleAfterMs, type SyncProvider, type SyncRun } from '#contracts/sync';
import type { TenantSyncStatus } from '#contracts/admin';

export interface SyncFacts {
  isActive: boolean;
  /** What would be read, or the sentence that says what is missing. */
  choice: { kind: 'chosen'; provider: SyncProvider } | { kind: 'none'; reason: string };
  lastRun: SyncRun | null;
  lastSucceededAt: string | null;
  consecutiveFailures: number;
}

/** The most that failures in a row are counted to. */
export const failuresCountedTo = 100;

const minuteMs = 60_000;

/** 90 s → `1 minute`; whole units, rounded down. */
export function durationInWords(ms: number): string {
  const minutes = Math.floor(Math.max(0, ms) / minuteMs);
  const [count, unit] =
    minutes < 120
      ? [minutes, 'minute']
      : minutes < 48 * 60
        ? [Math.floor(minutes / 60), 'hour']
        : [Math.floor(minutes / 1440), 'day'];
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}

/** The condition of one tenant's sync, and the same in words. */
export function describeSync(
  facts: SyncFacts,
  nowMs: number,
): Pick<TenantSyncStatus, 'condition' | 'summary' | 'isStale'> {
  const { isActive, choice, lastRun, lastSucceededAt, consecutiveFailures } = facts;
  const sinceMs = lastSucceededAt === null ? null : nowMs - Date.parse(lastSucceededAt);
  const isStale = isActive && choice.kind === 'chosen' && (sinceMs === null || sinceMs > syncStaleAfterMs);
  const lastGood =
    sinceMs === null ? 'None has succeeded yet.' : `The last good run ended ${durationInWords(sinceMs)} ago.`;
  if (!isActive) return { condition: 'inactive', isStale, summary: 'The organisation is suspended: nothing is read.' };
  if (choice.kind === 'none') return { condition: 'not_connected', isStale, summary: choice.reason };
  if (consecutiveFailures > 0) {
    const times =
      consecutiveFailures >= failuresCountedTo ? `At least ${failuresCountedTo}` : String(consecutiveFailures);
    const runs = consecutiveFailures === 1 ? 'The last run has failed' : `${times} runs in a row have failed`;
    const error = lastRun?.error ?? null;
    const why = error === null ? '' : ` (${error.code}: ${error.message})`;
    return { condition: 'failing', isStale, summary: `${runs}${why}. ${lastGood}` };
  }
  if (sinceMs === null) return { condition: 'waiting', isStale, summary: 'Connected; no run has finished yet.' };
  return { condition: isStale ? 'stale' : 'fresh', isStale, summary: lastGood };
}
