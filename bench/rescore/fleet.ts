/** A fleet with everything that scoring reads: codes, signals, a shop history. The same for the same numbers. */
import type { D1Database } from '@cloudflare/workers-types';
import { signalNames, signalRanges } from '#contracts/telemetry';

const dayMs = 86_400_000;
export const benchTenantId = '01900000-0000-7000-8000-00000000be7c';

/** Codes as fleets have them: aftertreatment, electrics, engine, network. */
const codes: readonly [spn: number, fmi: number][] = [
  [3251, 16],
  [4364, 18],
  [5246, 15],
  [168, 1],
  [100, 18],
  [110, 16],
  [94, 3],
  [639, 9],
  [1761, 17],
  [3216, 4],
];

function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const idOf = (kind: string, at: number): string =>
  `01900000-0000-7000-8${kind.padStart(3, '0')}-${at.toString(16).padStart(12, '0')}`;

/** Inserts the tenant and its vehicles, not marked yet. */
export async function plantFleet(database: D1Database, vehicles: number, now: Date): Promise<void> {
  const random = generator(7);
  const daysAgo = (days: number): string => new Date(now.getTime() - days * dayMs).toISOString();
  const tenantId = benchTenantId;
  await database
    .prepare(
      `INSERT INTO tenants (id, name, kind, settings, created_at, updated_at) VALUES (?1, 'Bench', 'fleet', '{}', ?2, ?2)`,
    )
    .bind(tenantId, daysAgo(500))
    .run();
  for (let from = 0; from < vehicles; from += 250) {
    const places = Array.from({ length: Math.min(250, vehicles - from) }, (_, at) => from + at);
    const trucks = places.map((at) => ({
      id: idOf('1', at),
      vin: `1XKYD49X9RJ${String(at).padStart(6, '0')}`,
      miles: Math.round(50_000 + random() * 600_000),
      hours: Math.round(1_000 + random() * 15_000),
    }));
    const faults = places.flatMap((at) =>
      codes
        .filter(() => random() < 0.35)
        .map(([spn, fmi], place) => {
          const isActive = random() < 0.4;
          return {
            ...{ id: idOf('2', at * 16 + place), vehicleId: idOf('1', at), spn, fmi, isActive: isActive ? 1 : 0 },
            ...{ firstAt: daysAgo(2 + random() * 60), lastAt: daysAgo(1 + random()) },
            clearedAt: isActive ? null : daysAgo(random()),
            lamps: isActive ? '{"malfunction":false,"redStop":false,"amberWarning":true,"protect":false}' : null,
          };
        }),
    );
    const states = places.map((at) => ({
      id: idOf('1', at),
      signals: signalNames.map((name) => {
        const [low, high] = signalRanges[name];
        const median = low + (high - low) * (0.4 + 0.2 * random());
        const mad = (high - low) * 0.02;
        const value = median + mad * (random() * 8 - 4);
        return {
          ...{ name, value, at: daysAgo(random()), baselineMedian: median, baselineMad: mad, n: 120, drift: null },
        };
      }),
    }));
    const visits = trucks.flatMap(({ id, miles }, place) =>
      Array.from({ length: 12 }, (_, visit) => ({
        ...{ id: idOf('3', (from + place) * 16 + visit), vehicleId: id, at: daysAgo(visit * 35 + 1 + random() * 20) },
        kind: visit % 3 === 0 ? 'preventive' : visit % 3 === 1 ? 'repair' : 'inspection',
        miles: miles - visit * 12_000,
      })),
    );
    const insert = (sql: string, rows: unknown) =>
      database.prepare(sql).bind(tenantId, JSON.stringify(rows), daysAgo(0));
    await database.batch([
      insert(
        `INSERT INTO vehicles (id, tenant_id, vin, unit_number, make, model, year, odometer_miles, engine_hours,
           first_seen_at, last_sync_at, faults_read_at, updated_at)
         SELECT value ->> 'id', ?1, value ->> 'vin', value ->> 'vin', 'Kenworth', 'T680', 2022, value ->> 'miles',
           value ->> 'hours', '${daysAgo(300)}', ?3, ?3, '${daysAgo(300)}' FROM json_each(?2)`,
        trucks,
      ),
      insert(
        `INSERT INTO faults (id, tenant_id, vehicle_id, source_address, spn, fmi, description, system, severity, is_active,
           first_seen_at, last_seen_at, cleared_at, occurrence_count, lamps)
         SELECT value ->> 'id', ?1, value ->> 'vehicleId', 0, value ->> 'spn', value ->> 'fmi', 'x', 'engine', 'major',
           value ->> 'isActive', value ->> 'firstAt', value ->> 'lastAt', value ->> 'clearedAt', 3, value ->> 'lamps'
         FROM json_each(?2) WHERE ?3 IS NOT NULL`,
        faults,
      ),
      insert(
        `INSERT INTO signal_states (vehicle_id, tenant_id, signals, computed_at)
         SELECT value ->> 'id', ?1, value ->> 'signals', ?3 FROM json_each(?2)`,
        states,
      ),
      insert(
        `INSERT INTO service_events (id, tenant_id, vehicle_id, at, kind, description, odometer_miles, source, fingerprint,
           created_at)
         SELECT value ->> 'id', ?1, value ->> 'vehicleId', value ->> 'at', value ->> 'kind', 'x', value ->> 'miles', 'api',
           value ->> 'id', ?3 FROM json_each(?2)`,
        visits,
      ),
    ]);
  }
}
