/**
 * How far a score can be trusted: how much of what scoring wants to know it was told, and how well the model behind a
 * forecast knows this fleet.
 */
import type { VehicleFeatures, VehicleScore } from '#contracts/risk';
import type { ModelBasis } from './survival-points.ts';

export type Confidence = VehicleScore['confidence'];

const isKnown = (value: number | string | null): boolean =>
  typeof value === 'number' ? Number.isFinite(value) : value !== null;

/** high: at least 6 of 8 points of completeness; medium: at least 3. */
const completenessOf = (features: VehicleFeatures): Confidence => {
  const { vehicle, service, signals, lamps, observedDays } = features;
  const observed = observedDays !== null && Number.isFinite(observedDays) ? observedDays : 0;
  const baselines = signals.filter((signal) => signal.baselineMedian !== null && signal.n >= 20).length;
  const points =
    (observed >= 90 ? 2 : observed >= 14 ? 1 : 0) +
    (isKnown(vehicle.odometerMiles) || isKnown(vehicle.engineHours) ? 1 : 0) +
    (isKnown(vehicle.milesPerDay) || isKnown(vehicle.hoursPerDay) ? 1 : 0) +
    (isKnown(service.milesSinceService) || isKnown(service.lastServiceAt) ? 1 : 0) +
    (isKnown(service.repairs365Days) ? 1 : 0) +
    (baselines >= 3 ? 1 : 0) +
    (lamps.length > 0 ? 1 : 0);
  return points >= 6 ? 'high' : points >= 3 ? 'medium' : 'low';
};

/** Of the model's knowledge, the share that must rest on features known of the truck. */
const shareForHigh = 0.7;
const shareForMedium = 0.35;

const steps: readonly Confidence[] = ['low', 'medium', 'high'];
const lower = (a: Confidence, b: Confidence): Confidence => (steps.indexOf(a) <= steps.indexOf(b) ? a : b);

/**
 * Completeness alone without a forecast. With one, the lowest of completeness, what the model is (`medium` at most while
 * it has hardly seen this fleet, and where its middle lies beyond the days it learned from) and how much of what it asks
 * is known.
 */
export const confidenceOf = (
  features: VehicleFeatures,
  forecast: { knownShare: number; basis: ModelBasis; isBeyondLearned: boolean } | null,
): Confidence => {
  const completeness = completenessOf(features);
  if (forecast === null) return completeness;
  const { knownShare, basis, isBeyondLearned } = forecast;
  const asked: Confidence = knownShare >= shareForHigh ? 'high' : knownShare >= shareForMedium ? 'medium' : 'low';
  return lower(lower(completeness, asked), basis === 'prior' || isBeyondLearned ? 'medium' : 'high');
};
