/**
 * One scoring of one vehicle: present condition in points with reasons, what data cannot support as null with a tag.
 * This module has no survival model yet: failure probabilities and days to failure stay null whatever the truck's age.
 */
import {
  actionOfLevel,
  type DataStatus,
  type RiskLevel,
  type ScoringModels,
  type VehicleFeatures,
  type VehicleScore,
} from '#contracts/risk';
import type { RiskBands } from '#contracts/tenants';
import { anomalyReasons, findAnomalies } from './anomaly-points.ts';
import { combinationReasons } from './combinations.ts';
import { confidenceOf } from './confidence.ts';
import { judgeFaults, type JudgedFault } from './fault-points.ts';
import { isRedStopLit, lampReasons } from './lamp-points.ts';
import { bandsOf, observedDaysNeeded, weightsOf } from './models.ts';
import { discountByRank, maxTenths, sumTenths, toContributor, toShares, trimTo, type Share } from './points.ts';
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
        codes: stopCodes.map(({ fault }) => ({ spn: fault.spn, fmi: fault.fmi, sourceAddress: fault.sourceAddress })),
      },
      keep: true,
    },
  ];
};

/**
 * What a survival forecast lacks. Before 90 days of observation it is the truck's own history; after that it is a
 * trained model, of which there is none of the one needed.
 */
const dataStatusOf = (observedDays: number | null): DataStatus => {
  const have = observedDays !== null && Number.isFinite(observedDays) ? Math.max(0, Math.floor(observedDays)) : 0;
  return have < observedDaysNeeded
    ? { kind: 'insufficient_data', have, need: observedDaysNeeded }
    : { kind: 'insufficient_data', have: 0, need: 1 };
};

const heaviestFirst = (a: Share, b: Share): number =>
  b.tenths - a.tenths || (a.factor < b.factor ? -1 : a.factor > b.factor ? 1 : 0);

const inComponent = (shares: readonly Share[], component: string): number =>
  sumTenths(shares.filter((share) => share.factor.startsWith(`${component}.`))) / 10;

/**
 * Scores one vehicle. Data never makes it throw: unreadable times, NaN and absurd values count as unknown. An invalid
 * `now` is the caller's mistake and throws a RangeError.
 *
 * Guarantees: points are multiples of 0.1; contributors sum to their component (the part of `factor` before the dot) and
 * components to `riskScore`; one more active fault, a higher severity or a lit red stop lamp never lowers `riskScore`.
 */
export const scoreVehicle = (features: VehicleFeatures, models: ScoringModels, now: Date): VehicleScore => {
  const nowMs = now.getTime();
  if (!Number.isFinite(nowMs)) throw new RangeError('now is not a valid date');
  const bands = bandsOf(models);
  const weights = weightsOf(models);

  const faults = judgeFaults(features.faults, features.signals, weights, nowMs);
  const anomalies = findAnomalies(features.signals, nowMs);
  const reasons = [
    ...toShares([
      ...discountByRank(faults.map((judged) => judged.reason)),
      ...lampReasons(features.lamps, weights),
      ...combinationReasons(faults),
    ]),
    ...toShares(discountByRank(anomalyReasons(anomalies, weights))),
    ...toShares(usageReasons(features.service, weights, nowMs)),
  ];
  const condition = trimTo(reasons, tempered(sumTenths(reasons)));
  const stop = stopShares(faults, isRedStopLit(features.lamps), sumTenths(condition), bands);
  const shares = trimTo(condense([...condition, ...stop]), maxTenths).sort(heaviestFirst);

  const riskTenths = sumTenths(shares);
  const riskLevel = levelOf(riskTenths / 10, bands);
  return {
    modelVersion: models.version,
    scoredAt: now.toISOString(),
    riskScore: riskTenths / 10,
    riskLevel,
    healthScore: (maxTenths - riskTenths) / 10,
    recommendedAction: actionOfLevel[riskLevel],
    failureProbability: null,
    daysToFailure: null,
    confidence: confidenceOf(features),
    dataStatus: dataStatusOf(features.observedDays),
    components: {
      faults: inComponent(shares, 'faults'),
      survival: 0,
      anomaly: inComponent(shares, 'anomaly'),
      usage: inComponent(shares, 'usage'),
    },
    contributors: shares.map(toContributor),
    anomalies,
  };
};
