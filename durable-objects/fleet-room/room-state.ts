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
import type { VehicleStatus } from '#contracts/vehicles';
import type { VehicleReadingRow } from '../readings/packed-readings.ts';
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
  /** The reading's time in epoch milliseconds. */
  atMs: number;
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

/**
 * What befell the readings. Storage writes the entries down in order; doing them again on what was held before gives what
 * is held now, to the last number (`redo` in room-readings.ts). `seq` is the tick the change belongs to; the n-th row
 * that has to be copied back to D1 gets the mark `mark` + n.
 */
export type JournalEntry = { seq: number; nowMs: number; mark: number } & (
  | {
      /** Rows of the own tenant that came from outside: the tracks are to have them too, also those that are not news. */
      kind: 'taken';
      rows: readonly VehicleReadingRow[];
      /** The same, when they are packed already. */
      packed: Uint8Array | null;
    }
  /** Readings that are somebody else's to keep: of linked customers, or last ones that D1 still knew. */
  | { kind: 'known'; sourceTenantId: string; rows: readonly VehicleReadingRow[] }
  | { kind: 'aged'; vehicleIds: string[] }
  | { kind: 'removed'; vehicleIds: string[] }
);

/**
 * The patch: what storage must take over before the event ends. Ids, where the rows can be read from the state; readings
 * change too often for that and are written as they come.
 */
export interface Unsaved {
  vehicles: Set<string>;
  journal: JournalEntry[];
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
  /** The own vehicles by VIN; null until somebody asks (vehicle-names.ts). */
  idsByVin: Map<string, string> | null;
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
  journal: [],
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
  idsByVin: null,
  readings: new Map(),
  alerts: new Map(),
  tombstones: new Map(),
  sources: new Map(),
  log: [],
  tick: noOpenTick(true),
  unsaved: nothingUnsaved(),
});

const scopeOf = ({ facts }: VehicleEntry): VehicleScope => ({
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
export function touchVehicle(state: RoomState, vehicleId: string): void {
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
  if (facts.tenantId === state.ownTenantId && known?.facts.vin !== facts.vin) state.idsByVin = null;
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
    if (known.facts.tenantId === state.ownTenantId) state.idsByVin = null;
  }
  if (!state.readings.delete(vehicleId)) return;
  const last = state.unsaved.journal.at(-1);
  if (last?.kind === 'removed') last.vehicleIds.push(vehicleId);
  else {
    const entry = { seq: state.seq + 1, nowMs: 0, mark: state.nextMark };
    state.unsaved.journal.push({ ...entry, kind: 'removed', vehicleIds: [vehicleId] });
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
