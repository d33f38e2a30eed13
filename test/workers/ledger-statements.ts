/** Everything that is asked of the database about signals, the ledger and the report, for the index test. */
import { newId } from '#worker/ids';
import type { Env } from '#worker/env';
import { openDatabase } from '#worker/db/client';
import { predictions } from '#worker/db/schema/index';
import { settleEverything } from '#worker/features/ledger/settle';
import { scopeForJob } from '#worker/http/tenant-scope';
import { settleAllPredictions } from '#worker/jobs/settle-predictions';
import { tidyPredictions } from '#worker/jobs/tidy-predictions';
import { watchAllCalibrations } from '#worker/jobs/watch-calibration';
import { emptyFeatures, exampleModels, scoreVehicle } from '#scoring';
import { db as plainDb, link, person, tenant, truck } from './harness.ts';

type Ask = (method: string, path: string, token: string, body?: unknown) => Promise<Response>;

const dayMs = 86_400_000;

/** A fleet whose predictions are due, whose truck was in a shop, and which sends signals; its dealer reads the report. */
export async function askAboutLedger(recorded: Env, ask: Ask): Promise<void> {
  const db = openDatabase(recorded.DB);
  const [dealer, fleet] = [await tenant('dealer'), await tenant()];
  await link(dealer, fleet);
  const vehicleId = await truck(fleet);
  const nowMs = Date.now();
  const at = (days: number): string => new Date(nowMs - days * dayMs).toISOString();
  const score = scoreVehicle(emptyFeatures(), exampleModels(), new Date(nowMs));
  await plainDb.insert(predictions).values(
    [100, 70, 32, 8].map((days) => ({
      ...{ id: newId(), tenantId: fleet.id, vehicleId, createdAt: at(days), modelVersion: 'm1', score },
      ...{ riskScore: 60, riskLevel: 'high' as const, chance7: 0.1, chance30: 0.2, chance90: 0.4 },
    })),
  );
  const admin = await person(fleet, 'fleet_admin');
  await ask('POST', '/telemetry/signals', admin.token, {
    signals: [{ vehicleId, at: at(0.1), name: 'batteryVolts', value: 14 }],
  });
  await ask('POST', `/vehicles/${vehicleId}/service-events`, admin.token, {
    ...{ at: at(20), kind: 'repair', description: 'Water pump' },
  });
  await settleAllPredictions(recorded, new Date(nowMs));
  await settleEverything(scopeForJob(fleet.id), db, new Date(nowMs));
  await watchAllCalibrations(recorded, new Date(nowMs));
  await tidyPredictions(recorded, new Date(nowMs + 60 * dayMs));
  const operator = await person(null, 'super_admin');
  for (const { token } of [admin, await person(dealer, 'dealer_admin'), operator]) {
    await ask('GET', '/reports/prediction-accuracy', token);
    await ask('GET', `/reports/prediction-accuracy?modelVersion=m1&from=${at(200)}&to=${at(0)}`, token);
  }
}
