/**
 * Daily rollups of signals in D1. A rollup is read, folded and written back under the version it had: whoever was
 * overtaken reads again, so that any number of writers at once lose nothing.
 */
import { sql } from 'drizzle-orm';
import { bulk } from '../../db/batch.ts';
import type { Database } from '../../db/client.ts';
import { AppError } from '../../http/errors.ts';
import type { TenantScope } from '../../http/tenant-scope.ts';
import { addReadings, keyOf, readingsByDay, type SignalDay, type SignalReading } from './signal-rules.ts';

/** Each round somebody gets through; so many writers of one and the same day at once there are not. */
const mostRounds = 20;

type DayKey = Pick<SignalDay, 'vehicleId' | 'name' | 'day'>;

const dayColumns = sql`d.vehicle_id AS vehicleId, d.name AS name, d.day AS day, d.readings AS readings, d.mean AS mean,
  d.min AS min, d.max AS max, d.last_value AS lastValue, d.last_at AS lastAt, d.minutes AS minutes, d.version AS version`;

/** The rollups that exist of these. */
function readDays(scope: TenantScope, db: Database, keys: readonly DayKey[]): Promise<SignalDay[]> {
  return db.all<SignalDay>(sql`
    SELECT ${dayColumns} FROM json_each(${JSON.stringify(keys)}) AS r CROSS JOIN signal_days d
    WHERE d.vehicle_id = r.value ->> 'vehicleId' AND d.name = r.value ->> 'name' AND d.day = r.value ->> 'day'
      AND +d.tenant_id = ${scope.tenantId}`);
}

/**
 * Writes rollups whose version is still the one that was read, in one statement, and notes in the same transaction that
 * their vehicles' baselines are behind. Answers the keys of those that were written.
 */
async function writeDays(scope: TenantScope, db: Database, days: readonly SignalDay[]): Promise<Set<string>> {
  const [written] = await db.batch([
    bulk(
      db,
      sql`
      INSERT INTO signal_days (vehicle_id, name, day, tenant_id, readings, mean, min, max, last_value, last_at, minutes,
        version)
      SELECT r.value ->> 'vehicleId', r.value ->> 'name', r.value ->> 'day', ${scope.tenantId}, r.value ->> 'readings',
        r.value ->> 'mean', r.value ->> 'min', r.value ->> 'max', r.value ->> 'lastValue', r.value ->> 'lastAt',
        r.value ->> 'minutes', r.value ->> 'version'
      FROM json_each(${JSON.stringify(days)}) AS r WHERE true
      ON CONFLICT (vehicle_id, name, day) DO UPDATE SET readings = excluded.readings, mean = excluded.mean,
        min = excluded.min, max = excluded.max, last_value = excluded.last_value, last_at = excluded.last_at,
        minutes = excluded.minutes, version = excluded.version
      WHERE signal_days.version = excluded.version - 1 AND signal_days.tenant_id = excluded.tenant_id
      RETURNING vehicle_id AS vehicleId, name, day`,
    ),
    markSignalsChanged(
      scope,
      db,
      days.map(({ vehicleId }) => vehicleId),
    ),
  ]);
  return new Set((written.results as DayKey[]).map(keyOf));
}

/** The statement that has these vehicles' baselines computed again. */
export const markSignalsChanged = (scope: TenantScope, db: Database, vehicleIds: readonly string[]) =>
  bulk(
    db,
    sql`
    INSERT INTO signal_states (vehicle_id, tenant_id, signals, changes)
    SELECT r.value, ${scope.tenantId}, '[]', 1 FROM json_each(${JSON.stringify([...new Set(vehicleIds)])}) AS r WHERE true
    ON CONFLICT (vehicle_id) DO UPDATE SET changes = signal_states.changes + 1
    WHERE signal_states.tenant_id = excluded.tenant_id`,
  );

/**
 * Folds readings of the tenant's own vehicles (at most a batch of them) into their days. The same readings again, in any
 * order, change nothing; neither do readings of a closed day. Throws UNAVAILABLE when others kept overtaking.
 */
export async function recordSignals(
  scope: TenantScope,
  db: Database,
  readings: readonly SignalReading[],
): Promise<void> {
  let pending = readingsByDay(readings);
  for (let round = 0; round < mostRounds && pending.size > 0; round++) {
    const keys = [...pending.values()].flatMap(([first]) =>
      first === undefined ? [] : [{ vehicleId: first.vehicleId, name: first.name, day: first.at.slice(0, 10) }],
    );
    const known = new Map((await readDays(scope, db, keys)).map((row) => [keyOf(row), row]));
    const changed = [...pending].flatMap(([key, rows]) => addReadings(known.get(key) ?? null, rows) ?? []);
    if (changed.length === 0) return;
    const written = await writeDays(scope, db, changed);
    const overtaken = new Set(changed.map(keyOf).filter((key) => !written.has(key)));
    pending = new Map([...pending].filter(([key]) => overtaken.has(key)));
  }
  if (pending.size > 0) throw new AppError('UNAVAILABLE', 'The readings could not be stored. Send them again.');
}
