/** What the steps of a sync really do: the browser, D1, the gate, scoring, alerts, the rooms. */
import { z } from 'zod';
import type { SyncErrorCode } from '#contracts/sync';
import { scrapeGateOf } from '#durable-objects/stubs';
import { renderingBrowser } from '../../scrapes/browser.ts';
import { ScrapeError, toScrapeError } from '../../scrapes/errors.ts';
import { evidenceInBucket } from '../../scrapes/evidence.ts';
import type { PortalCookie, WithPortalContext } from '../../scrapes/page.ts';
import { openSession, readVehicleDetails, readVehicleList, type PortalSession } from '../../scrapes/paccar/reader.ts';
import { politeTerms, realClock, type PortalClock, type PortalTerms } from '../../scrapes/portal-terms.ts';
import { openDatabase } from '../../db/client.ts';
import { configOf, type Env } from '../../env.ts';
import { scopeForJob } from '../../http/tenant-scope.ts';
import { openVault } from '../../secrets/vault.ts';
import { evaluateAlerts, raiseAlert, resolveAlertCause } from '../alerts/evaluate.ts';
import { publishChange } from '../live/publish.ts';
import { rescoreDirtyVehicles } from '../scoring/rescore.ts';
import { getCredentials, keepSession, openCredentials } from './credentials-store.ts';
import { refuseTarget } from './outbound-target.ts';
import type { SyncWorkflowParams } from './params.ts';
import { listChangedSince, markSeen, persistObserved } from './persist.ts';
import { alertSeverityOf, alertTitleOf } from './run-policy.ts';
import type { Attempted, SyncWork } from './run-sync.ts';
import { beat, beginRun, countAlertsOpenedAt, endRun, vehiclesLastTime } from './runs-store.ts';

export interface SyncWorkOptions {
  terms?: PortalTerms;
  clock?: PortalClock;
  withContext?: WithPortalContext;
}

/** A sign of life at least this often while pages are being read. */
const beatEveryMs = 10_000;
/** Vehicles told to the rooms in one call: a few hundred kilobytes. */
const vehiclesPerPublish = 500;

export const syncAlertCause = (provider: string): string => `sync:${provider}`;

/** The steps of one run. Times come from the clock at the moment a step runs; its result is what a replay sees. */
export function createSyncWork(env: Env, params: SyncWorkflowParams, options: SyncWorkOptions = {}): SyncWork {
  const { terms = politeTerms, clock = realClock } = options;
  const withContext = options.withContext ?? renderingBrowser(env.BROWSER);
  const { runId, tenantId, provider } = params;
  const db = openDatabase(env.DB);
  const scope = scopeForJob(tenantId);
  const gate = scrapeGateOf(env.SCRAPE_GATE, tenantId, provider);
  const nowIso = () => new Date(clock.now()).toISOString();
  const alive = () => beat(db, runId, nowIso());

  /** Runs `work` in a signed-in session of its own browser; what goes wrong there is the result, not an exception. */
  async function inSession<T>(work: (session: PortalSession) => Promise<T>): Promise<Attempted<T>> {
    await alive();
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

  return {
    async begin() {
      const row = await beginRun(db, runId, nowIso());
      if (row === null) return null;
      const connectedAt = (await getCredentials(scope, db, provider))?.createdAt ?? null;
      const vehiclesBefore = await vehiclesLastTime(scope, db, provider, row.startedAt, connectedAt);
      return { startedAt: row.startedAt, vehiclesBefore };
    },

    async acquireGate(leaseMs) {
      await alive();
      return gate.acquire(runId, leaseMs, clock.now());
    },

    list: (startHref) => inSession((session) => readVehicleList(session, startHref ?? undefined)),

    async details(assets) {
      let lastBeatMs = clock.now();
      return inSession((session) =>
        readVehicleDetails(session, assets, async () => {
          if (clock.now() - lastBeatMs < beatEveryMs) return;
          lastBeatMs = clock.now();
          // The reading matters more than the sign of life: the next one will do.
          await alive().catch(() => undefined);
        }),
      );
    },

    async announceSilence(ms) {
      await beat(db, runId, new Date(clock.now() + ms).toISOString());
    },

    now: async () => nowIso(),

    async persist(observed, at) {
      await alive();
      const { counters } = await persistObserved(scope, db, { runId, observed, ...at });
      return { counters };
    },

    markSeen: (seen, at) => markSeen(scope, db, at.observedAt, seen),

    async score(evaluatedAt) {
      await alive();
      const { counters } = await rescoreDirtyVehicles(db, scope, { nowIso: evaluatedAt });
      return { counters };
    },

    async alert(changedAt, evaluatedAt) {
      const vehicleIds = await listChangedSince(scope, db, changedAt);
      const outcome = await evaluateAlerts(db, scope, { nowIso: evaluatedAt, vehicleIds });
      return {
        counters: outcome.counters,
        alertIds: [...outcome.openedIds, ...outcome.changedIds, ...outcome.resolvedIds],
        vehicleIds: outcome.vehicleIds,
      };
    },

    async publish(changedAt, { counters, alertIds, vehicleIds }) {
      const changed = changedAt === null ? [] : await listChangedSince(scope, db, changedAt);
      const all = [...new Set([...changed, ...vehicleIds])];
      for (let from = 0; from === 0 || from < all.length; from += vehiclesPerPublish) {
        const isLast = from + vehiclesPerPublish >= all.length;
        await publishChange(env, db, {
          tenantId,
          // The counts go with the last part: before it the rooms have not heard everything.
          counters: isLast ? counters : [],
          vehicleIds: all.slice(from, from + vehiclesPerPublish),
          alertIds: isLast ? alertIds : [],
        });
      }
    },

    async tell(outcome) {
      const at = nowIso();
      const cause = syncAlertCause(provider);
      const isBad = outcome.status === 'failed' || outcome.error?.code === 'SUSPICIOUS_RESULT';
      const told =
        isBad && outcome.error !== null
          ? await raiseAlert(
              db,
              scope,
              {
                cause,
                type: 'sync',
                severity: alertSeverityOf(outcome.error.code),
                vehicleId: null,
                title: alertTitleOf(provider, outcome.error.code),
                message: outcome.error.message,
                occurrenceCount: 1,
              },
              at,
            )
          : await resolveAlertCause(db, scope, cause, at);
      return { counters: told.counters, alertIds: [...told.openedIds, ...told.changedIds, ...told.resolvedIds] };
    },

    async finish(outcome) {
      const alertsOpened = outcome.evaluatedAt === null ? 0 : await countAlertsOpenedAt(scope, db, outcome.evaluatedAt);
      await endRun(db, runId, {
        status: outcome.status,
        finishedAt: nowIso(),
        read: outcome.read === null ? null : { ...outcome.read, alertsOpened },
        error: outcome.error,
      });
      // A lease that is not given back ends by itself.
      await gate
        .release(runId, { failed: outcome.status === 'failed', cooldownMs: outcome.cooldownMs }, clock.now())
        .catch((cause: unknown) => {
          console.error(JSON.stringify({ level: 'error', event: 'gate_release_failed', runId, cause: String(cause) }));
        });
      const level = outcome.status === 'failed' ? 'error' : 'info';
      const code = outcome.error?.code ?? null;
      console[level](
        JSON.stringify({ level, event: 'sync_ended', runId, tenantId, provider, status: outcome.status, code }),
      );
    },
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
