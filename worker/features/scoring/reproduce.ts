/** Makes a prediction again out of what was kept with it, to show that it says what scoring said. */
import { and, eq, sql } from 'drizzle-orm';
import type { VehicleScore } from '#contracts/risk';
import { scoreVehicle } from '#scoring';
import type { Database } from '../../db/client.ts';
import { predictions } from '../../db/schema/index.ts';
import { inTenants } from '../../db/scoped.ts';
import type { ReadScope } from '../../http/tenant-scope.ts';
import { describeCause } from '../../log.ts';
import { readArchivedInput } from './archive.ts';
import { readArtefact } from './artefacts.ts';
import { modelsUnder } from './models.ts';
import { shortScore } from './retention.ts';

export type Reproduction =
  | { kind: 'unknown_prediction' }
  /** Its input was not kept, has been deleted since, or is damaged: why, in words. */
  | { kind: 'input_missing'; reason: string }
  /** `isSame`: to the byte, of what is still kept of it. After a change of the scoring code it may well be false. */
  | { kind: 'reproduced'; score: VehicleScore; isSame: boolean };

/** Scores the prediction's own input with the very model, bands and weights of then. Never throws for what was stored. */
export async function reproducePrediction(
  scope: ReadScope,
  db: Database,
  bucket: R2Bucket,
  predictionId: string,
): Promise<Reproduction> {
  const [row] = await db
    .select({ text: sql<string>`${predictions.score}`, featuresKey: predictions.featuresKey })
    .from(predictions)
    .where(and(eq(predictions.id, predictionId), inTenants(predictions.tenantId, scope)));
  if (row === undefined) return { kind: 'unknown_prediction' };
  if (row.featuresKey === null) return { kind: 'input_missing', reason: 'it was not kept' };
  try {
    const input = await readArchivedInput(bucket, row.featuresKey, predictionId);
    if (input === null) return { kind: 'input_missing', reason: 'its object is gone' };
    const artefact = await readArtefact(bucket, input.artefact);
    const models = modelsUnder(artefact, input, input.hasForecasts);
    const score = scoreVehicle(input.features, models, input.now);
    // An old one has been shortened since.
    const isSame = [score, shortScore(score)].some((made) => JSON.stringify(made) === row.text);
    return { kind: 'reproduced', score, isSame };
  } catch (cause) {
    return { kind: 'input_missing', reason: describeCause(cause) };
  }
}
