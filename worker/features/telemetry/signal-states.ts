/**
 * What scoring knows of a vehicle's signals, computed from its daily rollups: newest value, baseline, drift. Readings only
 * note that it is behind; a job brings it up to date, so that a gateway never waits for it.
 */
import { sql } from 'drizzle-orm';
import type { VehicleFeatures } from '#contracts/risk';
import { signalNames } from '#contracts/telemetry';
import { baselineDays, oddities, signalStates, type SignalDayMean } from '#scoring';
import { bulk } from '../../db/batch.ts';
import type { Database } from '../../db/client.ts';
import { markedForScoring } from '../../db/score-mark.ts';

const dayMs = 86_400_000;
/** Days move slowly: once an hour is enough for a vehicle, however often its gateway writes. */
const restMs = 55 * 60_000;

interface StaleState {
  vehicleId: string;
  signals: VehicleFeatures['signals'];
  computedAt: string | null;
  /** Changes that the rollups read along with it contain. */
  changes: number;
}

interface ReadRollups {
  states: StaleState[];
  daysByVehicle: Map<string, SignalDayMean[]>;
}

/**
 * The vehicles that have waited longest, an hour at least, with their rollups, as of one instant.
 * @unscoped a job over all tenants; every row is put back to the vehicle it came from
 */
async function readStale(db: Database, atMost: number, now: Date): Promise<ReadRollups> {
  const oldestDay = new Date(now.getTime() - (baselineDays + 1) * dayMs).toISOString().slice(0, 10);
  const rested = new Date(now.getTime() - restMs).toISOString();
  const stale = sql`FROM signal_states WHERE (changes > 0) = 1 AND (computed_at IS NULL OR computed_at <= ${rested})
    ORDER BY computed_at LIMIT ${atMost}`;
  const [states, days] = await db.batch([
    bulk(db, sql`SELECT vehicle_id AS vehicleId, signals, computed_at AS computedAt, changes ${stale}`),
    bulk(
      db,
      sql`
      SELECT vehicle_id AS vehicleId, name, day, mean, readings, last_at AS lastAt FROM signal_days
      WHERE vehicle_id IN (SELECT vehicle_id ${stale}) AND day >= ${oldestDay}
        AND name IN (SELECT value FROM json_each(${JSON.stringify(signalNames)}))`,
    ),
  ]);
  const rows = states.results as (Omit<StaleState, 'signals'> & { signals: string })[];
  return {
    states: rows.map((row) => ({ ...row, signals: JSON.parse(row.signals) as VehicleFeatures['signals'] })),
    daysByVehicle: Map.groupBy(days.results as (SignalDayMean & { vehicleId: string })[], ({ vehicleId }) => vehicleId),
  };
}

/**
 * Brings at most so many vehicles up to date and marks those for scoring whose signals became odd or ordinary. A reading
 * that comes in meanwhile keeps its vehicle waiting for the next round; another job's state that came first stays.
 * @unscoped a job over all tenants
 */
export async function refreshStaleStates(
  db: Database,
  atMost: number,
  now: Date,
): Promise<{ refreshed: number; marked: number }> {
  const { states, daysByVehicle } = await readStale(db, atMost, now);
  if (states.length === 0) return { refreshed: 0, marked: 0 };
  const computed = states.map((state) => {
    const signals = signalStates(daysByVehicle.get(state.vehicleId) ?? []);
    const isNews = state.computedAt === null || oddities(state.signals) !== oddities(signals);
    return { vehicleId: state.vehicleId, computedAt: state.computedAt, changes: state.changes, signals, isNews };
  });
  const nowIso = now.toISOString();
  const news = computed.filter(({ isNews }) => isNews).map(({ vehicleId }) => vehicleId);
  const [, marked] = await db.batch([
    bulk(
      db,
      sql`
      UPDATE signal_states SET signals = r.value -> 'signals', computed_at = ${nowIso},
        changes = max(0, signal_states.changes - (r.value ->> 'changes'))
      FROM json_each(${JSON.stringify(computed)}) AS r WHERE signal_states.vehicle_id = r.value ->> 'vehicleId'
        AND signal_states.computed_at IS r.value ->> 'computedAt'`,
    ),
    bulk(
      db,
      sql`
      UPDATE vehicles SET ${markedForScoring(nowIso)}
      WHERE id IN (SELECT value FROM json_each(${JSON.stringify(news)}))`,
    ),
  ]);
  return { refreshed: computed.length, marked: marked.meta.changes };
}
