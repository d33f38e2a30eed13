/**
 * The live picture and how messages change it. Pure: folding a snapshot and every delta after it gives exactly what a
 * fresh snapshot would give. A step that does not fit is named, and the connection says hello again.
 */
import type { DeltaMessage, LiveAlert, LiveVehicle, ServerMessage, SnapshotMessage } from '#contracts/live';

export interface LivePicture {
  /** null until the first snapshot is whole. */
  epoch: string | null;
  seq: number;
  vehicles: ReadonlyMap<string, LiveVehicle>;
  alerts: ReadonlyMap<string, LiveAlert>;
}

export const emptyPicture: LivePicture = { epoch: null, seq: 0, vehicles: new Map(), alerts: new Map() };

/** A snapshot whose parts are still arriving. */
export interface SnapshotUnderway {
  epoch: string;
  seq: number;
  nextPart: number;
  parts: number;
  vehicles: Map<string, LiveVehicle>;
}

export interface Folding {
  picture: LivePicture;
  underway: SnapshotUnderway | null;
  /** Of the last welcome: the room's history that the next messages belong to. */
  roomEpoch: string | null;
}

export const emptyFolding: Folding = { picture: emptyPicture, underway: null, roomEpoch: null };

export type FoldOutcome =
  | { kind: 'applied'; folding: Folding }
  /** Kept, or of no concern to the picture. */
  | { kind: 'waiting'; folding: Folding }
  /** The message does not follow from what is held: ask for a snapshot. */
  | { kind: 'out_of_step'; folding: Folding };

/** One server message folded in. Never throws; nothing held is mutated except the snapshot under way. */
export function fold(folding: Folding, message: ServerMessage): FoldOutcome {
  switch (message.type) {
    case 'welcome':
      return { kind: 'waiting', folding: { ...folding, roomEpoch: message.epoch, underway: null } };
    case 'snapshot':
      return foldSnapshot(folding, message);
    case 'delta':
      return foldDelta(folding, message);
    default:
      return { kind: 'waiting', folding };
  }
}

function foldSnapshot(folding: Folding, message: SnapshotMessage): FoldOutcome {
  const underway: SnapshotUnderway | null =
    message.part === 1
      ? { epoch: message.epoch, seq: message.seq, nextPart: 1, parts: message.parts, vehicles: new Map() }
      : folding.underway;
  const follows =
    underway !== null &&
    underway.epoch === message.epoch &&
    underway.seq === message.seq &&
    underway.parts === message.parts &&
    underway.nextPart === message.part;
  if (!follows) return { kind: 'out_of_step', folding: { ...folding, underway: null } };
  for (const vehicle of message.vehicles) underway.vehicles.set(vehicle.id, vehicle);
  if (message.part < message.parts) {
    return { kind: 'waiting', folding: { ...folding, underway: { ...underway, nextPart: message.part + 1 } } };
  }
  return {
    kind: 'applied',
    folding: {
      roomEpoch: message.epoch,
      underway: null,
      picture: {
        epoch: message.epoch,
        seq: message.seq,
        vehicles: underway.vehicles,
        alerts: new Map(message.alerts.map((alert) => [alert.id, alert])),
      },
    },
  };
}

function foldDelta(folding: Folding, message: DeltaMessage): FoldOutcome {
  const { picture } = folding;
  const refused: FoldOutcome = { kind: 'out_of_step', folding };
  if (picture.epoch === null || folding.underway !== null) return refused;
  if (picture.epoch !== folding.roomEpoch || message.prev !== picture.seq) return refused;

  const vehicles = new Map(picture.vehicles);
  for (const id of message.removed) vehicles.delete(id);
  for (const change of message.vehicles) {
    const known = vehicles.get(change.id);
    const next = known === undefined ? wholeVehicle(change) : { ...known, ...change };
    if (next === null) return refused;
    vehicles.set(change.id, next);
  }
  const alerts = new Map(picture.alerts);
  for (const id of message.alertsClosed) alerts.delete(id);
  for (const alert of message.alerts) alerts.set(alert.id, alert);
  return {
    kind: 'applied',
    folding: { ...folding, picture: { epoch: picture.epoch, seq: message.seq, vehicles, alerts } },
  };
}

/** A vehicle not seen before must arrive whole; half of one means that something was missed. */
function wholeVehicle(change: DeltaMessage['vehicles'][number]): LiveVehicle | null {
  const { unitNumber, tenantId, status, activeFaultCount, openAlertCount } = change;
  if (
    unitNumber === undefined ||
    tenantId === undefined ||
    status === undefined ||
    activeFaultCount === undefined ||
    openAlertCount === undefined
  ) {
    return null;
  }
  return {
    id: change.id,
    unitNumber,
    tenantId,
    status,
    activeFaultCount,
    openAlertCount,
    make: change.make ?? null,
    model: change.model ?? null,
    lat: change.lat ?? null,
    lon: change.lon ?? null,
    heading: change.heading ?? null,
    speedMph: change.speedMph ?? null,
    at: change.at ?? null,
    healthScore: change.healthScore ?? null,
    riskScore: change.riskScore ?? null,
    riskLevel: change.riskLevel ?? null,
    recommendedAction: change.recommendedAction ?? null,
  };
}
