/**
 * The whole input of every scoring, kept in R2 so that a prediction can be made again to the byte: one gzipped object per
 * chunk of vehicles, written before D1 hears of the predictions in it. An object whose predictions never came to be
 * (the batch failed, another run was faster) is never asked for.
 */
import { z } from 'zod';
import { vehicleFeaturesSchema, type VehicleFeatures } from '#contracts/risk';
import { riskBandsSchema } from '#contracts/tenants';
import { featureListVersion } from '#scoring';
import { newId } from '../../ids.ts';
import { logFailure } from '../../log.ts';
import { putArtefact, type ArtefactPlace } from './artefacts.ts';
import { packedPrior, type ModelsInUse } from './models.ts';

const archivedChunkSchema = z.object({
  format: z.literal('scoring-input-1'),
  tenantId: z.string(),
  now: z.iso.datetime(),
  featureList: z.string(),
  artefact: z.object({ key: z.string(), digest: z.string() }),
  hasForecasts: z.boolean(),
  riskBands: riskBandsSchema,
  weights: z.record(z.string(), z.number()),
  /** Features by the prediction's id. */
  features: z.record(z.string(), z.unknown()),
});

export interface ArchivedInput {
  tenantId: string;
  now: Date;
  artefact: ArtefactPlace;
  hasForecasts: boolean;
  riskBands: z.infer<typeof riskBandsSchema>;
  weights: Record<string, number>;
  features: VehicleFeatures;
}

/** Where the inputs of a tenant's predictions lie, by the UTC day they were made on. */
export const inputsPrefix = (tenantId: string): string => `features/${tenantId}/`;

/** Artefacts of the product's own that this isolate knows to lie in the bucket. */
const storedPriors = new Map<string, ArtefactPlace>();

async function placeOf(bucket: R2Bucket, inUse: ModelsInUse): Promise<ArtefactPlace> {
  if (inUse.place !== null) return inUse.place;
  const packed = await packedPrior();
  const known = storedPriors.get(packed.digest);
  if (known !== undefined) return known;
  const place = await putArtefact(bucket, 'prior', packed);
  storedPriors.set(packed.digest, place);
  return place;
}

const gzip = (text: string): Promise<ArrayBuffer> =>
  new Response(new Blob([text]).stream().pipeThrough(new CompressionStream('gzip'))).arrayBuffer();

/**
 * Keeps the input of these predictions; answers the object's key. Null when R2 does not take it: the scores matter more,
 * and the log says that these cannot be made again.
 */
export async function archiveInput(
  bucket: R2Bucket,
  tenantId: string,
  inUse: ModelsInUse,
  scored: readonly { predictionId: string; features: VehicleFeatures }[],
  now: Date,
): Promise<string | null> {
  try {
    const { terms, hasForecasts, models } = inUse;
    const chunk: z.infer<typeof archivedChunkSchema> = {
      format: 'scoring-input-1',
      tenantId,
      now: now.toISOString(),
      featureList: featureListVersion,
      artefact: await placeOf(bucket, inUse),
      hasForecasts,
      riskBands: terms.riskBands,
      weights: { ...terms.weights },
      features: Object.fromEntries(scored.map(({ predictionId, features }) => [predictionId, features])),
    };
    const key = `${inputsPrefix(tenantId)}${chunk.now.slice(0, 10)}/${newId(now.getTime())}.json.gz`;
    await bucket.put(key, await gzip(JSON.stringify(chunk)), {
      httpMetadata: { contentType: 'application/json', contentEncoding: 'gzip' },
      customMetadata: { modelVersion: models.version, predictions: String(scored.length) },
    });
    return key;
  } catch (cause) {
    logFailure('scoring_input_not_kept', cause, { tenantId, predictions: scored.length });
    return null;
  }
}

/**
 * The input of one prediction; null when the object is gone.
 * @throws Error when it is damaged or does not hold this prediction
 */
export async function readArchivedInput(
  bucket: R2Bucket,
  key: string,
  predictionId: string,
): Promise<ArchivedInput | null> {
  const object = await bucket.get(key);
  if (object === null) return null;
  const text = await new Response(object.body.pipeThrough(new DecompressionStream('gzip'))).text();
  const { now, features, artefact, tenantId, hasForecasts, riskBands, weights } = archivedChunkSchema.parse(
    JSON.parse(text),
  );
  const own = vehicleFeaturesSchema.parse(features[predictionId]);
  return { tenantId, now: new Date(now), artefact, hasForecasts, riskBands, weights, features: own };
}
