/** Points of use and upkeep: service overdue, many repairs. Nothing known, no points. */
import type { VehicleFeatures } from '#contracts/risk';
import { ageDays, sayTimes } from './ages.ts';
import type { Weights } from './models.ts';
import { toUnits, type Reason } from './points.ts';

/** Points on the day the interval is passed, and points per whole interval beyond it. */
const overdueAtOnce = 2;
const overduePerInterval = 16;
/** Without a mileage a service older than a year counts a little. */
const oldServiceDays = 365;
const oldServicePoints = 4;

const sayMiles = (miles: number): string => `${Math.round(miles).toLocaleString('en-US')} miles`;

/** No truck has driven further since its last service, nor been repaired more often: such numbers are errors. */
const mostMiles = 5_000_000;
const mostRepairs = 1000;

const known = (value: number | null, most: number): value is number => value !== null && value >= 0 && value <= most;

const serviceReasons = (service: VehicleFeatures['service'], weights: Weights, nowMs: number): Reason[] => {
  const interval = weights.serviceIntervalMiles;
  if (known(service.milesSinceService, mostMiles)) {
    const over = service.milesSinceService / interval - 1;
    if (!(over > 0)) return [];
    return [
      {
        factor: 'usage.service_overdue',
        units: toUnits(Math.min(weights.serviceOverdueMax, overdueAtOnce + overduePerInterval * over)),
        text: `Service overdue: ${sayMiles(service.milesSinceService)} since the last one, due every ${sayMiles(interval)}`,
        evidence: { milesSinceService: service.milesSinceService, intervalMiles: interval },
        keep: true,
      },
    ];
  }
  const days = ageDays(service.lastServiceAt, nowMs);
  if (days === null || days <= oldServiceDays) return [];
  return [
    {
      factor: 'usage.service_old',
      units: toUnits(oldServicePoints),
      text: `Last service was ${Math.floor(days)} days ago`,
      evidence: { lastServiceAt: service.lastServiceAt },
      keep: true,
    },
  ];
};

const repairReasons = (service: VehicleFeatures['service'], weights: Weights): Reason[] => {
  if (!known(service.repairs365Days, mostRepairs) || service.repairs365Days < 2) return [];
  const repairs = Math.floor(service.repairs365Days);
  return [
    {
      factor: 'usage.repairs',
      // One repair a year is ordinary; the habit begins with the second.
      units: toUnits(Math.min(weights.repairsMax, weights.perRepair * (repairs - 1))),
      text: `Repaired ${sayTimes(repairs)} in the last 365 days`,
      evidence: { repairs365Days: repairs },
      keep: true,
    },
  ];
};

/** Reasons of the usage component. */
export const usageReasons = (service: VehicleFeatures['service'], weights: Weights, nowMs: number): Reason[] => [
  ...serviceReasons(service, weights, nowMs),
  ...repairReasons(service, weights),
];
