/**
 * The packed encoding of snapshots and deltas: binary frames for large fleets, lossless, documented to the byte in
 * docs/live-protocol.md. Pure; the room writes with it, dashboards and clients read with it.
 *
 * Little-endian. A header of 36 bytes, then one record per vehicle, then a tail of JSON (UTF-8) for what is rare: names,
 * removed vehicles, alerts. A vehicle is named by its number in the room; a record that brings its facts also says whose
 * id the number stands for. Whatever does not fit its field exactly goes into the record's own JSON instead.
 */
import type { DeltaMessage, LiveAlert, LiveVehicle, SnapshotMessage, VehicleDelta } from './live.ts';
import { fromSteps } from './reading-scales.ts';
import { recommendedActions, riskLevels } from './risk.ts';
import { vehicleStatuses } from './vehicles.ts';

export const packedHeaderBytes = 36;
export const packedFormat = 1;
export const packedKind = { snapshot: 1, delta: 2 } as const;

/** Which fields a record holds, in the order in which they stand. */
export const packedField = {
  id: 1 << 0,
  facts: 1 << 1,
  lat: 1 << 2,
  lon: 1 << 3,
  heading: 1 << 4,
  speedMph: 1 << 5,
  /** Milliseconds after the frame's base, uint16. */
  at: 1 << 6,
  /** Epoch milliseconds, float64; not a number: null. */
  atFar: 1 << 7,
  status: 1 << 8,
  rest: 1 << 9,
} as const;

/** What stands for null in a field of that width. */
export const packedNull = { i32: -0x8000_0000, u16: 0xffff, u8: 0xff } as const;
export const packedIdBytes = 16;
export const packedFactsBytes = 30;

export interface PackedHeader {
  kind: 'snapshot' | 'delta';
  seq: number;
  /** Of a delta: the sequence number it builds on; null for a snapshot. */
  prev: number | null;
  /** Of a snapshot, from 1; 1 of 1 for a delta. */
  part: number;
  parts: number;
  counts: { vehicles: number; removed: number; alerts: number; alertsClosed: number };
}

/** What stands in the tail; a missing list is empty. */
export interface PackedTail {
  /** Of a snapshot. */
  epoch?: string;
  /** Names that records point to. */
  strings?: string[];
  removed?: string[];
  alerts?: LiveAlert[];
  alertsClosed?: string[];
}

const textDecoder = new TextDecoder();
const hexOf = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Reads only the first 36 bytes. Throws a TypeError on what is no packed frame. */
export function readPackedHeader(frame: ArrayBuffer): PackedHeader {
  if (frame.byteLength < packedHeaderBytes) throw new TypeError('not a packed frame');
  const view = new DataView(frame, 0, packedHeaderBytes);
  const kind = view.getUint8(0);
  if ((kind !== packedKind.snapshot && kind !== packedKind.delta) || view.getUint8(1) !== packedFormat) {
    throw new TypeError('not a packed frame');
  }
  const seq = view.getFloat64(8, true);
  const isSnapshot = kind === packedKind.snapshot;
  return {
    kind: isSnapshot ? 'snapshot' : 'delta',
    seq,
    prev: isSnapshot ? null : seq - view.getUint32(24, true),
    part: isSnapshot ? view.getUint16(24, true) : 1,
    parts: isSnapshot ? view.getUint16(26, true) : 1,
    counts: {
      vehicles: view.getUint32(28, true),
      removed: view.getUint16(2, true),
      alerts: view.getUint16(4, true),
      alertsClosed: view.getUint16(6, true),
    },
  };
}

/**
 * Reads packed frames into the messages that a JSON socket would have been sent. Keeps which number stands for which
 * vehicle: one reader belongs to one picture, across reconnects, as long as the epoch stays.
 */
export class PackedReader {
  private readonly ids: Map<number, string>;
  /** Of the snapshot under way: alerts are handed out with its last part. */
  private alerts: LiveAlert[] = [];

  /** `numbers` of an earlier reader: for a picture that was kept somewhere and is to be resumed. */
  constructor(numbers: Iterable<readonly [number, string]> = []) {
    this.ids = new Map(numbers);
  }

  get numbers(): ReadonlyMap<number, string> {
    return this.ids;
  }

  /** Throws on a broken frame and on a number that was never introduced: then say hello again, without `resume`. */
  read(frame: ArrayBuffer): SnapshotMessage | DeltaMessage {
    const header = readPackedHeader(frame);
    const view = new DataView(frame);
    const tailAt = frame.byteLength - view.getUint32(32, true);
    if (tailAt < packedHeaderBytes) throw new TypeError('a packed frame with a broken tail');
    const tailText = textDecoder.decode(new Uint8Array(frame, tailAt));
    const tail = (tailText === '' ? {} : JSON.parse(tailText)) as PackedTail;
    if (header.kind === 'snapshot' && header.part === 1) {
      this.ids.clear();
      this.alerts = [];
    }
    const vehicles = this.readRecords(view, header.counts.vehicles, tailAt, tail.strings ?? []);
    if (header.kind === 'delta') {
      const { removed = [], alerts = [], alertsClosed = [] } = tail;
      return { type: 'delta', seq: header.seq, prev: header.prev ?? 0, vehicles, removed, alerts, alertsClosed };
    }
    this.alerts.push(...(tail.alerts ?? []));
    const { seq, part, parts } = header;
    const alerts = part === parts ? this.alerts.splice(0) : [];
    return { type: 'snapshot', epoch: tail.epoch ?? '', seq, part, parts, vehicles: vehicles as LiveVehicle[], alerts };
  }

  private readRecords(view: DataView, count: number, endAt: number, strings: readonly string[]): VehicleDelta[] {
    const baseMs = view.getFloat64(16, true);
    const textOf = (at: number): string | null => {
      const index = view.getUint16(at, true);
      if (index === packedNull.u16) return null;
      const text = strings[index];
      if (text === undefined) throw new TypeError('a packed record names nothing');
      return text;
    };
    const vehicles: VehicleDelta[] = [];
    let at = packedHeaderBytes;
    for (let n = 0; n < count; n += 1) {
      const number = view.getUint32(at, true);
      const mask = view.getUint16(at + 4, true);
      at += 6;
      const fields: Partial<LiveVehicle> = {};
      if (mask & packedField.id) {
        this.ids.set(number, readUuid(view, at));
        at += packedIdBytes;
      }
      if (mask & packedField.facts) {
        fields.tenantId = textOf(at) ?? '';
        fields.unitNumber = textOf(at + 2) ?? '';
        fields.make = textOf(at + 4);
        fields.model = textOf(at + 6);
        fields.healthScore = numberOrNull(view.getFloat64(at + 8, true));
        fields.riskScore = numberOrNull(view.getFloat64(at + 16, true));
        fields.riskLevel = riskLevels[view.getUint8(at + 24)] ?? null;
        fields.recommendedAction = recommendedActions[view.getUint8(at + 25)] ?? null;
        fields.activeFaultCount = view.getUint16(at + 26, true);
        fields.openAlertCount = view.getUint16(at + 28, true);
        at += packedFactsBytes;
      }
      if (mask & packedField.lat) {
        const steps = view.getInt32(at, true);
        fields.lat = steps === packedNull.i32 ? null : fromSteps('lat', steps);
        at += 4;
      }
      if (mask & packedField.lon) {
        const steps = view.getInt32(at, true);
        fields.lon = steps === packedNull.i32 ? null : fromSteps('lon', steps);
        at += 4;
      }
      if (mask & packedField.heading) {
        const steps = view.getUint16(at, true);
        fields.heading = steps === packedNull.u16 ? null : fromSteps('heading', steps);
        at += 2;
      }
      if (mask & packedField.speedMph) {
        const steps = view.getUint16(at, true);
        fields.speedMph = steps === packedNull.u16 ? null : fromSteps('speedMph', steps);
        at += 2;
      }
      if (mask & packedField.at) {
        fields.at = new Date(baseMs + view.getUint16(at, true)).toISOString();
        at += 2;
      }
      if (mask & packedField.atFar) {
        const ms = view.getFloat64(at, true);
        fields.at = Number.isNaN(ms) ? null : new Date(ms).toISOString();
        at += 8;
      }
      if (mask & packedField.status) {
        const status = vehicleStatuses[view.getUint8(at)];
        if (status === undefined) throw new TypeError('a packed record with an unknown status');
        fields.status = status;
        at += 1;
      }
      if (mask & packedField.rest) {
        const size = view.getUint32(at, true);
        const text = textDecoder.decode(new Uint8Array(view.buffer, at + 4, size));
        Object.assign(fields, JSON.parse(text) as Partial<LiveVehicle>);
        at += 4 + size;
        if (fields.id !== undefined) this.ids.set(number, fields.id);
      }
      if (at > endAt) throw new TypeError('a packed frame that ends too early');
      const id = this.ids.get(number);
      if (id === undefined) throw new TypeError(`vehicle number ${number} was never introduced`);
      vehicles.push({ ...fields, id });
    }
    return vehicles;
  }
}

const numberOrNull = (value: number): number | null => (Number.isNaN(value) ? null : value);

function readUuid(view: DataView, at: number): string {
  let text = '';
  for (let n = 0; n < packedIdBytes; n += 1) {
    if (n === 4 || n === 6 || n === 8 || n === 10) text += '-';
    text += hexOf[view.getUint8(at + n)] ?? '';
  }
  return text;
}
