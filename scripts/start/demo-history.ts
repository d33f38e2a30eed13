/**
 * The past of the demo fleets, written once: what the product would hold today had it watched them since they began.
 * Everything comes from the simulated world and goes through the product's own code; nothing is made up for show.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { R2Bucket } from '@cloudflare/workers-types';
import { sql } from 'drizzle-orm';
import { featureListVersion } from '#scoring';
import type { Database } from '#worker/db/client';
import { settleEverything } from '#worker/features/ledger/settle';
import { archiveInput } from '#worker/features/scoring/archive';
import { fingerprintOf } from '#worker/features/service-events/rules';
import { scopeForJob, type TenantScope } from '#worker/http/tenant-scope';
import { pastModels } from './past-models.ts';
import { fixedId, tenantId } from './seed-ids.ts';
import type { PastThreadData } from './seed-past-thread.ts';
import type { TruckPast } from './seed-past.ts';

export interface FleetPast {
  fleetName: string;
  trucks: TruckPast[];
}

/** Beside the databases it speaks of: whoever deletes them deletes it too. */
const markerOf = (stateFolder: string): string => join(stateFolder, 'data', 'seeded-history');

export const isHistorySeeded = (stateFolder: string): boolean => existsSync(markerOf(stateFolder));

/** More threads than this have too little to do each. */
const mostThreads = 4;

/** Works out the pasts of all demo fleets, on as many threads as there are processors for. */
export async function demoPasts(anchorMs: number): Promise<FleetPast[]> {
  const threads = Math.min(mostThreads, availableParallelism());
  const shares = await Promise.all(
    Array.from({ length: threads }, (_, share) => pastsOfThread({ anchorMs, share, threads })),
  );
  const byFleet = Map.groupBy(shares.flat(), ({ fleetName }) => fleetName);
  return [...byFleet].map(([fleetName, rows]) => ({ fleetName, trucks: rows.map(({ past }) => past) }));
}

function pastsOfThread(workerData: PastThreadData): Promise<{ fleetName: string; past: TruckPast }[]> {
  return new Promise((resolve, reject) => {
    const thread = new Worker(join(import.meta.dirname, 'seed-past-thread.ts'), { workerData });
    thread.once('message', resolve);
    thread.once('error', reject);
    thread.once('exit', (code) => reject(new Error(`a thread ended without its result (exit ${code})`)));
  });
}

/** D1 takes 2 MB per bound value. */
const mostCharacters = 1_000_000;

/** Runs a statement over rows as one JSON parameter at a time, as many rows as it takes. */
async function inParts(rows: readonly unknown[], write: (json: string) => Promise<unknown>): Promise<void> {
  let part: string[] = [];
  let characters = 0;
  for (const row of rows) {
    const text = JSON.stringify(row);
    if (characters + text.length > mostCharacters && part.length > 0) {
      await write(`[${part.join(',')}]`);
      part = [];
      characters = 0;
    }
    part.push(text);
    characters += text.length + 1;
  }
  if (part.length > 0) await write(`[${part.join(',')}]`);
}

async function writeEvents({ tenantId: id }: TenantScope, db: Database, trucks: readonly TruckPast[]): Promise<void> {
  const rows = trucks.flatMap(({ events }) =>
    events.map((event) => {
      const fingerprint = fingerprintOf(event);
      const name = `service-event:${event.vehicleId}:${fingerprint}`;
      return { ...event, id: fixedId(name, Date.parse(event.heardAt)), fingerprint };
    }),
  );
  await inParts(rows, (json) =>
    db.run(sql`
    INSERT INTO service_events (id, tenant_id, vehicle_id, at, kind, system, spn, fmi, description, odometer_miles, source,
      external_id, fingerprint, created_at)
    SELECT r.value ->> 'id', ${id}, r.value ->> 'vehicleId', r.value ->> 'at', r.value ->> 'kind', r.value ->> 'system',
      r.value ->> 'spn', r.value ->> 'fmi', r.value ->> 'description', r.value ->> 'odometerMiles', r.value ->> 'source',
      r.value ->> 'externalId', r.value ->> 'fingerprint', r.value ->> 'heardAt'
    FROM json_each(${json}) AS r WHERE true
    ON CONFLICT DO NOTHING`),
  );
}

async function writeFaults({ tenantId: id }: TenantScope, db: Database, trucks: readonly TruckPast[]): Promise<void> {
  const rows = trucks.flatMap(({ faults }) => faults);
  await inParts(rows, (json) =>
    db.run(sql`
    INSERT INTO faults (id, tenant_id, vehicle_id, source_address, spn, fmi, description, system, severity, is_active,
      is_portal_active, first_seen_at, last_seen_at, cleared_at, occurrence_count, reopen_count, lamps)
    SELECT r.value ->> 'id', ${id}, r.value ->> 'vehicleId', r.value ->> 'sourceAddress', r.value ->> 'spn',
      r.value ->> 'fmi', r.value ->> 'description', r.value ->> 'system', r.value ->> 'severity', r.value ->> 'isActive',
      r.value ->> 'isPortalActive', r.value ->> 'firstSeenAt', r.value ->> 'lastSeenAt', r.value ->> 'clearedAt', r.value ->> 'occurrenceCount',
      r.value ->> 'reopenCount', r.value ->> 'lamps'
    FROM json_each(${json}) AS r WHERE true
    ON CONFLICT DO NOTHING`),
  );
}

/** Meters only rise; a vehicle that has been read since is left as it was read. */
async function writeVehicles({ tenantId: id }: TenantScope, db: Database, trucks: readonly TruckPast[]): Promise<void> {
  const rows = trucks.map(({ vehicleId, odometerMiles, engineHours, lastSyncAt, firstSeenAt }) => [
    ...[vehicleId, odometerMiles, engineHours, lastSyncAt, firstSeenAt],
  ]);
  await db.run(sql`
    UPDATE vehicles SET
      odometer_miles = max(coalesce(odometer_miles, 0), r.value ->> 1),
      engine_hours = max(coalesce(engine_hours, 0), r.value ->> 2),
      last_sync_at = max(coalesce(last_sync_at, ''), r.value ->> 3),
      faults_read_at = max(coalesce(faults_read_at, ''), r.value ->> 3),
      first_seen_at = r.value ->> 4,
      active_fault_count = (SELECT count(*) FROM faults f WHERE f.vehicle_id = vehicles.id AND f.is_active = 1),
      is_score_dirty = 1
    FROM json_each(${JSON.stringify(rows)}) AS r
    WHERE vehicles.id = r.value ->> 0 AND +vehicles.tenant_id = ${id}`);
}

async function writeSignals(
  { tenantId: id }: TenantScope,
  db: Database,
  trucks: readonly TruckPast[],
  now: Date,
): Promise<void> {
  const rows = trucks.flatMap(({ signalDays }) =>
    signalDays.map((row) => [
      ...[row.vehicleId, row.name, row.day, row.readings, row.mean, row.min, row.max, row.lastValue, row.lastAt],
      ...[row.minutes, row.version],
    ]),
  );
  await inParts(rows, (json) =>
    db.run(sql`
    INSERT INTO signal_days (vehicle_id, name, day, tenant_id, readings, mean, min, max, last_value, last_at, minutes,
      version)
    SELECT r.value ->> 0, r.value ->> 1, r.value ->> 2, ${id}, r.value ->> 3, r.value ->> 4, r.value ->> 5,
      r.value ->> 6, r.value ->> 7, r.value ->> 8, r.value ->> 9, r.value ->> 10
    FROM json_each(${json}) AS r WHERE true
    ON CONFLICT DO NOTHING`),
  );
  await inParts(
    trucks.map(({ vehicleId, signals }) => [vehicleId, signals]),
    (json) =>
      db.run(sql`
    INSERT INTO signal_states (vehicle_id, tenant_id, signals, computed_at)
    SELECT r.value ->> 0, ${id}, r.value -> 1, ${now.toISOString()} FROM json_each(${json}) AS r WHERE true
    ON CONFLICT DO NOTHING`),
  );
}

/** Weekly scorings: the input of each week and fleet in R2, as every scoring of the product has it, then the rows. */
async function writePredictions(
  { tenantId: id }: TenantScope,
  db: Database,
  bucket: R2Bucket,
  trucks: readonly TruckPast[],
): Promise<void> {
  const inUse = pastModels();
  const all = trucks.flatMap(({ vehicleId, predictions }) =>
    predictions.map((prediction) => ({
      ...prediction,
      vehicleId,
      predictionId: fixedId(`prediction:${vehicleId}:${prediction.atMs}`, prediction.atMs),
    })),
  );
  for (const [atMs, week] of Map.groupBy(all, (prediction) => prediction.atMs)) {
    const now = new Date(atMs);
    const featuresKey = await archiveInput(bucket, id, inUse, week, now);
    const rows = week.map(({ predictionId, vehicleId, score, vector }) => {
      const { days7 = null, days30 = null, days90 = null } = score.failureProbability ?? {};
      return [predictionId, vehicleId, score, vector, days7, days30, days90];
    });
    await inParts(rows, (json) =>
      db.run(sql`
      INSERT INTO predictions (id, tenant_id, vehicle_id, created_at, model_version, risk_score, risk_level, score,
        chance7, chance30, chance90, feature_vector, feature_list, features_key)
      SELECT r.value ->> 0, ${id}, r.value ->> 1, ${now.toISOString()}, r.value ->> '$[2].modelVersion',
        r.value ->> '$[2].riskScore', r.value ->> '$[2].riskLevel', r.value -> 2, r.value ->> 4, r.value ->> 5,
        r.value ->> 6, r.value -> 3, ${featureListVersion}, ${featuresKey}
      FROM json_each(${json}) AS r WHERE true
      ON CONFLICT DO NOTHING`),
    );
  }
}

/**
 * Writes the pasts and, when all is in, the marker. Every row has a fixed identity and is written only where there is
 * none: a history that was cut off is completed by the next start.
 */
export async function writeHistory(
  db: Database,
  bucket: R2Bucket,
  stateFolder: string,
  pasts: readonly FleetPast[],
  anchorMs: number,
): Promise<void> {
  const now = new Date(anchorMs);
  for (const { fleetName, trucks } of pasts) {
    const scope = scopeForJob(tenantId(fleetName));
    await writeEvents(scope, db, trucks);
    await writeFaults(scope, db, trucks);
    await writeVehicles(scope, db, trucks);
    await writeSignals(scope, db, trucks, now);
    await writePredictions(scope, db, bucket, trucks);
    await settleEverything(scope, db, now);
  }
  writeFileSync(markerOf(stateFolder), '');
}
