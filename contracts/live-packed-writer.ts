/** Writes packed frames (the layout is in live-packed.ts). Pure; the room and the benches use it. */
import { liveLimits, type DeltaMessage, type LiveAlert, type LiveVehicle, type VehicleDelta } from './live.ts';
import {
  packedFactsBytes,
  packedField,
  packedFormat,
  packedHeaderBytes,
  packedIdBytes,
  packedKind,
  packedNull,
  type PackedTail,
} from './live-packed.ts';
import { fromSteps, toSteps } from './reading-scales.ts';
import { recommendedActions, riskLevels } from './risk.ts';
import { vehicleStatuses } from './vehicles.ts';

/** The room's number of a vehicle: small, whole, the same as long as the epoch. */
export type NumberOf = (vehicleId: string) => number;

/** A record without its JSON is at most this long. */
const longestRecord = 6 + packedIdBytes + packedFactsBytes + 4 + 4 + 2 + 2 + 8 + 1;
/** Alerts beyond this many bytes of JSON go into a further part. */
const alertBytesPerPart = liveLimits.maxPackedFrameBytes / 4;
const longestAtSpanMs = 0xffff;

const textEncoder = new TextEncoder();
const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const isUuid = (id: string): boolean => id.length === 36 && uuidPattern.test(id);

/** Epoch milliseconds of a time that its milliseconds give back exactly; null for any other text. */
function exactMs(at: string): number | null {
  const ms = Date.parse(at);
  return Number.isNaN(ms) || new Date(ms).toISOString() !== at ? null : ms;
}

const fitsU16 = (value: number): boolean => Number.isInteger(value) && value >= 0 && value <= 0xffff;

/** A frame under construction. */
class Frame {
  private bytes: Uint8Array;
  private view: DataView;
  private at = packedHeaderBytes;
  private readonly strings: string[] = [];
  private readonly indexOf = new Map<string, number>();
  private readonly numberOf: NumberOf;
  private readonly vehicles: readonly VehicleDelta[];
  private readonly times: (number | null)[];
  private baseMs = 0;

  constructor(vehicles: readonly VehicleDelta[], numberOf: NumberOf) {
    this.vehicles = vehicles;
    this.numberOf = numberOf;
    this.times = vehicles.map(({ at }) => (at === undefined || at === null ? null : exactMs(at)));
    this.bytes = new Uint8Array(packedHeaderBytes + vehicles.length * longestRecord);
    this.view = new DataView(this.bytes.buffer);
  }

  /** Writes everything; null when the frame would be larger than a frame may be. */
  finish(kind: number, seq: number, tail: PackedTail, setHeader: (view: DataView) => void): Uint8Array | null {
    this.chooseBase();
    for (const [at, vehicle] of this.vehicles.entries()) this.write(vehicle, this.times[at] ?? null);
    if (this.strings.length >= packedNull.u16) return null;
    const { removed = [], alerts = [], alertsClosed = [] } = tail;
    if (this.strings.length > 0) tail.strings = this.strings;
    const isBare = Object.keys(tail).length === 0;
    const tailBytes = isBare ? new Uint8Array() : textEncoder.encode(JSON.stringify(tail));
    const size = this.at + tailBytes.length;
    if (size > liveLimits.maxPackedFrameBytes) return null;
    this.makeRoom(tailBytes.length);
    this.bytes.set(tailBytes, this.at);
    const { view } = this;
    view.setUint8(0, kind);
    view.setUint8(1, packedFormat);
    view.setUint16(2, removed.length, true);
    view.setUint16(4, alerts.length, true);
    view.setUint16(6, alertsClosed.length, true);
    view.setFloat64(8, seq, true);
    view.setFloat64(16, this.baseMs, true);
    view.setUint32(28, this.vehicles.length, true);
    view.setUint32(32, tailBytes.length, true);
    setHeader(view);
    return this.bytes.slice(0, size);
  }

  /** As early as the latest time allows, so that most times fit into 16 bits. */
  private chooseBase(): void {
    let earliest = Number.POSITIVE_INFINITY;
    let latest = Number.NEGATIVE_INFINITY;
    for (const ms of this.times) {
      if (ms === null) continue;
      if (ms < earliest) earliest = ms;
      if (ms > latest) latest = ms;
    }
    this.baseMs = latest === Number.NEGATIVE_INFINITY ? 0 : Math.max(earliest, latest - longestAtSpanMs);
  }

  private makeRoom(bytes: number): void {
    if (this.at + bytes <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(this.bytes.length * 2, this.at + bytes));
    larger.set(this.bytes);
    this.bytes = larger;
    this.view = new DataView(larger.buffer);
  }

  private stringIndex(text: string | null): number {
    if (text === null) return packedNull.u16;
    let index = this.indexOf.get(text);
    if (index === undefined) {
      index = this.strings.length;
      this.strings.push(text);
      this.indexOf.set(text, index);
    }
    return index;
  }

  private write(vehicle: VehicleDelta, atMs: number | null): void {
    this.makeRoom(longestRecord);
    const { view } = this;
    const startsAt = this.at;
    view.setUint32(startsAt, this.numberOf(vehicle.id), true);
    this.at += 6;
    let mask = 0;
    let rest: Partial<LiveVehicle> | null = null;
    const { tenantId, unitNumber } = vehicle;
    const isWhole = tenantId !== undefined && unitNumber !== undefined;
    if (isWhole && isUuid(vehicle.id)) {
      mask |= packedField.id;
      writeUuid(this.bytes, this.at, vehicle.id);
      this.at += packedIdBytes;
    } else if (isWhole) rest = { id: vehicle.id };
    if (this.writeFacts(vehicle)) mask |= packedField.facts;
    else rest = restOfFacts(vehicle, rest);

    for (const field of ['lat', 'lon'] as const) {
      const value = vehicle[field];
      if (value === undefined) continue;
      const steps = value === null ? packedNull.i32 : toSteps(field, value);
      if (value === null || (Math.abs(steps) < 0x7fff_ffff && fromSteps(field, steps) === value)) {
        mask |= packedField[field];
        view.setInt32(this.at, steps, true);
        this.at += 4;
      } else rest = { ...rest, [field]: value };
    }
    for (const field of ['heading', 'speedMph'] as const) {
      const value = vehicle[field];
      if (value === undefined) continue;
      const steps = value === null ? packedNull.u16 : toSteps(field, value);
      if (value === null || (steps >= 0 && steps < packedNull.u16 && fromSteps(field, steps) === value)) {
        mask |= packedField[field];
        view.setUint16(this.at, steps, true);
        this.at += 2;
      } else rest = { ...rest, [field]: value };
    }
    if (atMs !== null && atMs >= this.baseMs) {
      mask |= packedField.at;
      view.setUint16(this.at, atMs - this.baseMs, true);
      this.at += 2;
    } else if (atMs !== null || vehicle.at === null) {
      mask |= packedField.atFar;
      view.setFloat64(this.at, atMs ?? Number.NaN, true);
      this.at += 8;
    } else if (vehicle.at !== undefined) rest = { ...rest, at: vehicle.at };
    if (vehicle.status !== undefined) {
      mask |= packedField.status;
      view.setUint8(this.at, vehicleStatuses.indexOf(vehicle.status));
      this.at += 1;
    }
    if (rest !== null) {
      mask |= packedField.rest;
      this.writeRest(rest);
    }
    this.view.setUint16(startsAt + 4, mask, true);
  }

  /** The facts as fixed fields, when all are there and fit. */
  private writeFacts(vehicle: VehicleDelta): boolean {
    const { tenantId, unitNumber, make, model, healthScore, riskScore, riskLevel, recommendedAction } = vehicle;
    const { activeFaultCount, openAlertCount } = vehicle;
    if (tenantId === undefined || unitNumber === undefined || make === undefined || model === undefined) return false;
    if (healthScore === undefined || riskScore === undefined || riskLevel === undefined) return false;
    if (recommendedAction === undefined || activeFaultCount === undefined || openAlertCount === undefined) return false;
    if (!fitsU16(activeFaultCount) || !fitsU16(openAlertCount)) return false;
    const { view, at } = this;
    view.setUint16(at, this.stringIndex(tenantId), true);
    view.setUint16(at + 2, this.stringIndex(unitNumber), true);
    view.setUint16(at + 4, this.stringIndex(make), true);
    view.setUint16(at + 6, this.stringIndex(model), true);
    view.setFloat64(at + 8, healthScore ?? Number.NaN, true);
    view.setFloat64(at + 16, riskScore ?? Number.NaN, true);
    view.setUint8(at + 24, riskLevel === null ? packedNull.u8 : riskLevels.indexOf(riskLevel));
    view.setUint8(at + 25, recommendedAction === null ? packedNull.u8 : recommendedActions.indexOf(recommendedAction));
    view.setUint16(at + 26, activeFaultCount, true);
    view.setUint16(at + 28, openAlertCount, true);
    this.at += packedFactsBytes;
    return true;
  }

  private writeRest(rest: Partial<LiveVehicle>): void {
    const bytes = textEncoder.encode(JSON.stringify(rest));
    this.makeRoom(4 + bytes.length);
    this.view.setUint32(this.at, bytes.length, true);
    this.bytes.set(bytes, this.at + 4);
    this.at += 4 + bytes.length;
  }
}

function writeUuid(bytes: Uint8Array, at: number, id: string): void {
  let from = 0;
  for (let n = 0; n < packedIdBytes; n += 1) {
    if (id.charCodeAt(from) === 45) from += 1;
    bytes[at + n] = Number.parseInt(id.slice(from, from + 2), 16);
    from += 2;
  }
}

const packedAlone = new Set(['id', 'lat', 'lon', 'heading', 'speedMph', 'at', 'status']);

/** Facts that came singly, or did not fit. */
function restOfFacts(vehicle: VehicleDelta, rest: Partial<LiveVehicle> | null): Partial<LiveVehicle> | null {
  let all = rest;
  for (const field in vehicle) {
    if (packedAlone.has(field)) continue;
    all ??= {};
    Object.assign(all, { [field]: vehicle[field as keyof VehicleDelta] });
  }
  return all;
}

/** A delta in one frame; null when it does not fit into one: then a snapshot is due. */
export const packDelta = (delta: Omit<DeltaMessage, 'type'>, numberOf: NumberOf): Uint8Array | null => {
  const { seq, prev, vehicles, removed, alerts, alertsClosed } = delta;
  const tail: PackedTail = {};
  if (removed.length > 0) tail.removed = removed;
  if (alerts.length > 0) tail.alerts = alerts;
  if (alertsClosed.length > 0) tail.alertsClosed = alertsClosed;
  return new Frame(vehicles, numberOf).finish(packedKind.delta, seq, tail, (view) => {
    view.setUint32(24, seq - prev, true);
  });
};

/**
 * A snapshot in parts of at most 500 vehicles and a megabyte. Alerts begin with the last part that holds vehicles, and
 * may need further parts.
 */
export function packSnapshot(
  header: { epoch: string; seq: number },
  picture: { vehicles: readonly LiveVehicle[]; alerts: readonly LiveAlert[] },
  numberOf: NumberOf,
): Uint8Array[] {
  const alertParts = splitAlerts(picture.alerts);
  // Names have no limit here: where 500 are too much for a frame, fewer are not.
  for (let size: number = liveLimits.snapshotPartVehicles; size >= 1; size = Math.floor(size / 4)) {
    const parts = packParts(header, picture.vehicles, alertParts, size, numberOf);
    if (parts !== null) return parts;
  }
  throw new RangeError('one vehicle is larger than a frame may be');
}

function packParts(
  { epoch, seq }: { epoch: string; seq: number },
  vehicles: readonly LiveVehicle[],
  alertParts: readonly LiveAlert[][],
  size: number,
  numberOf: NumberOf,
): Uint8Array[] | null {
  const vehicleParts = Math.max(1, Math.ceil(vehicles.length / size));
  const count = vehicleParts + Math.max(0, alertParts.length - 1);
  const parts: Uint8Array[] = [];
  for (let at = 0; at < count; at += 1) {
    const tail: PackedTail = { epoch };
    const alerts = alertParts[at - vehicleParts + 1];
    if (alerts) tail.alerts = alerts;
    const frame = new Frame(vehicles.slice(at * size, (at + 1) * size), numberOf);
    const bytes = frame.finish(packedKind.snapshot, seq, tail, (view) => {
      view.setUint16(24, at + 1, true);
      view.setUint16(26, count, true);
    });
    if (bytes === null) return null;
    parts.push(bytes);
  }
  return parts;
}

function splitAlerts(alerts: readonly LiveAlert[]): LiveAlert[][] {
  const parts: LiveAlert[][] = [];
  let room = 0;
  for (const alert of alerts) {
    // As text, and then at most three bytes a character.
    const bytes = JSON.stringify(alert).length * 3;
    const last = parts.at(-1);
    if (last === undefined || bytes > room) {
      parts.push([alert]);
      room = alertBytesPerPart - bytes;
    } else {
      last.push(alert);
      room -= bytes;
    }
  }
  return parts;
}
