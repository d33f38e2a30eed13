/**
 * What one viewer sees of a room, and how that differs from what the viewer saw before. Pure.
 *
 * Folding a snapshot and the deltas after it gives exactly what a fresh snapshot would give, for every viewer, from
 * every sequence number of the resume window: live-view.test.ts holds this against random histories.
 */
import type { DeltaMessage, LiveAlert, LiveFilter, LiveVehicle, VehicleDelta } from '#contracts/live';
import { wallText, wallUnit } from '#contracts/wall-text';
import type { RoomPrincipal } from './feed.ts';
import {
  liveVehicleOf,
  type LeftEntry,
  type OpenTick,
  type RoomState,
  type VehicleEntry,
  type VehicleScope,
} from './room-state.ts';

/** The filters a room can judge; groups are not among them. */
export type RoomFilter = Omit<LiveFilter, 'groupId'>;

/** A person's rights and chosen filter, ready to be asked often. */
export interface Viewer {
  /** Equal for viewers who see the same. */
  key: string;
  /** Short digest of `key`: a client that comes back as another viewer must not resume as the old one. */
  digest: string;
  tenantIds: ReadonlySet<string>;
  onlyAssignedTo: string | null;
  vehicleIds: ReadonlySet<string> | null;
  riskLevels: ReadonlySet<string> | null;
  /** A wall display: whoever stands in the hall reads what it is sent. */
  isWall: boolean;
}

/** cyrb53: 53 bits, enough to tell the viewers of one room apart; nobody gains by a collision with themselves. */
function digestOf(text: string): string {
  let a = 0xdeadbeef;
  let b = 0x41c6ce57;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    a = Math.imul(a ^ code, 2654435761);
    b = Math.imul(b ^ code, 1597334677);
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
  return (4294967296 * (2097151 & b) + (a >>> 0)).toString(36);
}

const sorted = (values: Iterable<string>): string[] => [...new Set(values)].sort();

/** The viewer that a person's rights and filter make. A filter can only narrow the rights. */
export function viewerOf(
  principal: Pick<RoomPrincipal, 'tenantIds' | 'onlyAssignedTo'> & {
    kind?: RoomPrincipal['kind'];
    onlyVehicleId?: string | null;
  },
  filter: RoomFilter = {},
): Viewer {
  const wanted = filter.tenantIds && new Set(filter.tenantIds);
  const tenantIds = sorted(principal.tenantIds).filter((tenantId) => wanted === undefined || wanted.has(tenantId));
  const { onlyVehicleId = null } = principal;
  let vehicleIds = filter.vehicleIds ? sorted(filter.vehicleIds) : null;
  if (onlyVehicleId !== null) vehicleIds = (vehicleIds ?? [onlyVehicleId]).filter((id) => id === onlyVehicleId);
  const riskLevels = filter.riskLevels ? sorted(filter.riskLevels) : null;
  const isWall = principal.kind === 'display';
  const key = JSON.stringify([tenantIds, principal.onlyAssignedTo, vehicleIds, riskLevels, isWall]);
  return {
    key,
    digest: digestOf(key),
    tenantIds: new Set(tenantIds),
    onlyAssignedTo: principal.onlyAssignedTo,
    vehicleIds: vehicleIds && new Set(vehicleIds),
    riskLevels: riskLevels && new Set<string>(riskLevels),
    isWall,
  };
}

/** What narrows most is asked first: a room with hundreds of drivers asks for each of them of every truck. */
export const seesVehicle = (viewer: Viewer, scope: VehicleScope): boolean =>
  (viewer.onlyAssignedTo === null || viewer.onlyAssignedTo === scope.assignedDriverId) &&
  viewer.tenantIds.has(scope.tenantId) &&
  (viewer.vehicleIds === null || viewer.vehicleIds.has(scope.id)) &&
  (viewer.riskLevels === null || (scope.riskLevel !== null && viewer.riskLevels.has(scope.riskLevel)));

/**
 * An alert is seen with its vehicle. One that names no vehicle, or none the room knows, is seen by those whose view is
 * not narrowed to certain vehicles.
 */
export function seesAlert(
  viewer: Viewer,
  alert: { tenantId: string; vehicleId: string | null },
  vehicle: VehicleScope | null,
): boolean {
  if (!viewer.tenantIds.has(alert.tenantId)) return false;
  const isNarrowed = viewer.onlyAssignedTo !== null || viewer.vehicleIds !== null || viewer.riskLevels !== null;
  return !isNarrowed || (vehicle !== null && seesVehicle(viewer, vehicle));
}

const scopeNow = (state: RoomState, vehicleId: string | null): VehicleScope | null => {
  const entry = vehicleId === null ? undefined : state.vehicles.get(vehicleId);
  return entry ? entry.facts : null;
};

type VehicleWords = Pick<LiveVehicle, 'unitNumber' | 'make' | 'model'>;

/** Words as this viewer may read them: on a wall no full VIN and no phone number, whatever field somebody put one into. */
function shown<T extends Partial<VehicleWords>>(viewer: Viewer, vehicle: T): T {
  if (!viewer.isWall) return vehicle;
  const { unitNumber, make, model } = vehicle;
  const masked: Partial<VehicleWords> = {};
  if (unitNumber !== undefined) masked.unitNumber = wallUnit(unitNumber);
  if (typeof make === 'string') masked.make = wallText(make);
  if (typeof model === 'string') masked.model = wallText(model);
  return { ...vehicle, ...masked };
}
const shownAlert = (viewer: Viewer, alert: LiveAlert): LiveAlert =>
  viewer.isWall ? { ...alert, title: wallText(alert.title) } : alert;

/** Everything the viewer sees, as of the last change applied. */
export function snapshotFor(state: RoomState, viewer: Viewer): { vehicles: LiveVehicle[]; alerts: LiveAlert[] } {
  const vehicles: LiveVehicle[] = [];
  for (const [id, entry] of state.vehicles) {
    if (seesVehicle(viewer, entry.facts)) vehicles.push(shown(viewer, liveVehicleOf(entry, state.readings.get(id))));
  }
  const alerts: LiveAlert[] = [];
  for (const { alert } of state.alerts.values()) {
    if (seesAlert(viewer, alert, scopeNow(state, alert.vehicleId))) alerts.push(shownAlert(viewer, alert));
  }
  return { vehicles, alerts };
}

/** Everything that changed after tick `prev`, prepared once and then asked for each viewer. */
export interface ChangesSince {
  prev: number;
  vehicleIds: ReadonlySet<string>;
  alertIds: ReadonlySet<string>;
  /** Scopes as of `prev` of vehicles whose scope has changed since, or that have gone. */
  vehiclesLeft: ReadonlyMap<string, Extract<LeftEntry, { kind: 'vehicle' }>>;
  alertsLeft: ReadonlyMap<string, Extract<LeftEntry, { kind: 'alert' }>>;
  /** Vehicles as of `prev`, where known: for exact differences. */
  before: ReadonlyMap<string, LiveVehicle> | null;
}

const readingSeqOf = (state: RoomState, id: string, entry: VehicleEntry): number =>
  Math.max(state.readings.get(id)?.seq ?? 0, entry.createdSeq);

/**
 * Collects what changed after `prev`, which must not lie below the resume floor. With the tick just closed, and only
 * when `prev` is the tick before it, differences are exact; without it a changed vehicle brings the whole of the group
 * (facts, or reading and status) that changed.
 */
export function changesSince(state: RoomState, prev: number, tick: OpenTick | null): ChangesSince {
  const lastTick = tick?.isComplete === true && prev === state.seq - 1 ? tick : null;
  const vehiclesLeft = new Map<string, Extract<LeftEntry, { kind: 'vehicle' }>>();
  const alertsLeft = new Map<string, Extract<LeftEntry, { kind: 'alert' }>>();
  // From the newest back, so that the entry that stays is the first after `prev`; of one tick the first entry counts.
  for (let at = state.log.length - 1; at >= 0; at -= 1) {
    const entry = state.log[at];
    if (entry === undefined || entry.seq <= prev) break;
    if (entry.kind === 'vehicle') vehiclesLeft.set(entry.id, entry);
    else alertsLeft.set(entry.id, entry);
  }
  const vehicleIds = new Set<string>(lastTick?.vehicleIds);
  const alertIds = new Set<string>(lastTick?.alertIds);
  const scopeChanged = new Set<string>(vehiclesLeft.keys());
  if (lastTick) {
    for (const id of vehicleIds) if ((state.vehicles.get(id)?.createdSeq ?? 0) > prev) scopeChanged.add(id);
  } else {
    for (const [id, entry] of state.vehicles) {
      if (entry.factsSeq > prev || readingSeqOf(state, id, entry) > prev) vehicleIds.add(id);
      if (entry.createdSeq > prev) scopeChanged.add(id);
    }
    for (const id of vehiclesLeft.keys()) vehicleIds.add(id);
    for (const id of alertsLeft.keys()) alertIds.add(id);
  }
  for (const [id, { alert, seq }] of state.alerts) {
    const wasTouched = seq > prev || (alert.vehicleId !== null && scopeChanged.has(alert.vehicleId));
    if (wasTouched) alertIds.add(id);
  }
  // An alert can leave with its vehicle although it was closed only later: both entries are needed, and are there.
  return { prev, vehicleIds, alertIds, vehiclesLeft, alertsLeft, before: lastTick?.before ?? null };
}

/** The vehicle's scope as of `prev`, or null when it was not in the picture then. */
function scopeAt(state: RoomState, since: ChangesSince, vehicleId: string | null): VehicleScope | null {
  if (vehicleId === null) return null;
  const left = since.vehiclesLeft.get(vehicleId);
  if (left) return left.createdSeq <= since.prev ? left.scope : null;
  const entry = state.vehicles.get(vehicleId);
  return entry !== undefined && entry.createdSeq <= since.prev ? entry.facts : null;
}

/** What the viewer held of an alert as of `prev`: its tenant and vehicle, or null when it was not in the picture. */
function alertAt(state: RoomState, since: ChangesSince, alertId: string) {
  const left = since.alertsLeft.get(alertId);
  if (left) return left.createdSeq <= since.prev ? left : null;
  const entry = state.alerts.get(alertId);
  return entry !== undefined && entry.createdSeq <= since.prev ? entry.alert : null;
}

const readingFields = ['status', 'lat', 'lon', 'heading', 'speedMph', 'at'] as const;

function differenceOf(state: RoomState, since: ChangesSince, id: string, entry: VehicleEntry): VehicleDelta | null {
  const now = liveVehicleOf(entry, state.readings.get(id));
  const before = since.before?.get(id);
  const fields = Object.keys(now) as (keyof LiveVehicle)[];
  const changed = fields.filter((field) => {
    if (field === 'id') return false;
    if (before) return before[field] !== now[field];
    const isOfReading = (readingFields as readonly string[]).includes(field);
    return (isOfReading ? readingSeqOf(state, id, entry) : Math.max(entry.factsSeq, entry.createdSeq)) > since.prev;
  });
  if (changed.length === 0) return null;
  return { id, ...Object.fromEntries(changed.map((field) => [field, now[field]])) };
}

export type DeltaBody = Omit<DeltaMessage, 'type' | 'seq' | 'prev'>;

/** What turns the viewer's picture as of `since.prev` into that of now. */
export function deltaFor(state: RoomState, viewer: Viewer, since: ChangesSince): DeltaBody {
  const body: DeltaBody = { vehicles: [], removed: [], alerts: [], alertsClosed: [] };
  for (const id of since.vehicleIds) {
    const entry = state.vehicles.get(id);
    const sawBefore = scopeAt(state, since, id);
    const isHeld = sawBefore !== null && seesVehicle(viewer, sawBefore);
    if (entry && seesVehicle(viewer, entry.facts)) {
      const vehicle = isHeld ? differenceOf(state, since, id, entry) : liveVehicleOf(entry, state.readings.get(id));
      if (vehicle) body.vehicles.push(shown(viewer, vehicle));
    } else if (isHeld) {
      body.removed.push(id);
    }
  }
  for (const id of since.alertIds) {
    const entry = state.alerts.get(id);
    const before = alertAt(state, since, id);
    const isHeld = before !== null && seesAlert(viewer, before, scopeAt(state, since, before.vehicleId));
    if (entry && seesAlert(viewer, entry.alert, scopeNow(state, entry.alert.vehicleId))) {
      if (!isHeld || entry.seq > since.prev) body.alerts.push(shownAlert(viewer, entry.alert));
    } else if (isHeld) {
      body.alertsClosed.push(id);
    }
  }
  return body;
}

export const isEmptyDelta = (body: DeltaBody): boolean =>
  body.vehicles.length + body.removed.length + body.alerts.length + body.alertsClosed.length === 0;
