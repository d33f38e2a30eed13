/**
 * Health of displays, from the heartbeats that the rooms hear: copied to D1, and an alert for each screen that is silent.
 * The room asks for it when one falls silent or comes back; the sweep asks for every room in turn, for those that died.
 * Doing it again changes nothing.
 */
import { and, eq, isNotNull, isNull, sql } from 'drizzle-orm';
import type { DisplayState } from '#durable-objects/fleet-room/feed';
import { bulk } from '../../db/batch.ts';
import type { Database } from '../../db/client.ts';
import { alerts, displays } from '../../db/schema/index.ts';
import { idsIn } from '../../db/scoped.ts';
import type { Env } from '../../env.ts';
import type { TenantScope } from '../../http/tenant-scope.ts';
import { decideAlerts, reopenWithinMs, type AlertSignal, type KnownAlert } from '../alerts/rules.ts';
import { carryOut } from '../alerts/write.ts';
import { publishChange } from '../live/publish.ts';
import { heardOf } from './present.ts';
import { closeDisplay, statesOf } from './room.ts';
import { isSilent, silenceSignal } from './rules.ts';
import type { DisplayRow } from './store.ts';

export interface SettledDisplays {
  displays: number;
  silent: number;
  opened: number;
  resolved: number;
}

/** Of one statement: each may bring 500 characters of its last error, of which one may take six bytes. */
const copiedAtOnce = 250;

async function copyHeard(scope: TenantScope, db: Database, heard: readonly DisplayState[]): Promise<void> {
  if (heard.length > copiedAtOnce) await copyHeard(scope, db, heard.slice(copiedAtOnce));
  if (heard.length === 0) return;
  await bulk(
    db,
    sql`UPDATE displays SET last_heartbeat_at = r.value ->> 'lastHeartbeatAt', build = r.value ->> 'build',
        uptime_seconds = r.value ->> 'uptimeSeconds', viewport = r.value ->> 'viewport', last_error = r.value ->> 'lastError'
      FROM json_each(${JSON.stringify(heard.slice(0, copiedAtOnce))}) AS r
      WHERE displays.id = r.value ->> 'displayId' AND +displays.tenant_id = ${scope.tenantId}
        -- Of two copies at once the newer one stands.
        AND (displays.last_heartbeat_at IS NULL OR displays.last_heartbeat_at < r.value ->> 'lastHeartbeatAt')`,
  );
}

/** Alerts of displays whose silence has not ended, and the ended ones of those that are silent now. */
async function readKnown(
  scope: TenantScope,
  db: Database,
  causes: readonly string[],
): Promise<(KnownAlert & { id: string })[]> {
  const [holding, ended] = await db.batch([
    db
      .select()
      .from(alerts)
      .where(
        and(
          eq(alerts.tenantId, scope.tenantId),
          isNull(alerts.causeEndedAt),
          isNull(alerts.vehicleId),
          eq(alerts.type, 'display'),
        ),
      ),
    db
      .select()
      .from(alerts)
      .where(
        and(
          eq(alerts.tenantId, scope.tenantId),
          sql`${alerts.cause} in ${idsIn(causes)}`,
          isNotNull(alerts.causeEndedAt),
        ),
      ),
  ]);
  return [...holding, ...ended];
}

/** A silence that goes on is one occurrence; one that begins again within the alert's reach is the next. */
export function countSilences(
  signals: readonly AlertSignal[],
  known: readonly KnownAlert[],
  nowMs: number,
): AlertSignal[] {
  return signals.map((signal) => {
    const last = known
      .filter(({ cause }) => cause === signal.cause)
      .toSorted((a, b) => (a.openedAt < b.openedAt ? 1 : -1))[0];
    if (last === undefined) return signal;
    if (last.causeEndedAt === null) return { ...signal, occurrenceCount: last.occurrenceCount };
    const isContinued = last.resolvedAt !== null && nowMs - Date.parse(last.resolvedAt) <= reopenWithinMs;
    return isContinued ? { ...signal, occurrenceCount: last.occurrenceCount + 1 } : signal;
  });
}

/** Brings D1 and the alerts of one tenant's displays in line with what its room has heard, and tells who watches. */
export async function settleDisplays(scope: TenantScope, env: Env, db: Database, now: Date): Promise<SettledDisplays> {
  const { tenantId } = scope;
  // The room first: whatever it knows was paired before it was asked, so one that D1 does not know then is unpaired.
  const states = await statesOf(env, tenantId);
  const rows = await db
    .select()
    .from(displays)
    .where(and(eq(displays.tenantId, tenantId), isNull(displays.deletedAt)));
  const known = new Set(rows.map((row) => row.id));
  const heard = [...(states?.values() ?? [])];
  const byId = new Map(rows.map((row) => [row.id, row]));
  const isNews = ({ displayId, lastHeartbeatAt }: DisplayState): boolean =>
    lastHeartbeatAt !== null && known.has(displayId) && (byId.get(displayId)?.lastHeartbeatAt ?? '') < lastHeartbeatAt;
  await copyHeard(scope, db, heard.filter(isNews));
  // Whoever unpaired it has told the room; one that did not hear it then hears it now.
  const unpaired = heard.filter(({ displayId }) => !known.has(displayId));
  await Promise.all(unpaired.map(({ displayId }) => closeDisplay(env, { id: displayId, tenantId })));

  const current = rows.map((row: DisplayRow) => ({ ...row, ...heardOf(row, states?.get(row.id)) }));
  const silent = current.filter((display) => isSilent(display, now.getTime(), { isRoomHeard: states !== null }));
  const signals = silent.map(silenceSignal);
  const alertsKnown = await readKnown(
    scope,
    db,
    signals.map(({ cause }) => cause),
  );
  const counted = countSilences(signals, alertsKnown, now.getTime());
  const outcome = await carryOut(scope, db, decideAlerts(counted, alertsKnown, now), now.toISOString());
  await publishChange(env, db, {
    tenantId,
    counters: outcome.counters,
    vehicleIds: [],
    alertIds: [...outcome.openedIds, ...outcome.changedIds, ...outcome.resolvedIds],
  });
  return {
    displays: rows.length,
    silent: silent.length,
    opened: outcome.openedIds.length,
    resolved: outcome.resolvedIds.length,
  };
}
