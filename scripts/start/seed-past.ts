/**
 * What the product would know of one demo truck had it watched the world since the demo companies began: shop events,
 * codes, signals, meters, and a scoring every week, each from what was known then and by the product's own code. Pure.
 */
import type { VehicleFeatures, VehicleScore } from '#contracts/risk';
import type { ScoringModels } from '#contracts/scoring-models';
import { baselineDays, featureVector, scoreVehicle, signalStates } from '#scoring';
import { portalAccounts } from '#simulators/portal/accounts';
import { deliveredMs, positionAt } from '#simulators/world/driving';
import { caseNumberOf } from '#simulators/world/faults/case-number';
import { shopEventsBetween } from '#simulators/world/faults/shop-events';
import type { RosterTruck } from '#simulators/world/roster';
import { toFeatures, type FaultFacts, type ServiceFacts } from '#worker/features/scoring/features-rules';
import type { NewServiceEvent } from '#worker/features/service-events/rules';
import type { KnownFault } from '#worker/features/sync/rules';
import type { SignalDay } from '#worker/features/telemetry/signal-rules';
import { lastSyncMs, nextSyncMs, pastFaults } from './seed-faults.ts';
import { bornAt, demoVehicleId } from './seed-ids.ts';
import { pastSignalDays, pastSignalMeans } from './seed-signals.ts';

const dayMs = 86_400_000;
const bornMs = Date.parse(bornAt);
/** Rollups that are written; older days have gone into the weekly scorings and say nothing more. */
const keptSignalDays = 60;
/** However late a demo is started, no more than this many weeks are scored. */
const mostLandmarks = 60;
/** How far back a portal shows the shop's cases: that much was known from the first reading on. */
const casesDays = 365;
/** Odometers of shop visits further back are of no use to anybody. */
const odometersDays = 400;
/** An earlier prediction whose meters count lies this many days back. */
const earlierDays = { from: 60, until: 7 };

export interface PastPrediction {
  atMs: number;
  features: VehicleFeatures;
  score: VehicleScore;
  vector: number[];
}

export interface TruckPast {
  vehicleId: string;
  /** When the product first saw it: when the fleet began, or when the truck was delivered. */
  firstSeenAt: string;
  odometerMiles: number;
  engineHours: number;
  /** When the portal was last read. */
  lastSyncAt: string;
  events: (NewServiceEvent & { heardAt: string })[];
  faults: readonly KnownFault[];
  signalDays: SignalDay[];
  signals: VehicleFeatures['signals'];
  predictions: PastPrediction[];
}

/** When the fleets were scored: every week since they began, up to the anchor. */
export function landmarksUntil(anchorMs: number): number[] {
  const landmarks: number[] = [];
  for (let ms = bornMs + 7 * dayMs; ms <= anchorMs; ms += 7 * dayMs) landmarks.push(ms);
  return landmarks.slice(-mostLandmarks);
}

const iso = (ms: number): string => new Date(ms).toISOString();

/** Events as the portal's cases tell them, oldest first. */
function pastEvents(truck: RosterTruck, fromMs: number, anchorMs: number): NewServiceEvent[] {
  return shopEventsBetween(truck, fromMs, anchorMs).map((event) => ({
    vehicleId: demoVehicleId(truck.vin),
    at: iso(event.atMs),
    kind: event.kind,
    system: event.system,
    spn: event.spn,
    fmi: event.fmi,
    description: event.description,
    odometerMiles: positionAt(truck, anchorMs, event.atMs).odometerMiles,
    source: 'portal',
    externalId: caseNumberOf(truck.vin, event),
  }));
}

/** Of a code what scoring takes. */
const toFacts = (fault: KnownFault): FaultFacts => ({
  spn: fault.spn,
  fmi: fault.fmi,
  sourceAddress: fault.sourceAddress,
  isActive: fault.isActive,
  firstSeenAt: fault.firstSeenAt,
  lastSeenAt: fault.lastSeenAt,
  clearedAt: fault.clearedAt,
  occurrenceCount: fault.occurrenceCount,
  reopenCount: fault.reopenCount,
  lamps: fault.lamps,
});

interface HeardEvent {
  heardMs: number;
  event: NewServiceEvent;
}

function serviceFactsAt(events: readonly HeardEvent[], nowMs: number): ServiceFacts | null {
  const known = events.flatMap(({ heardMs, event }) => (heardMs <= nowMs ? [event] : []));
  const [first] = known;
  if (first === undefined) return null;
  const lastService = known.findLast((event) => event.kind === 'preventive');
  const yearAgo = iso(nowMs - 365 * dayMs);
  const odometersFrom = iso(nowMs - odometersDays * dayMs);
  return {
    firstAt: first.at,
    lastServiceAt: lastService?.at ?? null,
    lastServiceMiles: lastService?.odometerMiles ?? null,
    repairs365Days: known.filter(({ kind, at }) => (kind === 'repair' || kind === 'breakdown') && at >= yearAgo).length,
    odometers: known.flatMap(({ at, odometerMiles }) =>
      odometerMiles !== null && at >= odometersFrom ? [{ at, value: odometerMiles }] : [],
    ),
  };
}

/** The past of one truck until the anchor, scored with these models. */
export function pastOfTruck(truck: RosterTruck, anchorMs: number, models: ScoringModels): TruckPast {
  const layout = portalAccounts.find(({ fleetName }) => fleetName === truck.fleetName)?.layout;
  const sinceMs = deliveredMs(truck, anchorMs);
  const seenMs = Math.max(bornMs, nextSyncMs(sinceMs));
  const firstSeenAt = iso(seenMs);
  const landmarks = landmarksUntil(anchorMs).filter((ms) => ms > seenMs);
  const events = pastEvents(truck, Math.max(sinceMs, seenMs - casesDays * dayMs), anchorMs);
  const states = pastFaults(truck, {
    fromMs: seenMs,
    untilMs: anchorMs,
    printsSourceAddress: layout?.printsSourceAddress ?? true,
    landmarksMs: landmarks,
  });
  // The product hears of an event with the next reading of the portal.
  const heard = events.map((event) => ({ heardMs: Math.max(seenMs, nextSyncMs(Date.parse(event.at))), event }));
  const means = pastSignalMeans(truck, seenMs, anchorMs);
  const signalsAtLandmark = (ms: number) => {
    const whole = Math.floor(ms / dayMs) - Math.floor(seenMs / dayMs);
    return signalStates(means.slice(Math.max(0, whole - baselineDays), whole).flat());
  };
  const metersAt = (ms: number) => {
    const { odometerMiles, engineHours } = positionAt(truck, anchorMs, ms);
    return { odometerMiles, engineHours };
  };
  const { make, model, year } = truck;
  const predictions = landmarks.map((ms, index): PastPrediction => {
    const now = new Date(ms);
    const readAt = iso(lastSyncMs(ms));
    const earlierMs = landmarks.find(
      (at) => at >= ms - earlierDays.from * dayMs && at <= ms - earlierDays.until * dayMs,
    );
    const features = toFeatures(
      {
        vehicle: {
          ...{ make, model, year },
          ...metersAt(ms),
          firstSeenAt,
          lastSyncAt: readAt,
          lastReadingAt: iso(ms),
          faultsReadAt: readAt,
        },
        faults: (states[index]?.faults ?? []).map(toFacts),
        signals: signalsAtLandmark(ms),
        service: serviceFactsAt(heard, ms),
        // Every fleet has had a truck in the shop within days.
        hasServiceRecords: true,
        earlier: earlierMs === undefined ? null : { at: iso(earlierMs), ...metersAt(earlierMs) },
      },
      now,
    );
    return { atMs: ms, features, score: scoreVehicle(features, models, now), vector: featureVector(features, now) };
  });
  const signalDays = pastSignalDays(truck, Math.max(seenMs, anchorMs - keptSignalDays * dayMs), anchorMs);
  return {
    vehicleId: demoVehicleId(truck.vin),
    firstSeenAt,
    ...metersAt(anchorMs),
    lastSyncAt: iso(lastSyncMs(anchorMs)),
    events: heard.map(({ heardMs, event }) => ({ ...event, heardAt: iso(heardMs) })),
    faults: states.at(-1)?.faults ?? [],
    signalDays,
    signals: signalStates(signalDays),
    predictions,
  };
}
