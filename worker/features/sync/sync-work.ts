/** What the steps of a sync really do: the browser, D1, the gate, scoring, alerts, the rooms. */
import { z } from 'zod';
import type { SyncErrorCode } from '#contracts/sync';
import { scrapeGateOf } from '#durable-objects/stubs';
import { renderingBrowser } from '../../scrapes/browser.ts';
import { ScrapeError, toScrapeError } from '../../scrapes/errors.ts';
import { evidenceInBucket } from '../../scrapes/evidence.ts';
import type { PortalCookie, WithPortalContext } from '../../scrapes/page.ts';
import type { CasesAreDue } from '../../scrapes/paccar/read-cases.ts';
import { openSession, readVehicleDetails, readVehicleList, type PortalSession } from '../../scrapes/paccar/reader.ts';
import { politeTerms, realClock, type PortalClock, type PortalTerms } from '../../scrapes/portal-terms.ts';
import { openDatabase } from '../../db/client.ts';
import { configOf, type Env } from '../../env.ts';
import { scopeForJob } from '../../http/tenant-scope.ts';
import { refuseTarget } from '../../outbound/outbound-target.ts';
import { openVault } from '../../secrets/vault.ts';
import { evaluateAlerts } from '../alerts/evaluate.ts';
import { rescoreDirtyVehicles } from '../scoring/rescore.ts';
import { hasCleared, isDailyMoment, type CasesPlan } from './cases-due.ts';
import { keepCases, lastReadBefore, readActiveFaults } from './cases-store.ts';
import { getCredentials, keepSession, openCredentials } from './credentials-store.ts';
import type { SyncWorkflowParams } from './params.ts';
import { listChangedSince, markSeen, persistObserved } from './persist.ts';
import { finishRun, tellRunEnd } from './run-ending.ts';
import { feedPositions, publishNews } from './run-news.ts';
import { runPolicy } from './run-policy.ts';
import type { Attempted, SyncWork } from './run-sync.ts';
import { beat, beginRun, vehiclesLastTime } from './runs-store.ts';

export interface SyncWorkOptions {
  terms?: PortalTerms;
  clock?: PortalClock;
  withContext?: WithPortalContext;
}

/** A sign of life at least this often while pages are being read. */
const beatEveryMs = 10_000;

/** The steps of one run. Times come from the clock at the moment a step runs; its result is what a replay sees. */
export function createSyncWork(env: Env, params: SyncWorkflowParams, options: SyncWorkOptions = {}): SyncWork {
  const { terms = politeTerms, clock = realClock } = options;
  const withContext = options.withContext ?? renderingBrowser(env.BROWSER);
  const { runId, tenantId, provider } = params;
  const db = openDatabase(env.DB);
  const scope = scopeForJob(tenantId);
  const gate = scrapeGateOf(env.SCRAPE_GATE, tenantId, provider);
  const { leaseMs } = runPolicy;
  const nowIso = () => new Date(clock.now()).toISOString();
  const alive = () => beat(db, runId, nowIso());
  /** Extends the lease. False when another run has taken it: this one was silent for longer than its lease. */
  const holdsGate = async (forMs = leaseMs) => (await gate.acquire(runId, forMs, clock.now())).granted;

  /** A sign of life, at the gate too, at most every few seconds. The reading matters more: the next one will do. */
  function progress(): () => Promise<void> {
    let lastBeatMs = clock.now();
    return async () => {
      if (clock.now() - lastBeatMs < beatEveryMs) return;
      lastBeatMs = clock.now();
      await Promise.allSettled([alive(), holdsGate()]);
    };
  }

  /** Runs `work` in a signed-in session of its own browser; what goes wrong there is the result, not an exception. */
  async function inSession<T>(work: (session: PortalSession) => Promise<T>): Promise<Attempted<T>> {
    await alive();
    if (!(await holdsGate())) return refused('UPSTREAM_FAILED', 'Another run reads this portal at the moment.');
    const config = configOf(env);
    const vault = await openVault(db, config, tenantId);
    const credentials = await openCredentials(scope, db, vault, provider);
    if (credentials === null) return refused('LOGIN_FAILED', 'The portal credentials were removed or are incomplete.');
    const refusal = refuseTarget(credentials.baseUrl, { allowLocal: config.allowLocalTargets });
    if (refusal !== null) return refused('LOGIN_FAILED', `The portal address ${refusal}.`);
    const around = {
      baseUrl: credentials.baseUrl,
      terms,
      clock,
      saveEvidence: evidenceInBucket(env.ARTIFACTS, { tenantId, runId }),
    };
    const { username, password, totpSecret, baseUrl } = credentials;
    const cookies = readCookies(credentials.sessionJson);
    let session: PortalSession | null = null;
    try {
      const value = await withContext(async (context) => {
        session = await openSession(context, { baseUrl, username, password, totpSecret }, cookies, around);
        return work(session);
      });
      return { ok: true, value };
    } catch (error) {
      return { ok: false, failure: toScrapeError(error).toFailure() };
    } finally {
      await keepCookies(session);
    }

    async function keepCookies(opened: PortalSession | null): Promise<void> {
      if (opened?.newCookies) {
        await keepSession(scope, db, vault, credentials?.rowId ?? '', JSON.stringify(opened.newCookies));
      }
    }
  }

  async function casesDueBy(plan: CasesPlan, assets: readonly { vin: string }[]): Promise<CasesAreDue> {
    const active = await readActiveFaults(scope, db, assets.map(({ vin }) => vin)); // prettier-ignore
    return (vin, faults) => isDailyMoment(vin, plan) || hasCleared(active.get(vin) ?? [], faults);
  }

  return {
    async begin() {
      const row = await beginRun(db, runId, nowIso());
      if (row === null) return null;
      const connectedAt = (await getCredentials(scope, db, provider))?.createdAt ?? null;
      const vehiclesBefore = await vehiclesLastTime(scope, db, provider, row.startedAt, connectedAt);
      const lastReadAt = await lastReadBefore(scope, db, provider, row.startedAt, connectedAt);
      return { startedAt: row.startedAt, vehiclesBefore, lastReadAt, spread: clock.random() };
    },

    async acquireGate() {
      await alive();
      return gate.acquire(runId, leaseMs, clock.now());
    },

    list: (startHref) => inSession((session) => readVehicleList(session, startHref ?? undefined, progress())),

    async details(assets, cases) {
      const areDue = cases === null ? undefined : await casesDueBy(cases, assets);
      return inSession((session) => readVehicleDetails(session, assets, progress(), areDue));
    },

    async announceSilence(ms, { holdsGate: isHolder }) {
      await beat(db, runId, new Date(clock.now() + ms).toISOString());
      if (isHolder) await holdsGate(ms + leaseMs);
    },

    now: async () => nowIso(),

    // Past the reading the lease only keeps the next run from reading beneath this one's writes: best effort.
    async persist(observed, at) {
      await Promise.all([alive(), holdsGate().catch(() => undefined)]);
      const { counters } = await persistObserved(scope, db, { runId, observed, ...at });
      return { counters };
    },

    async keepCases(read, at) {
      await Promise.all([alive(), holdsGate().catch(() => undefined)]);
      return keepCases(scope, db, read, new Date(at.changedAt));
    },

    markSeen: (seen, at) => markSeen(scope, db, at.observedAt, seen),

    // Not as of a step before it: a step that runs again after hours reads today's rows, and a prediction must not be older
    // than what it was made of. Repeating it is safe, because what has been scored has lost its mark.
    async score() {
      await Promise.all([alive(), holdsGate().catch(() => undefined)]);
      const { counters } = await rescoreDirtyVehicles(scope, db, env.ARTIFACTS, { nowIso: nowIso() });
      return { counters };
    },

    async alert(evaluatedAt) {
      // All of them: a run that died after scoring left vehicles that no later run finds changed.
      const outcome = await evaluateAlerts(scope, db, { nowIso: evaluatedAt, vehicleIds: 'all' });
      return {
        counters: outcome.counters,
        alertIds: [...outcome.openedIds, ...outcome.changedIds, ...outcome.resolvedIds],
        vehicleIds: outcome.vehicleIds,
      };
    },

    async publish(changedAt, news, observed) {
      const changed = changedAt === null ? [] : await listChangedSince(scope, db, changedAt);
      const vehicleIds = [...new Set([...changed, ...news.vehicleIds])];
      await publishNews(env, db, tenantId, { ...news, vehicleIds });
      await feedPositions(scope, env, db, observed, clock.now());
    },

    tell: (outcome, startedAt) => tellRunEnd(env, { runId, tenantId, provider, startedAt }, outcome, nowIso()),

    finish: (outcome, startedAt) => finishRun(env, { runId, tenantId, provider, startedAt }, outcome, clock.now()),
  };
}

const refused = (
  code: SyncErrorCode,
  message: string,
): { ok: false; failure: ReturnType<ScrapeError['toFailure']> } => ({
  ok: false,
  failure: new ScrapeError(code, message).toFailure(),
});

const cookiesSchema: z.ZodType<PortalCookie[]> = z.array(
  z.object({
    name: z.string(),
    value: z.string(),
    domain: z.string(),
    path: z.string(),
    expires: z.number(),
    httpOnly: z.boolean(),
    secure: z.boolean(),
  }),
);

/** Cookies as stored by this file; anything else is a session to sign in anew. */
function readCookies(json: string | null): PortalCookie[] {
  if (json === null) return [];
  try {
    return cookiesSchema.safeParse(JSON.parse(json)).data ?? [];
  } catch {
    return [];
  }
}
