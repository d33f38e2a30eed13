/** Scores vehicles and keeps each prediction with all that it was made of. */
import type { VehicleScore } from '#contracts/risk';
import { featureVector, scoreVehicles } from '#scoring';
import type { AuditedAction, AuditTrail } from '../../audit/trail.ts';
import type { Database } from '../../db/client.ts';
import type { TenantScope } from '../../http/tenant-scope.ts';
import { newId } from '../../ids.ts';
import { archiveInput } from './archive.ts';
import { listMarked, readFeatures, type FeaturedVehicle, type FeaturesRead } from './features-store.ts';
import { complainOf, modelsOfRows, priorInUse, type ModelsInUse } from './models.ts';
import { writeScores, type ScoredVehicle, type WrittenScores } from './write-scores.ts';

/** Vehicles read, archived and written at once: few enough for the memory of an isolate, enough to ask D1 seldom. */
const vehiclesPerChunk = 500;
/** Looks at the marks: vehicles that change while they are scored are found again, but not for ever. */
const mostRounds = 5;
/** More at once than this is left to the sweep: a step of a workflow has half a minute of processor time. */
const mostVehicles = 20_000;

type Scored = ScoredVehicle & { features: FeaturedVehicle['features'] };

const featuresOf = ({ features }: FeaturedVehicle) => features;

/**
 * Scores vehicles in memory, in their order. A model that breaks over them gives way to the prior: `inUse` is what the
 * scores were made with.
 */
export function scoreAll(
  vehicles: readonly FeaturedVehicle[],
  inUse: ModelsInUse,
  now: Date,
): { inUse: ModelsInUse; scores: VehicleScore[] } {
  const features = vehicles.map(featuresOf);
  try {
    return { inUse, scores: scoreVehicles(features, inUse.models, now) };
  } catch (cause) {
    if (inUse.place === null) throw cause;
    complainOf('model_not_usable', inUse.place, cause);
    const fallback = priorInUse(inUse);
    return { inUse: fallback, scores: scoreVehicles(features, fallback.models, now) };
  }
}

interface KeepOptions {
  now: Date;
  audited?: { trail: AuditTrail; action: AuditedAction };
}

/** Scores what was read and keeps it: the input in R2 first, then everything else in D1. */
async function scoreRead(
  scope: TenantScope,
  db: Database,
  bucket: R2Bucket,
  { vehicles, modelRows }: FeaturesRead,
  { now, audited }: KeepOptions,
): Promise<WrittenScores & { scored: Scored[] }> {
  if (vehicles.length === 0) return { vehicleIds: [], counters: [], scored: [] };
  const { inUse, scores } = scoreAll(vehicles, await modelsOfRows(bucket, modelRows), now);
  const scored = scores.map((score, at) => {
    const vehicle = vehicles[at] as FeaturedVehicle;
    return { ...vehicle, score, predictionId: newId(now.getTime()), vector: featureVector(vehicle.features, now) };
  });
  const featuresKey = await archiveInput(bucket, scope.tenantId, inUse, scored, now);
  const written = await writeScores(scope, db, scored, {
    nowIso: now.toISOString(),
    featuresKey,
    ...(audited === undefined ? {} : { audited }),
  });
  return { ...written, scored };
}

export interface RescoreOptions {
  nowIso: string;
  /** Vehicles at most; the marks of the others stay. */
  atMost?: number;
  /** Asked before each chunk is read: false ends the run, and what is left keeps its marks. */
  mayGoOn?: () => boolean;
}

export interface RescoreResult {
  scoredVehicleIds: string[];
  counters: number[];
  /** False when marks are known to be left. */
  isDone: boolean;
}

/**
 * Scores the marked vehicles of a tenant. Crash-safe: a vehicle loses its mark in the transaction that keeps its
 * prediction. Two runs at once share the work; running it again right away finds nothing to do.
 */
export async function rescoreDirtyVehicles(
  scope: TenantScope,
  db: Database,
  bucket: R2Bucket,
  { nowIso, atMost = mostVehicles, mayGoOn = () => true }: RescoreOptions,
): Promise<RescoreResult> {
  const now = new Date(nowIso);
  const result: RescoreResult = { scoredVehicleIds: [], counters: [], isDone: false };
  for (let round = 0; round < mostRounds; round += 1) {
    const left = atMost - result.scoredVehicleIds.length;
    const marked = await listMarked(scope, db, left);
    if (marked.length === 0) return { ...result, isDone: left > 0 };
    const read = (from: number): Promise<FeaturesRead> | null => {
      if (from >= marked.length || !mayGoOn()) return null;
      const reading = readFeatures(scope, db, marked.slice(from, from + vehiclesPerChunk), { now, onlyMarked: true });
      // Should this chunk fail, nobody waits for the next one any more.
      reading.catch(() => undefined);
      return reading;
    };
    let next = read(0);
    for (let from = 0; from < marked.length; from += vehiclesPerChunk) {
      if (next === null) return result;
      const current = await next;
      // Read while this one is kept. What changes in between is seen when it is written.
      next = read(from + vehiclesPerChunk);
      const { vehicleIds, counters } = await scoreRead(scope, db, bucket, current, { now });
      result.scoredVehicleIds.push(...vehicleIds);
      result.counters.push(...counters);
    }
  }
  return result;
}

/** What a person who asks for one vehicle's score now gets. */
export interface ScoredNow {
  predictionId: string;
  score: VehicleScore;
  counters: number[];
}

/** A vehicle that changes this often while it is being scored is left to the next run. */
const mostAttempts = 5;

/** Scores one vehicle now, marked or not. Null when it is gone, or changes without end. */
export async function scoreNow(
  scope: TenantScope,
  db: Database,
  bucket: R2Bucket,
  vehicleId: string,
  { now, audited }: { now: Date; audited: { trail: AuditTrail; action: AuditedAction } },
): Promise<ScoredNow | null> {
  for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
    const read = await readFeatures(scope, db, [vehicleId], { now });
    const written = await scoreRead(scope, db, bucket, read, { now, audited });
    const [scored] = written.scored;
    if (scored === undefined) return null;
    if (written.vehicleIds.length > 0) {
      return { predictionId: scored.predictionId, score: scored.score, counters: written.counters };
    }
  }
  return null;
}
