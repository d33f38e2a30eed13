/** For tests inside workerd: models and training runs as their tables hold them. */
import { env } from 'cloudflare:workers';
import type { ModelArtefact, ModelQuality } from '#contracts/scoring-models';
import { emptyFeatures, featureListVersion, featureVector, globalPrior } from '#scoring';
import { scoringModels, trainingRuns } from '#worker/db/schema/index';
import { packArtefact, putArtefact } from '#worker/features/scoring/artefacts';
import { newId } from '#worker/ids';
import { db, type TestTenant } from './harness.ts';

const unjudged = { n: 0, failures: 0, brier: null, baselineBrier: null, auc: null, calibration: [] };
/** Quality of a model that was never judged. */
export const noQuality: ModelQuality = {
  outOfTimeFrom: null,
  concordance: null,
  baselineConcordance: null,
  integratedBrier: null,
  baselineIntegratedBrier: null,
  dCalibrationPValue: null,
  horizons: { days7: unjudged, days30: unjudged, days90: unjudged },
};

/** A model of the tenant with an artefact that holds nothing but its version; a candidate unless told. */
export async function scoringModel(
  of: TestTenant,
  fields: Partial<typeof scoringModels.$inferInsert> = {},
): Promise<typeof scoringModels.$inferSelect> {
  const version = fields.version ?? `t-20261120-${crypto.randomUUID().slice(0, 8)}`;
  const artefact: ModelArtefact = { version, survival: null, anomaly: null, calibration: null };
  const packed = await packArtefact(artefact);
  const { key, digest } = await putArtefact(env.ARTIFACTS, of.id, packed);
  const [row] = await db
    .insert(scoringModels)
    .values({
      ...{ id: newId(), tenantId: of.id, version, status: 'candidate', reason: 'As good as the one before.' },
      lineage: {
        ...{ recipe: 'corrected_prior', priorVersion: globalPrior.version, seed: 1, dataDigest: '0'.repeat(64) },
        ...{ landmarks: 400, vehicles: 20, failures: 30, dataFrom: null, dataUntil: null },
      },
      quality: noQuality,
      ...{ artefactKey: key, artefactDigest: digest, artefactBytes: packed.bytes.byteLength },
      createdAt: new Date().toISOString(),
      ...fields,
    })
    .returning();
  if (row === undefined) throw new Error('not inserted');
  return row;
}

/** A run of the tenant that has ended, unless told. */
export async function trainingRun(
  of: TestTenant,
  fields: Partial<typeof trainingRuns.$inferInsert> = {},
): Promise<string> {
  const id = fields.id ?? newId();
  const at = new Date().toISOString();
  await db.insert(trainingRuns).values({
    ...{ id, tenantId: of.id, status: 'succeeded', trigger: 'manual', startedAt: at, heartbeatAt: at, finishedAt: at },
    progress: { step: 'Finished', share: 1 },
    ...fields,
  });
  return id;
}

const dayMs = 86_400_000;

/** Seeded and even, 0 to 1 (mulberry32): the same fleet on every call. */
function evenRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export interface FleetHistory {
  vehicles: number;
  /** Predictions of every vehicle, one every three days, this far back. */
  days: number;
  /** Mean days between the failures of a truck of five years; older ones fail more often. */
  daysBetweenFailures: number;
  seed?: number;
  /** The day that the history leads up to. */
  until?: Date;
}

/**
 * A fleet whose trucks fail at a rate that grows with their age, with the feature vectors that were kept with its
 * predictions and the newest signals. Bulk: one statement for each table and thousand rows.
 */
export async function fleetHistory(of: TestTenant, history: FleetHistory): Promise<{ failures: number }> {
  const { vehicles: count, days, daysBetweenFailures, seed = 1, until = new Date() } = history;
  const random = evenRandom(seed);
  const untilMs = Math.floor(until.getTime() / dayMs) * dayMs;
  const startMs = untilMs - days * dayMs;
  const at = (ms: number): string => new Date(ms).toISOString();
  const trucks: object[] = [];
  const predictions: object[] = [];
  const events: object[] = [];
  const signals: object[] = [];
  let failures = 0;
  for (let n = 0; n < count; n += 1) {
    const vehicleId = newId();
    const year = 2014 + Math.floor(random() * 12);
    const milesPerDay = 100 + 500 * random();
    const startMiles = (2026 - year) * 80_000 * (0.5 + random());
    trucks.push({
      ...{ id: vehicleId, vin: `1XKYD${of.id.slice(-5)}${String(n).padStart(7, '0')}`.toUpperCase() },
      ...{ year, firstSeenAt: at(startMs), unitNumber: `U-${n}` },
    });
    const newest = (name: string, median: number, mad: number): object => ({
      ...{ name, value: median + mad * (random() * 3 - 1.5), at: at(untilMs - dayMs), n: 40 },
      ...{ baselineMedian: median, baselineMad: mad },
    });
    const states = [newest('batteryVolts', 13.9, 0.2), newest('coolantTempF', 190, 4), newest('oilPressurePsi', 45, 5)];
    signals.push({ vehicleId, states, at: at(untilMs - dayMs) });
    const ageFactor = Math.exp((2026.5 - year - 5) / 5);
    const nextFailure = (fromMs: number): number =>
      fromMs + ((-Math.log(1 - random()) * daysBetweenFailures) / ageFactor) * dayMs;
    let lastServiceMs: number | null = null;
    const services: number[] = [];
    for (let ms = nextFailure(startMs); ms < untilMs; ms = nextFailure(ms)) {
      failures += 1;
      events.push({ id: newId(), vehicleId, at: at(ms), kind: random() < 0.3 ? 'breakdown' : 'repair' });
      services.push(ms);
    }
    for (let ms = startMs + random() * 150 * dayMs; ms < untilMs; ms += 150 * dayMs) {
      events.push({ id: newId(), vehicleId, at: at(ms), kind: 'preventive' });
      services.push(ms);
    }
    services.sort((a, b) => a - b);
    for (let ms = startMs + random() * 3 * dayMs; ms < untilMs; ms += 3 * dayMs) {
      lastServiceMs = services.findLast((service) => service <= ms) ?? lastServiceMs;
      const odometerMiles = startMiles + ((ms - startMs) / dayMs) * milesPerDay;
      const vector = featureVector(
        {
          ...emptyFeatures(),
          vehicle: {
            ...{ make: 'Kenworth', model: 'T680', year, odometerMiles, engineHours: odometerMiles / 45 },
            ...{ milesPerDay, hoursPerDay: milesPerDay / 45 },
          },
          service: {
            lastServiceAt: lastServiceMs === null ? null : at(lastServiceMs),
            milesSinceService: lastServiceMs === null ? null : ((ms - lastServiceMs) / dayMs) * milesPerDay,
            repairs365Days: services.filter((service) => service <= ms && service > ms - 365 * dayMs).length,
          },
          observedDays: (ms - startMs) / dayMs,
        },
        new Date(ms),
      );
      const x = vector.map((value) => (Number.isNaN(value) ? null : value));
      predictions.push({ id: newId(), vehicleId, at: at(ms), x });
    }
  }
  const insert = async (rows: object[], sql: string): Promise<void> => {
    for (let from = 0; from < rows.length; from += 1_000) {
      const json = JSON.stringify(rows.slice(from, from + 1_000));
      await env.DB.prepare(sql).bind(of.id, json, featureListVersion).run();
    }
  };
  const value = (name: string): string => `r.value ->> '${name}'`;
  await insert(
    trucks,
    `INSERT INTO vehicles (id, tenant_id, vin, unit_number, make, model, year, first_seen_at, updated_at)
     SELECT ${value('id')}, ?1, ${value('vin')}, ${value('unitNumber')}, 'Kenworth', 'T680', ${value('year')},
       ${value('firstSeenAt')}, ${value('firstSeenAt')} FROM json_each(?2) r WHERE ?3 <> ''`,
  );
  await insert(
    predictions,
    `INSERT INTO predictions (id, tenant_id, vehicle_id, created_at, model_version, risk_score, risk_level, score,
       feature_vector, feature_list)
     SELECT ${value('id')}, ?1, ${value('vehicleId')}, ${value('at')}, 'test', 0, 'low', '{}', r.value -> 'x', ?3
     FROM json_each(?2) r`,
  );
  await insert(
    signals,
    `INSERT INTO signal_states (vehicle_id, tenant_id, signals, computed_at)
     SELECT ${value('vehicleId')}, ?1, r.value -> 'states', ${value('at')} FROM json_each(?2) r WHERE ?3 <> ''`,
  );
  await insert(
    events,
    `INSERT INTO service_events (id, tenant_id, vehicle_id, at, kind, description, source, fingerprint, created_at)
     SELECT ${value('id')}, ?1, ${value('vehicleId')}, ${value('at')}, ${value('kind')}, 'work', 'import', ${value('id')},
       ${value('at')} FROM json_each(?2) r WHERE ?3 <> ''`,
  );
  return { failures };
}
