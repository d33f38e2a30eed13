/**
 * What was taken and is not in chunks yet, in memory: the bytes as they came and, per vehicle, where its fixes stand, in
 * order of arrival. A cache of the table `intake`; it can be thrown away and read again at any moment.
 */
import { idKey, readFix, scanPacked, timeAt, type Fix } from '../readings/packed-steps.ts';

interface IntakeRow {
  seq: number;
  bytes: Uint8Array;
  view: DataView;
  fixes: number;
}

/** A place: the row's slot and the offset in it, in one number. Rows are below 2 MB. */
const placesPerSlot = 2 ** 21;
/** Times beyond this are no instants (ECMAScript). */
const maxTimeMs = 8.64e15;

export class Intake {
  private rows: IntakeRow[] = [];
  /** Slot of `rows[0]`: slots are counted on for as long as this object lives. */
  private firstSlot = 0;
  private readonly places = new Map<number, number[]>();
  /** Rows up to here have been seen. */
  lastSeq: number;
  fixes = 0;

  constructor(afterSeq: number) {
    this.lastSeq = afterSeq;
  }

  /**
   * Takes a row in. `numberOf` says which vehicle an id's key stands for, or null for one whose fixes are not wanted.
   */
  add(seq: number, bytes: Uint8Array, numberOf: (key: string) => number | null): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const slot = this.firstSlot + this.rows.length;
    let lastKey = '';
    let last: number[] | null = null;
    const { rows } = scanPacked(bytes, (idAt, bodyAt) => {
      const atMs = timeAt(view, bodyAt);
      if (!Number.isInteger(atMs) || Math.abs(atMs) > maxTimeMs) return;
      const key = idKey(bytes, idAt);
      if (key !== lastKey) {
        lastKey = key;
        const vehicleNo = numberOf(key);
        last = vehicleNo === null ? null : this.placesOf(vehicleNo);
      }
      last?.push(slot * placesPerSlot + bodyAt);
    });
    this.rows.push({ seq, bytes, view, fixes: rows });
    this.lastSeq = seq;
    this.fixes += rows;
  }

  private placesOf(vehicleNo: number): number[] {
    let places = this.places.get(vehicleNo);
    if (!places) {
      places = [];
      this.places.set(vehicleNo, places);
    }
    return places;
  }

  private rowAt(place: number): IntakeRow {
    return this.rows[Math.floor(place / placesPerSlot) - this.firstSlot] as IntakeRow;
  }

  private timeOf(place: number): number {
    return timeAt(this.rowAt(place).view, place % placesPerSlot);
  }

  private fixOf(place: number): Fix {
    return readFix(this.rowAt(place).view, place % placesPerSlot);
  }

  /** A vehicle's fixes with fromMs ≤ time ≤ toMs, in order of arrival. */
  between(vehicleNo: number, fromMs: number, toMs: number): Fix[] {
    const found: Fix[] = [];
    for (const place of this.places.get(vehicleNo) ?? []) {
      const atMs = this.timeOf(place);
      if (atMs >= fromMs && atMs <= toMs) found.push(this.fixOf(place));
    }
    return found;
  }

  /** A vehicle's latest fix with fromMs ≤ time ≤ toMs; of several with one time the first that came. */
  latest(vehicleNo: number, fromMs: number, toMs: number): Fix | null {
    let best: number | null = null;
    let bestMs = -Infinity;
    for (const place of this.places.get(vehicleNo) ?? []) {
      const atMs = this.timeOf(place);
      if (atMs <= bestMs || atMs < fromMs || atMs > toMs) continue;
      best = place;
      bestMs = atMs;
    }
    return best === null ? null : this.fixOf(best);
  }

  /** Vehicles that have fixes here. */
  vehicleNumbers(): number[] {
    return [...this.places.keys()];
  }

  /** The slot after the last row whose seq is at most this: fixes before it are those of these rows. */
  private endSlot(throughSeq: number): number {
    let low = 0;
    let high = this.rows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.rows[middle] as IntakeRow).seq <= throughSeq) low = middle + 1;
      else high = middle;
    }
    return this.firstSlot + low;
  }

  /** The first fixes of a vehicle out of rows up to `throughSeq`, in order of arrival, at most `limit`. */
  first(vehicleNo: number, throughSeq: number, limit: number): Fix[] {
    const end = this.endSlot(throughSeq) * placesPerSlot;
    const fixes: Fix[] = [];
    for (const place of this.places.get(vehicleNo) ?? []) {
      if (place >= end || fixes.length === limit) break;
      fixes.push(this.fixOf(place));
    }
    return fixes;
  }

  /** They are in chunks now. */
  forgetFirst(vehicleNo: number, count: number): void {
    if (count === 0) return;
    const places = this.places.get(vehicleNo);
    if (!places) return;
    if (places.length <= count) this.places.delete(vehicleNo);
    else places.splice(0, count);
  }

  forgetVehicle(vehicleNo: number): void {
    this.places.delete(vehicleNo);
  }

  /** Lets go of rows all of whose fixes are in chunks. */
  dropThrough(seq: number): void {
    const gone = this.endSlot(seq) - this.firstSlot;
    for (const row of this.rows.slice(0, gone)) this.fixes -= row.fixes;
    this.rows.splice(0, gone);
    this.firstSlot += gone;
  }

  /** The seq of the last row of a stretch from the front that holds about so many fixes; null when there is none. */
  stretch(fixes: number): number | null {
    let sum = 0;
    for (const row of this.rows) {
      sum += row.fixes;
      if (sum >= fixes) return row.seq;
    }
    return this.rows.at(-1)?.seq ?? null;
  }
}
