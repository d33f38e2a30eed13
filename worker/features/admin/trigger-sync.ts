/** Starting the sync of one tenant or of all of them, by the operator's hand. */
import type { TriggeredSync } from '#contracts/admin';
import type { AuditTrail } from '../../audit/trail.ts';
import type { Database } from '../../db/client.ts';
import type { Env } from '../../env.ts';
import { actingIn, type ReadScope } from '../../http/tenant-scope.ts';
import { logFailure } from '../../log.ts';
import { toProviderOption } from '../sync/credentials-store.ts';
import { chooseProvider } from '../sync/provider.ts';
import { startDelaySeconds, startRun } from '../sync/start-run.ts';
import type { TenantToSync } from './sync-store.ts';

/** A request has a thousand calls to D1 and the engine; each run takes a few. */
export const maxRunsPerTrigger = 100;

/**
 * Starts what can be started, each a little after the one before; of what cannot be it says why. What is too much for one
 * request the next one starts.
 */
export async function triggerSync(
  scope: ReadScope,
  env: Env,
  db: Database,
  trail: AuditTrail,
  wanted: readonly TenantToSync[],
  now: Date,
): Promise<TriggeredSync> {
  const result: TriggeredSync = { started: [], skipped: [] };
  let tried = 0;
  for (const { id: tenantId, isActive, credentials, running } of wanted) {
    const acting = actingIn(scope, tenantId);
    if (acting === null) continue;
    const skip = (reason: string) => result.skipped.push({ tenantId, reason });
    const choice = chooseProvider(credentials.map(toProviderOption));
    if (!isActive) skip('The organisation is suspended.');
    else if (choice.kind === 'none') skip(choice.reason);
    else if (running.includes(choice.provider)) skip('A run is already on its way.');
    else if (tried >= maxRunsPerTrigger) skip(`Only ${maxRunsPerTrigger} runs start at once: ask again for the rest.`);
    else {
      tried += 1;
      try {
        const { created, row } = await startRun(acting, env, db, {
          provider: choice.provider,
          trigger: 'manual',
          nowIso: now.toISOString(),
          startDelaySeconds: startDelaySeconds(result.started.length, Math.min(wanted.length, maxRunsPerTrigger)),
          trail,
        });
        if (created) result.started.push(row.id);
        else skip('A run is already on its way.');
      } catch (cause) {
        // One tenant's trouble does not stop the others.
        logFailure('sync_start_failed', cause, { tenantId });
        skip('The run could not be started. Try again in a moment.');
      }
    }
  }
  return result;
}
