/** How much of what scoring wants to know it was told. Completeness of data, not correctness of a forecast. */
import type { VehicleFeatures, VehicleScore } from '#contracts/risk';

const isKnown = (value: number | string | null): boolean =>
  typeof value === 'number' ? Number.isFinite(value) : value !== null;

/** high: at least 6 of 8 points of completeness; medium: at least 3. */
export const confidenceOf = (features: VehicleFeatures): VehicleScore['confidence'] => {
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
