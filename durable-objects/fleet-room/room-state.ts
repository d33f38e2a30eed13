/**
 * What a room holds, as plain data, and the small operations every change of it is made of. Pure: no I/O, no clock.
 *
 * Nothing here remembers deltas. Every entity carries the sequence number of its last change, and a short log remembers
 * who could see a vehicle or an alert before that became different. From the two, live-view.ts computes the exact delta
 * from any sequence number of the resume window to now, for any viewer: for a tick, a slow reader, a resume alike.
 * Changes not yet sent carry `seq + 1`, the number of the tick that will send them, so that a room that loses its memory
 * between a change and its tick still knows what it owes.
 */
import type { LiveAlert, LiveVehicle } from '#contracts/live';
import type { Reading } from '#contracts/telemetry';
import { nextStatusChangeMs, vehicleStatusAt } from '#contracts/vehicle-status';
import type { VehicleStatus } from '#contracts/vehicles';
import type { VehicleFacts } from './feed.ts';
import type { HeardCounters } from './heard-counters.ts';

export interface VehicleEntry {
  facts: VehicleFacts;
  /** The largest change counter heard for it; an older feed does not overwrite it. */
  version: number;
  /** The tick in which it (last) came into the picture. */
  createdSeq: number;
  /** The tick in which its facts last changed. */
  factsSeq: number;
}

export interface ReadingEntry {
  sourceTenantId: string;
  reading: Reading;
  /** Of the reading, and corrected as it ages: what a snapshot shows. */
  status: VehicleStatus;
  /** Epoch milliseconds at which age alone changes the status. */
  statusUntilMs: number | null;
  /** The tick in which reading or status last changed. */
  seq: number;
  /** Place in the order of readings to copy back to D1; 0 for what came from D1 or belongs to another tenant. */
  mark: number;
}

export interface AlertEntry {
  alert: LiveAlert;
  version: number;
  createdSeq: number;
  seq: number;
}

/** What visibility of a vehicle depends on. */
export interface VehicleScope {
  id: string;
  tenantId: string;
  riskLevel: LiveVehicle['riskLevel'];
  assignedDriverId: string | null;
}

/** What a vehicle's scope was before tick `seq` changed it or took the vehicle away, or which alert tick `seq` closed. */
export type LeftEntry =
  | { seq: number; kind: 'vehicle'; id: string; createdSeq: number; scope: VehicleScope }
  | { seq: number; kind: 'alert'; id: string; createdSeq: number; tenantId: string; vehicleId: string | null };

export interface Tombstone {
  sourceTenantId: string;
  version: number;
}

/** What storage must take over before the event ends. Ids only: the rows are read from the state. */
export interface Unsaved {
  vehicles: Set<string>;
  readings: Set<string>;
  alerts: Set<string>;
  tombstones: Set<string>;
  sources: Set<string>;
  log: LeftEntry[];
  /** Sequence, floor or marks changed. */
  meta: boolean;
}

/** What changed since the last tick, for exact differences; lost with memory, and not needed for correctness. */
export interface OpenTick {
  vehicleIds: Set<string>;
  alertIds: Set<string>;
  /** Vehicles as the last tick left them, for those that existed. */
  before: Map<string, LiveVehicle>;
  /** Ids that have an entry in the log for this tick. */
  left: Set<string>;
  /** False after a reload, when earlier changes of this tick are known only by their sequence number. */
  isComplete: boolean;
}

export interface RoomState {
  readonly ownTenantId: string;
  readonly epoch: string;
  /** The last tick sent. */
  seq: number;
  /** True while entities carry `seq + 1`. */
  hasChanges: boolean;
  /** The oldest sequence number from which a delta can still be computed. */
  resumeFloor: number;
  nextMark: number;
  confirmedMark: number;
  /** Epoch milliseconds at which dirty readings must be announced; null while none are dirty. */
  copyBackDueMs: number | null;
  /** Not later than the earliest `statusUntilMs`; may be early. */
  statusDueMs: number | null;
  vehicles: Map<string, VehicleEntry>;
  readings: Map<string, ReadingEntry>;
  alerts: Map<string, AlertEntry>;
  tombstones: Map<string, Tombstone>;
  sources: Map<string, HeardCounters>;
  /** Ascending by seq; of several entries of one tick and id the first counts. */
  log: LeftEntry[];
  tick: OpenTick;
  unsaved: Unsaved;
}

export const noOpenTick = (isComplete: boolean): OpenTick => ({
  vehicleIds: new Set(),
  alertIds: new Set(),
  before: new Map(),
  left: new Set(),
  isComplete,
});

export const nothingUnsaved = (): Unsaved => ({
  vehicles: new Set(),
  readings: new Set(),
  alerts: new Set(),
  tombstones: new Set(),
  sources: new Set(),
  log: [],
  meta: false,
});

/** A room nobody has fed yet. `epoch` names this history and must never repeat. */
export const emptyRoom = (ownTenantId: string, epoch: string): RoomState => ({
  ownTenantId,
  epoch,
  seq: 0,
  hasChanges: false,
  resumeFloor: 0,
  nextMark: 1,
  confirmedMark: 0,
  copyBackDueMs: null,
  statusDueMs: null,
  vehicles: new Map(),
  readings: new Map(),
  alerts: new Map(),
  tombstones: new Map(),
  sources: new Map(),
  log: [],
  tick: noOpenTick(true),
  unsaved: nothingUnsaved(),
});

export const scopeOf = ({ facts }: VehicleEntry): VehicleScope => ({
  id: facts.id,
  tenantId: facts.tenantId,
  riskLevel: facts.riskLevel,
  assignedDriverId: facts.assignedDriverId,
});

/** The vehicle as a client sees it. An allow-list: who drives it stays inside. */
export function liveVehicleOf({ facts }: VehicleEntry, held: ReadingEntry | undefined): LiveVehicle {
  const reading = held?.reading;
  return {
    id: facts.id,
    tenantId: facts.tenantId,
    unitNumber: facts.unitNumber,
    make: facts.make,
    model: facts.model,
    status: held?.status ?? 'offline',
    lat: reading?.lat ?? null,
    lon: reading?.lon ?? null,
    heading: reading?.heading ?? null,
    speedMph: reading?.speedMph ?? null,
    at: reading?.at ?? null,
    healthScore: facts.healthScore,
    riskScore: facts.riskScore,
    riskLevel: facts.riskLevel,
    recommendedAction: facts.recommendedAction,
    activeFaultCount: facts.activeFaultCount,
    openAlertCount: facts.openAlertCount,
  };
}

const isSame = <T extends object>(a: T, b: T): boolean =>
  (Object.keys(b) as (keyof T)[]).every((field) => a[field] === b[field]);

/** Notes that a vehicle is about to change in this tick, while its old self can still be seen. */
function touchVehicle(state: RoomState, vehicleId: string): void {
  state.hasChanges = true;
  if (state.tick.vehicleIds.has(vehicleId)) return;
  state.tick.vehicleIds.add(vehicleId);
  const entry = state.vehicles.get(vehicleId);
  if (entry) state.tick.before.set(vehicleId, liveVehicleOf(entry, state.readings.get(vehicleId)));
}

function logLeft(state: RoomState, entry: LeftEntry): void {
  // What came and went within one tick was never seen by anyone.
  if (entry.createdSeq === entry.seq) return;
  if (state.tick.left.has(entry.id)) return;
  state.tick.left.add(entry.id);
  state.log.push(entry);
  state.unsaved.log.push(entry);
}

const logVehicle = (state: RoomState, entry: VehicleEntry): void =>
  logLeft(state, {
    seq: state.seq + 1,
    kind: 'vehicle',
    id: entry.facts.id,
    createdSeq: entry.createdSeq,
    scope: scopeOf(entry),
  });

/** A version up to which everything was heard is never compared again, and needs no write of its own. */
const mustKeepVersion = (state: RoomState, sourceTenantId: string, version: number): boolean =>
  version > (state.sources.get(sourceTenantId)?.heardThrough ?? 0);

/** Sets what D1 knows of a vehicle. The caller has compared versions. */
export function putVehicle(state: RoomState, facts: VehicleFacts, version: number): void {
  const known = state.vehicles.get(facts.id);
  if (known && isSame(known.facts, facts)) {
    known.version = version;
    if (mustKeepVersion(state, facts.tenantId, version)) state.unsaved.vehicles.add(facts.id);
    return;
  }
  state.unsaved.vehicles.add(facts.id);
  touchVehicle(state, facts.id);
  const seq = state.seq + 1;
  const movesScope =
    known !== undefined &&
    (known.facts.riskLevel !== facts.riskLevel || known.facts.assignedDriverId !== facts.assignedDriverId);
  if (movesScope) logVehicle(state, known);
  state.vehicles.set(facts.id, { facts, version, createdSeq: known?.createdSeq ?? seq, factsSeq: seq });
}

/** Takes a vehicle and its reading out of the picture. */
export function removeVehicle(state: RoomState, vehicleId: string): void {
  const known = state.vehicles.get(vehicleId);
  if (known) {
    touchVehicle(state, vehicleId);
    logVehicle(state, known);
    state.vehicles.delete(vehicleId);
    state.unsaved.vehicles.add(vehicleId);
  }
  if (state.readings.delete(vehicleId)) {
    state.unsaved.readings.add(vehicleId);
    state.unsaved.meta = true; // nextMark must not fall back with the row that held the highest
  }
}

/** Sets an alert that is open, acknowledged or snoozed. The caller has compared versions. */
export function putAlert(state: RoomState, alert: LiveAlert, version: number): void {
  const known = state.alerts.get(alert.id);
  if (known && isSame(known.alert, alert)) {
    known.version = version;
    if (mustKeepVersion(state, alert.tenantId, version)) state.unsaved.alerts.add(alert.id);
    return;
  }
  state.unsaved.alerts.add(alert.id);
  const seq = state.seq + 1;
  // Visibility goes by tenant and vehicle: an alert that moves to another one leaves and comes.
  const stays = known !== undefined && known.alert.vehicleId === alert.vehicleId;
  if (known && !stays) closeAlert(state, alert.id);
  state.hasChanges = true;
  state.tick.alertIds.add(alert.id);
  state.alerts.set(alert.id, { alert, version, createdSeq: stays ? known.createdSeq : seq, seq });
}

/** Takes an alert out of the picture. */
export function closeAlert(state: RoomState, alertId: string): void {
  const known = state.alerts.get(alertId);
  if (!known) return;
  state.hasChanges = true;
  state.tick.alertIds.add(alertId);
  const { tenantId, vehicleId } = known.alert;
  logLeft(state, { seq: state.seq + 1, kind: 'alert', id: alertId, createdSeq: known.createdSeq, tenantId, vehicleId });
  state.alerts.delete(alertId);
  state.unsaved.alerts.add(alertId);
}

/** How long a reading may wait before the Worker is asked to copy it to D1, which must lag by no more than 30 s. */
export const copyBackWithinMs = 20_000;

function markDirty(state: RoomState, held: ReadingEntry, nowMs: number): void {
  if (held.sourceTenantId !== state.ownTenantId) return;
  held.mark = state.nextMark;
  state.nextMark += 1;
  if (state.copyBackDueMs === null) {
    state.copyBackDueMs = nowMs + copyBackWithinMs;
    state.unsaved.meta = true;
  }
}

/** Sets the latest reading of a vehicle; `isDirty` when D1 does not know it yet. The caller has compared times. */
export function putReading(
  state: RoomState,
  vehicleId: string,
  sourceTenantId: string,
  reading: Reading,
  isDirty: boolean,
  nowMs: number,
): void {
  touchVehicle(state, vehicleId);
  const held: ReadingEntry = {
    sourceTenantId,
    reading,
    status: vehicleStatusAt(reading, nowMs),
    statusUntilMs: nextStatusChangeMs(reading, nowMs),
    seq: state.seq + 1,
    mark: 0,
  };
  if (isDirty) markDirty(state, held, nowMs);
  state.readings.set(vehicleId, held);
  state.unsaved.readings.add(vehicleId);
  if (held.statusUntilMs !== null && (state.statusDueMs === null || held.statusUntilMs < state.statusDueMs)) {
    state.statusDueMs = held.statusUntilMs;
  }
}

/** Moves the statuses that age has changed by `nowMs` (epoch milliseconds). D1 learns of them like of a reading. */
export function ageStatuses(state: RoomState, nowMs: number): void {
  if (state.statusDueMs === null || nowMs < state.statusDueMs) return;
  let earliest: number | null = null;
  for (const [vehicleId, held] of state.readings) {
    if (held.statusUntilMs !== null && held.statusUntilMs <= nowMs) {
      touchVehicle(state, vehicleId);
      held.status = vehicleStatusAt(held.reading, nowMs);
      held.statusUntilMs = nextStatusChangeMs(held.reading, nowMs);
      held.seq = state.seq + 1;
      markDirty(state, held, nowMs);
      state.unsaved.readings.add(vehicleId);
    }
    if (held.statusUntilMs !== null && (earliest === null || held.statusUntilMs < earliest)) {
      earliest = held.statusUntilMs;
    }
  }
  state.statusDueMs = earliest;
}
