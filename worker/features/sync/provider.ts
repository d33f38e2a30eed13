/** Which way a tenant's data comes in: the official API where the tenant has it, a browser on the portal second. Pure. */
import type { SyncProvider } from '#contracts/sync';

export interface ProviderOption {
  provider: SyncProvider;
  isActive: boolean;
  hasBaseUrl: boolean;
  hasUsername: boolean;
  hasPassword: boolean;
  hasApiToken: boolean;
}

export type ProviderChoice =
  | { kind: 'chosen'; provider: SyncProvider }
  /** Nothing to start with; the sentence says what is missing. */
  | { kind: 'none'; reason: string };

/** Official first. Telematics sources bring readings, not the manufacturer's fault lists, and come last. */
const preference: readonly SyncProvider[] = ['decisiv', 'paccar', 'samsara', 'loconav'];
/** Sources this build can read. */
export const readableProviders: ReadonlySet<SyncProvider> = new Set(['paccar']);

/** null when complete, else what is missing. */
export function missingFor(option: ProviderOption): string | null {
  if (!option.isActive) return 'is switched off';
  if (option.provider !== 'paccar') return option.hasApiToken ? null : 'has no API token';
  if (!option.hasBaseUrl) return 'has no portal address';
  if (!option.hasUsername || !option.hasPassword) return 'has no user name and password';
  return null;
}

/** Chooses the named provider, or the best one that is complete and can be read. */
export function chooseProvider(options: readonly ProviderOption[], named?: SyncProvider): ProviderChoice {
  if (named !== undefined) {
    const option = options.find((candidate) => candidate.provider === named);
    if (option === undefined) return { kind: 'none', reason: `No credentials are stored for ${named}.` };
    const missing = missingFor(option);
    if (missing !== null) return { kind: 'none', reason: `The ${named} connection ${missing}.` };
    if (!readableProviders.has(named)) return { kind: 'none', reason: `Reading from ${named} is not available yet.` };
    return { kind: 'chosen', provider: named };
  }
  const complete = preference.filter((provider) => {
    const option = options.find((candidate) => candidate.provider === provider);
    return option !== undefined && missingFor(option) === null;
  });
  const best = complete.find((provider) => readableProviders.has(provider));
  if (best !== undefined) return { kind: 'chosen', provider: best };
  if (complete[0] !== undefined) return { kind: 'none', reason: `Reading from ${complete[0]} is not available yet.` };
  const incomplete = options[0];
  return incomplete === undefined
    ? { kind: 'none', reason: 'No credentials are stored: add the portal sign-in first.' }
    : { kind: 'none', reason: `The ${incomplete.provider} connection ${missingFor(incomplete) ?? 'is incomplete'}.` };
}

/** Outcome of a past run, newest first, as far as the decision below needs it. */
export interface PastRun {
  errorCode: string | null;
  startedAt: string;
}

const refusalsBeforeBackOff = 3;
const backOffMs = 6 * 3600_000;

/**
 * Whether the timer may start a run: a sign-in refused three times in a row since the credentials were last changed is
 * tried only every six hours, so that the portal does not lock the tenant's account. A person may always start one.
 */
export function timerMayStart(newestFirst: readonly PastRun[], credentialsUpdatedAt: string, nowMs: number): boolean {
  const since = newestFirst.filter((run) => run.startedAt >= credentialsUpdatedAt).slice(0, refusalsBeforeBackOff);
  const isRefused = (run: PastRun) => run.errorCode === 'LOGIN_FAILED' || run.errorCode === 'MFA_REQUIRED';
  const newest = since[0];
  if (newest === undefined || since.length < refusalsBeforeBackOff || !since.every(isRefused)) return true;
  return nowMs - Date.parse(newest.startedAt) >= backOffMs;
}
