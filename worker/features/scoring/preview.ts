/** What other bands and weights would make of today's fleet. Reads and computes; writes nothing. */
import type { VehicleScore } from '#contracts/risk';
import type { RiskPreview } from '#contracts/scoring';
import type { Database } from '../../db/client.ts';
import type { TenantScope } from '../../http/tenant-scope.ts';
import { listFleet, readFeatures } from './features-store.ts';
import { fullTermsOf, modelsOfRows, withTerms } from './models.ts';
import { previewCounter } from './preview-rules.ts';
import { scoreAll } from './rescore.ts';
import type { RiskTerms } from './settings-rules.ts';

/** Vehicles in memory at once. */
const vehiclesPerChunk = 500;
/** Scored twice each while somebody waits: some seconds of an isolate's time. */
export const mostPreviewed = 10_000;

const inShort = ({ riskScore, riskLevel }: VehicleScore) => ({ riskScore, riskLevel });

/**
 * Every vehicle scored twice at the same moment, with what holds and with what is wanted: what differs comes from the
 * settings alone, not from the time since the last scoring. Null past `atMost` vehicles.
 */
export async function previewRisk(
  scope: TenantScope,
  db: Database,
  bucket: R2Bucket,
  wanted: RiskTerms,
  now: Date,
  atMost = mostPreviewed,
): Promise<RiskPreview | null> {
  const ids = await listFleet(scope, db, atMost + 1);
  if (ids.length > atMost) return null;
  const terms = fullTermsOf(wanted);
  const counter = previewCounter();
  for (let from = 0; from < ids.length; from += vehiclesPerChunk) {
    const { vehicles, modelRows } = await readFeatures(scope, db, ids.slice(from, from + vehiclesPerChunk), { now });
    const { inUse, scores: before } = scoreAll(vehicles, await modelsOfRows(bucket, modelRows), now);
    const { scores: after } = scoreAll(vehicles, withTerms(inUse, terms), now);
    counter.add(
      vehicles.map(({ id, unitNumber }, at) => ({
        vehicleId: id,
        unitNumber,
        before: inShort(before[at] as VehicleScore),
        after: inShort(after[at] as VehicleScore),
      })),
    );
  }
  return counter.result();
}
