/** Rows that scoring reads, for tests: shop visits, signals, trained models. */
import { env } from 'cloudflare:workers';
import type { ModelArtefact, ScoringModels } from '#contracts/scoring-models';
import type { VehicleFeatures } from '#contracts/risk';
import { scoringModels, serviceEvents, signalStates } from '#worker/db/schema/index';
import { packArtefact, putArtefact } from '#worker/features/scoring/artefacts';
import { modelsOfRows, modelStatements } from '#worker/features/scoring/models';
import { scopeForJob } from '#worker/http/tenant-scope';
import { newId } from '#worker/ids';
import { db, fault, truck, type TestTenant } from './harness.ts';

export async function shopVisit(
  of: TestTenant,
  vehicleId: string,
  fields: Partial<typeof serviceEvents.$inferInsert> = {},
): Promise<string> {
  const id = newId();
  const at = new Date().toISOString();
  await db.insert(serviceEvents).values({
    id,
    tenantId: of.id,
    vehicleId,
    at,
    kind: 'repair',
    description: 'Replaced the water pump',
    source: 'api',
    fingerprint: id,
    createdAt: at,
    ...fields,
  });
  return id;
}

export const signalsOf = (of: TestTenant, vehicleId: string, signals: VehicleFeatures['signals']) =>
  db.insert(signalStates).values({ vehicleId, tenantId: of.id, signals, computedAt: new Date().toISOString() });

const noHorizon = { n: 0, failures: 0, brier: null, baselineBrier: null, auc: null, calibration: [] };

/** A registered model with this artefact in R2; `stored` null: nothing lies there. */
export async function registeredModel(
  of: TestTenant,
  artefact: ModelArtefact,
  fields: Partial<typeof scoringModels.$inferInsert> = {},
): Promise<string> {
  const id = newId();
  const packed = await packArtefact(artefact);
  const { key, digest } = await putArtefact(env.ARTIFACTS, of.id, packed);
  const at = new Date().toISOString();
  await db.insert(scoringModels).values({
    id,
    tenantId: of.id,
    version: artefact.version,
    status: 'active',
    reason: 'It is the only one.',
    lineage: {
      recipe: 'prior',
      priorVersion: artefact.version,
      seed: 1,
      landmarks: 0,
      vehicles: 0,
      failures: 0,
      dataFrom: null,
      dataUntil: null,
      dataDigest: '',
    },
    quality: {
      outOfTimeFrom: null,
      concordance: null,
      baselineConcordance: null,
      integratedBrier: null,
      baselineIntegratedBrier: null,
      dCalibrationPValue: null,
      horizons: { days7: noHorizon, days30: noHorizon, days90: noHorizon },
    },
    artefactKey: key,
    artefactDigest: digest,
    artefactBytes: packed.bytes.byteLength,
    createdAt: at,
    activatedAt: at,
    ...fields,
  });
  return id;
}

/** What the tenant is scored with now. */
export async function modelsOf(tenantId: string, bucket = env.ARTIFACTS): Promise<ScoringModels> {
  const [[of], [active]] = await db.batch([...modelStatements(scopeForJob(tenantId), db)]);
  return (await modelsOfRows(bucket, { settings: of?.settings, active: active ?? null })).models;
}

/** A truck with something of everything, marked for scoring, as it is at `now`. */
export async function sickTruck(now: Date, of: TestTenant): Promise<string> {
  const daysAgo = (days: number): string => new Date(now.getTime() - days * 86_400_000).toISOString();
  const id = await truck(of, {
    isScoreDirty: true,
    odometerMiles: 300_000,
    engineHours: 6_000,
    firstSeenAt: daysAgo(200),
    lastSyncAt: daysAgo(0.1),
    updatedAt: daysAgo(0.1),
  });
  await fault(of, id, { spn: 100, fmi: 1, firstSeenAt: daysAgo(3), lastSeenAt: daysAgo(1), occurrenceCount: 4 });
  await shopVisit(of, id, { kind: 'preventive', at: daysAgo(40), odometerMiles: 280_000 });
  return id;
}
