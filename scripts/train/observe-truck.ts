/**
 * A truck of the simulated world as a tenant of the product would have watched it: codes read from a portal, shop events,
 * meters, daily rollups of signals, all put into features by the product's own code, week by week. Nothing hidden is looked at.
 */
import type { VehicleFeatures } from '#contracts/risk';
import {
  baselineDays,
  faultRateDays,
  featureVector,
  signalStates,
  type LandmarkRow,
  type TrainingInput,
  type VehicleSignals,
} from '#scoring';
import { positionAt } from '#simulators/world/driving';
import { unit } from '#simulators/world/random';
import { shopEventsBetween, type ShopEvent } from '#simulators/world/faults/shop-events';
import type { RosterTruck } from '#simulators/world/roster';
import { toFeatures, type ServiceFacts } from '#worker/features/scoring/features-rules';
import { lastSyncMs, pastFaults } from '../start/seed-faults.ts';
import { pastSignalMeans } from '../start/seed-signals.ts';

const dayMs = 86_400_000;
/** Shop visits further back say nothing of a truck's use. */
const odometersDays = 400;
/** An earlier prediction's meters are a point of their own when they lie this far back. */
const earlierDays = 30;

/** What a tenant has connected. */
export interface Watching {
  fromMs: number;
  untilMs: number;
  /** Days between two landmarks. */
  everyDays: number;
  /** Shares of trucks whose gateway sends signals, and whose shop's records are known to the features. */
  signalShare: number;
  recordsShare: number;
  /** Trucks join through this share of the time at first, so that short histories are seen as well. */
  joinShare: number;
}

export interface ObservedTruck {
  landmarks: LandmarkRow[];
  events: TrainingInput['events'][number][];
  vehicle: VehicleSignals;
}

interface DatedEvent extends ShopEvent {
  odometerMiles: number;
}

const iso = (ms: number): string => new Date(ms).toISOString();

const serviceAt = (events: readonly DatedEvent[], nowMs: number): ServiceFacts | null => {
  const known = events.filter(({ atMs }) => atMs <= nowMs);
  const [first] = known;
  if (first === undefined) return null;
  const care = known.findLast(({ kind }) => kind === 'preventive');
  return {
    firstAt: iso(first.atMs),
    lastServiceAt: care === undefined ? null : iso(care.atMs),
    lastServiceMiles: care?.odometerMiles ?? null,
    repairs365Days: known.filter(
      ({ kind, atMs }) => (kind === 'repair' || kind === 'breakdown') && atMs >= nowMs - 365 * dayMs,
    ).length,
    odometers: known
      .filter(({ atMs }) => atMs >= nowMs - odometersDays * dayMs)
      .map(({ atMs, odometerMiles }) => ({ at: iso(atMs), value: odometerMiles })),
  };
};

/** Watches one truck. The world ends at `untilMs`: nothing after it is told. */
export function observeTruck(truck: RosterTruck, watching: Watching): ObservedTruck {
  const { untilMs, everyDays } = watching;
  const draw = (name: string): number => unit(truck.seed, truck.vin, 'watched', name);
  const hasSignals = draw('signals') < watching.signalShare;
  const hasRecords = draw('records') < watching.recordsShare;
  const joinedMs = watching.fromMs + draw('joined') * watching.joinShare * (untilMs - watching.fromMs);
  const firstMs = joinedMs + (0.5 + draw('phase') * everyDays) * dayMs;
  const landmarksMs: number[] = [];
  for (let ms = firstMs; ms < untilMs; ms += everyDays * dayMs) landmarksMs.push(Math.round(ms));

  const metersAt = (ms: number) => {
    const { odometerMiles, engineHours } = positionAt(truck, untilMs, ms);
    return { odometerMiles, engineHours };
  };
  const events: DatedEvent[] = shopEventsBetween(truck, joinedMs, untilMs).map((event) => ({
    ...event,
    odometerMiles: metersAt(event.atMs).odometerMiles,
  }));
  const states = pastFaults(truck, { fromMs: joinedMs, untilMs, printsSourceAddress: true, landmarksMs });
  const means = hasSignals ? pastSignalMeans(truck, joinedMs, untilMs) : [];
  const signalsAt = (ms: number): VehicleFeatures['signals'] => {
    const whole = Math.floor(ms / dayMs) - Math.floor(joinedMs / dayMs);
    return signalStates(means.slice(Math.max(0, whole - baselineDays), whole).flat());
  };
  const { make, model, year } = truck;
  const featuresAt = (ms: number, place: number): VehicleFeatures => {
    const readAt = iso(lastSyncMs(ms));
    const earlierMs = ms - earlierDays * dayMs;
    return toFeatures(
      {
        vehicle: {
          ...{ make, model, year },
          ...metersAt(ms),
          firstSeenAt: iso(joinedMs),
          lastSyncAt: readAt,
          lastReadingAt: readAt,
          faultsReadAt: readAt,
        },
        faults: states[place]?.faults ?? [],
        signals: signalsAt(ms),
        service: hasRecords ? serviceAt(events, ms) : null,
        hasServiceRecords: hasRecords,
        earlier: earlierMs < joinedMs ? null : { at: iso(earlierMs), ...metersAt(earlierMs) },
      },
      new Date(ms),
    );
  };
  const known = states.at(-1)?.faults ?? [];
  return {
    landmarks: landmarksMs.map((ms, place) => ({
      vehicleId: `${truck.seed}/${truck.vin}`,
      at: iso(ms),
      x: featureVector(featuresAt(ms, place), new Date(ms)).map((value) => (Number.isNaN(value) ? null : value)),
    })),
    events: events.map(({ atMs, kind }) => ({ vehicleId: `${truck.seed}/${truck.vin}`, at: iso(atMs), kind })),
    vehicle: {
      make,
      model,
      signals: signalsAt(untilMs),
      faultsOpened: known.filter(({ firstSeenAt }) => firstSeenAt >= iso(untilMs - faultRateDays * dayMs)).length,
      observedDays: (untilMs - joinedMs) / dayMs,
    },
  };
}
