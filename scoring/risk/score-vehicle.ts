/**
 * One scoring of one vehicle: its present condition and what a trained model expects of it, in points with reasons. What
 * data or models cannot support is null with a tag.
 */
import {
  actionOfLevel,
  type DataStatus,
  type RiskLevel,
  type VehicleFeatures,
  type VehicleScore,
} from '#contracts/risk';
import type { ScoringModels } from '#contracts/scoring-models';
import type { RiskBands } from '#contracts/tenants';
import { anomalyShares } from './anomaly-points.ts';
import { codeEvidence, combinationReasons } from './combinations.ts';
import { confidenceOf } from './confidence.ts';
import { isRedStopLit } from './current-lamps.ts';
import { judgeFaults, type JudgedFault } from './fault-points.ts';
import { anomaliesOf, findOddities } from './find-anomalies.ts';
import { lampReasons } from './lamp-points.ts';
import { bandsOf, isPriorVersion, observedDaysNeeded, weightsOf, type Weights } from './models.ts';
import { discountByRank, maxTenths, sumTenths, toContributor, toShares, trimTo, type Share } from './points.ts';
import { forecastVehicles, isObservedEnough, survivalContext } from './survival-forecast.ts';
import type { SurvivalContext, VehicleForecast } from './survival-forecast.ts';
import { basisOf, survivalShares } from './survival-points.ts';
import { usageReasons } from './usage-points.ts';

/** More codes than a person reads are summed into one line; also bounds the stored row. */
const maxCodeContributors = 40;

/** The level of a risk score under a tenant's bands. */
export const levelOf = (riskScore: number, bands: RiskBands): RiskLevel => {
  if (riskScore >= bands.critical) return 'critical';
  if (riskScore >= bands.high) return 'high';
  if (riskScore >= bands.medium) return 'medium';
  return 'low';
};

/** Above this many tenths further reasons count half. */
const kneeTenths = 500;

/**
 * What reasons other than a stop order may reach. Without the knee a handful of ordinary faults would send a truck to the
 * roadside; with it the critical band needs a stop order or twice the reasons that make a truck "high".
 */
const tempered = (tenths: number): number =>
  tenths <= kneeTenths ? tenths : kneeTenths + Math.floor((tenths - kneeTenths) / 2);

const isCode = (share: Share): boolean => share.factor.startsWith('faults.code.');

/** Keeps the heaviest codes and sums the rest; drops what is worth nothing and need not be shown. */
const condense = (shares: readonly Share[]): Share[] => {
  const visible = shares.filter((share) => share.tenths > 0 || share.keep);
  const codes = visible.filter(isCode);
  if (codes.length <= maxCodeContributors) return visible;
  const rest = codes.slice(maxCodeContributors);
  const restFactors = new Set(rest.map((share) => share.factor));
  return [
    ...visible.filter((share) => !restFactors.has(share.factor)),
    {
      factor: 'faults.other_codes',
      tenths: sumTenths(rest),
      text: `${rest.length} more fault codes`,
      evidence: { count: rest.length },
      keep: true,
    },
  ];
};

/** Lifts a truck that must stop into the critical band, as a reason of its own. */
const stopShares = (
  faults: readonly JudgedFault[],
  redStopLit: boolean,
  othersTenths: number,
  bands: RiskBands,
): Share[] => {
  const stopCodes = faults.filter((judged) => judged.isStop);
  if (stopCodes.length === 0 && !redStopLit) return [];
  const criticalTenths = Math.min(maxTenths, Math.ceil(bands.critical * 10));
  const causes = [
    ...(redStopLit ? ['the red stop lamp is lit'] : []),
    ...(stopCodes.length > 0 ? ['a fault code orders the truck to stop'] : []),
  ];
  return [
    {
      factor: 'faults.stop',
      tenths: Math.max(0, criticalTenths - othersTenths),
      text: `Stop as soon as it is safe: ${causes.join(' and ')}`,
      evidence: {
        redStopLamp: redStopLit,
        codes: stopCodes.map(codeEvidence),
      },
      keep: true,
    },
  ];
};

/**
 * What a survival forecast lacks. Before 90 days of observation it is the truck's own history; after that it is a
 * trained model, of which there is none of the one needed.
 */
const dataStatusOf = (features: VehicleFeatures, forecast: VehicleForecast | null): DataStatus => {
  if (forecast !== null) return 'ok';
  if (isObservedEnough(features)) return { kind: 'insufficient_data', have: 0, need: 1 };
  const { observedDays } = features;
  const have = observedDays !== null && Number.isFinite(observedDays) ? Math.max(0, Math.floor(observedDays)) : 0;
  return { kind: 'insufficient_data', have, need: observedDaysNeeded };
};

const heaviestFirst = (a: Share, b: Share): number =>
  b.tenths - a.tenths || (a.factor < b.factor ? -1 : a.factor > b.factor ? 1 : 0);

const inComponent = (shares: readonly Share[], component: string): number =>
  sumTenths(shares.filter((share) => share.factor.startsWith(`${component}.`))) / 10;

/** What holds for every vehicle of a batch. */
interface Scoring {
  models: ScoringModels;
  bands: RiskBands;
  weights: Weights;
  survival: SurvivalContext | null;
  now: Date;
}

/** Points of what the truck itself reports and of its upkeep, a stop order included. */
const reportedShares = (features: VehicleFeatures, { weights, bands, now }: Scoring): Share[] => {
  const nowMs = now.getTime();
  const faults = judgeFaults(features.faults, features.signals, weights, nowMs);
  const reasons = [
    ...toShares([
      ...discountByRank(faults.map((judged) => judged.reason)),
      ...lampReasons(features.lamps, weights, nowMs),
      ...combinationReasons(faults),
    ]),
    ...toShares(usageReasons(features.service, weights, nowMs)),
  ];
  const condition = trimTo(reasons, tempered(sumTenths(reasons)));
  const stop = stopShares(faults, isRedStopLit(features.lamps), sumTenths(condition), bands);
  return trimTo(condense([...condition, ...stop]), maxTenths);
};

/**
 * Tenths that may come on top of `tenths`. Statistics alone, of the present or the future, never order a truck to the
 * roadside: below the critical band they end a tenth under it.
 */
const roomAbove = (tenths: number, bands: RiskBands): number => {
  const criticalTenths = Math.min(maxTenths, Math.ceil(bands.critical * 10));
  return Math.max(0, (tenths < criticalTenths ? criticalTenths - 1 : maxTenths) - tenths);
};

const scoreOne = (features: VehicleFeatures, forecast: VehicleForecast | null, scoring: Scoring): VehicleScore => {
  const { models, bands, weights, now } = scoring;
  const oddities = findOddities(features, models.anomaly, now);
  const reported = reportedShares(features, scoring);
  const roomForAnomalies = roomAbove(sumTenths(reported), bands);
  const anomalies = trimTo(
    anomalyShares(oddities, weights, { isOwn: !isPriorVersion(models.version), nowMs: now.getTime() }),
    roomForAnomalies,
  );
  const presentTenths = sumTenths(reported) + sumTenths(anomalies);
  const room = roomAbove(presentTenths, bands);
  const future =
    scoring.survival === null || forecast === null
      ? []
      : survivalShares(scoring.survival, forecast, models.version, weights, room);
  const shares = [...reported, ...anomalies, ...future]
    .filter((share) => share.tenths > 0 || share.keep)
    .sort(heaviestFirst);
  const riskTenths = sumTenths(shares);
  const riskLevel = levelOf(riskTenths / 10, bands);
  const { survival } = scoring;
  const trust =
    forecast === null || survival === null
      ? null
      : {
          knownShare: forecast.knownShare,
          basis: basisOf(models.version, survival.model),
          isBeyondLearned: forecast.daysToFailure.p50 > survival.learnedDays,
        };
  return {
    modelVersion: models.version,
    scoredAt: now.toISOString(),
    riskScore: riskTenths / 10,
    riskLevel,
    healthScore: (maxTenths - presentTenths) / 10,
    recommendedAction: actionOfLevel[riskLevel],
    failureProbability: forecast === null ? null : { ...forecast.failureProbability },
    daysToFailure: forecast === null ? null : { ...forecast.daysToFailure },
    confidence: confidenceOf(features, trust),
    dataStatus: dataStatusOf(features, forecast),
    components: {
      faults: inComponent(shares, 'faults'),
      survival: inComponent(shares, 'survival'),
      anomaly: inComponent(shares, 'anomaly'),
      usage: inComponent(shares, 'usage'),
    },
    contributors: shares.map(toContributor),
    anomalies: anomaliesOf(oddities),
  };
};

/**
 * Scores many vehicles at one time, in their order: byte for byte what `scoreVehicle` says of each, with the trees walked
 * in blocks.
 */
export const scoreVehicles = (
  vehicles: readonly VehicleFeatures[],
  models: ScoringModels,
  now: Date,
): VehicleScore[] => {
  if (!Number.isFinite(now.getTime())) throw new RangeError('now is not a valid date');
  const survival = survivalContext(models);
  const scoring: Scoring = { models, bands: bandsOf(models), weights: weightsOf(models), survival, now };
  const forecasts = forecastVehicles(survival, models, vehicles, now);
  return vehicles.map((features, at) => scoreOne(features, forecasts[at] ?? null, scoring));
};

/**
 * Scores one vehicle. Data never makes it throw: unreadable times, NaN and absurd values count as unknown. An invalid
 * `now` and a damaged model artefact are the caller's mistakes and throw a RangeError.
 *
 * Guarantees: points are multiples of 0.1; contributors sum to their component (the part of `factor` before the dot) and
 * components to `riskScore`; one more active fault, a higher severity or a lit red stop lamp never lowers `riskScore`.
 * `healthScore` is the present alone: 100 minus the points of faults, anomaly and usage.
 */
export const scoreVehicle = (features: VehicleFeatures, models: ScoringModels, now: Date): VehicleScore =>
  scoreVehicles([features], models, now)[0] as VehicleScore;
