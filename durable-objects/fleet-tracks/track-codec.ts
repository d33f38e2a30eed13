/**
 * A chunk of one vehicle's fixes as bytes, and back. Pure; any sequence in, exactly the same out.
 *
 * A chunk: version (1 byte: 1 plain, 2 the body is deflated), FNV-1a of the body as it stands (4 bytes, little-endian),
 * the body. A body: the number of fixes, then one column after the other: time, lat, lon, odometer, engine hours, speed,
 * heading, fuel, ignition. Everything is unsigned LEB128 varints; signed numbers are zigzagged first.
 *
 * A column of numbers begins with its shape: 0 nothing is known; 1 one value for all; 2 first differences; 3 second
 * differences; 4 distances from the least; plus 8 when some are unknown. With 8 the lengths of the runs known, unknown,
 * known … follow, and the rest is of the known ones alone. Shapes 1–4: a value; 2–4: then the greatest common divisor of
 * all differences (gateways speak in whole percents, degrees and milliseconds of a round beat), then the differences in
 * units of it. The shape is whichever is shortest. Ignition is runs: value (0 off, 1 on, 2 unknown) and length.
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { none, type Fix } from '../readings/packed-steps.ts';
import { Reader, sizeOf, unzigzag, Writer, zigzag } from './varints.ts';

const plain = 1;
const deflated = 2;
const headBytes = 5;
const shape = { unknown: 0, constant: 1, first: 2, second: 3, floor: 4 } as const;
const someUnknown = 8;

const columns = ['atMs', 'lat', 'lon', 'odometerMiles', 'engineHours', 'speedMph', 'heading', 'fuelPercent'] as const;
type Column = (typeof columns)[number];
/** Always known, and perhaps negative: `none` is a value like any other there. */
const alwaysKnown: ReadonlySet<Column> = new Set(['atMs', 'lat', 'lon']);

function greatestDivisor(values: readonly number[]): number {
  const first = values[0] ?? 0;
  let divisor = 0;
  for (const value of values) {
    let a = Math.abs(value - first);
    while (a !== 0) [a, divisor] = [divisor % a, a];
    if (divisor === 1) return 1;
  }
  return divisor;
}

/** The shortest of first differences, second differences and distances from the least, in units. */
function cheapest(values: readonly number[], unit: number): { kind: 2 | 3 | 4; base: number; steps: Float64Array } {
  const base = values[0] as number;
  const first = new Float64Array(values.length - 1);
  const second = new Float64Array(values.length - 1);
  const floor = new Float64Array(values.length);
  let least = base;
  for (const value of values) if (value < least) least = value;
  let [ofFirst, ofSecond, ofFloor] = [0, 0, sizeOf((base - least) / unit)];
  floor[0] = (base - least) / unit;
  let lastStep = 0;
  for (let n = 1; n < values.length; n += 1) {
    const value = values[n] as number;
    const step = (value - (values[n - 1] as number)) / unit;
    const [zigzagged, turn, above] = [zigzag(step), zigzag(step - lastStep), (value - least) / unit];
    first[n - 1] = zigzagged;
    second[n - 1] = turn;
    floor[n] = above;
    ofFirst += sizeOf(zigzagged);
    ofSecond += sizeOf(turn);
    ofFloor += sizeOf(above);
    lastStep = step;
  }
  if (ofFloor < ofFirst && ofFloor < ofSecond) return { kind: shape.floor, base: least, steps: floor };
  if (ofFirst <= ofSecond) return { kind: shape.first, base, steps: first };
  return { kind: shape.second, base, steps: second };
}

function putRuns(out: Writer, values: readonly number[], isKnown: (value: number) => boolean): void {
  let known = true;
  let length = 0;
  for (const value of values) {
    if (isKnown(value) === known) length += 1;
    else {
      out.put(length);
      known = !known;
      length = 1;
    }
  }
  out.put(length);
}

function putColumn(out: Writer, all: readonly number[], isNullable: boolean): void {
  const values = isNullable ? all.filter((value) => value !== none) : all;
  if (values.length === 0) {
    out.put(shape.unknown);
    return;
  }
  const flag = values.length === all.length ? 0 : someUnknown;
  const unit = greatestDivisor(values);
  const chosen = unit === 0 ? null : cheapest(values, unit);
  out.put((chosen?.kind ?? shape.constant) + flag);
  if (flag) putRuns(out, all, (value) => value !== none);
  out.put(zigzag(chosen?.base ?? (values[0] as number)));
  if (chosen === null) return;
  out.put(unit);
  for (const step of chosen.steps) out.put(step);
}

/** For each of `count` places whether it is known, from runs of lengths that begin with a known one. */
function takeRuns(input: Reader, count: number): boolean[] {
  const known: boolean[] = [];
  for (let value = true; known.length < count; value = !value) {
    const length = input.take();
    if (known.length + length > count) throw new RangeError('runs too far');
    for (let n = 0; n < length; n += 1) known.push(value);
  }
  return known;
}

function takeValues(input: Reader, kind: number, count: number): Float64Array {
  const base = unzigzag(input.take());
  if (kind === shape.constant) return new Float64Array(count).fill(base);
  const unit = input.take();
  if (kind === shape.floor) return input.takeMany(count).map((steps) => base + steps * unit);
  if (kind !== shape.first && kind !== shape.second) throw new RangeError('no such shape');
  const steps = input.takeMany(count - 1);
  const values = new Float64Array(count);
  let value = base;
  let step = 0;
  values[0] = value;
  for (let n = 1; n < count; n += 1) {
    const read = unzigzag(steps[n - 1] as number);
    step = kind === shape.first ? read : step + read;
    value += step * unit;
    values[n] = value;
  }
  return values;
}

function takeColumn(input: Reader, count: number): Float64Array {
  const head = input.take();
  if (head === shape.unknown) return new Float64Array(count).fill(none);
  if (head < someUnknown) return takeValues(input, head, count);
  const known = takeRuns(input, count);
  const values = takeValues(input, head - someUnknown, known.filter(Boolean).length);
  let next = 0;
  return Float64Array.from(known, (isKnown) => (isKnown ? (values[next++] as number) : none));
}

function putIgnition(out: Writer, fixes: readonly Fix[]): void {
  let at = 0;
  while (at < fixes.length) {
    const value = (fixes[at] as Fix).ignition;
    let end = at + 1;
    while (end < fixes.length && fixes[end]?.ignition === value) end += 1;
    out.put(value === none ? 2 : value);
    out.put(end - at);
    at = end;
  }
}

function takeIgnition(input: Reader, count: number): number[] {
  const values: number[] = [];
  while (values.length < count) {
    const value = input.take();
    const length = input.take();
    if (length === 0 || values.length + length > count) throw new RangeError('runs too far');
    for (let n = 0; n < length; n += 1) values.push(value === 2 ? none : value);
  }
  return values;
}

/** FNV-1a, 32 bits. */
function hashOf(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (let n = 0; n < bytes.length; n += 1) hash = Math.imul(hash ^ (bytes[n] as number), 0x0100_0193);
  return hash >>> 0;
}

/**
 * A chunk of these fixes, in their order. `deflate` for what will be kept long: it is tried, and used when it helps.
 */
export function encodeChunk(fixes: readonly Fix[], options: { deflate: boolean }): Uint8Array {
  const out = new Writer();
  out.put(fixes.length);
  for (const column of columns) {
    putColumn(
      out,
      fixes.map((fix) => fix[column]),
      !alwaysKnown.has(column),
    );
  }
  putIgnition(out, fixes);
  let body = out.done();
  let version = plain;
  if (options.deflate) {
    const smaller = deflateRawSync(body, { level: 6 });
    if (smaller.length < body.length) {
      body = smaller;
      version = deflated;
    }
  }
  const chunk = new Uint8Array(headBytes + body.length);
  chunk[0] = version;
  new DataView(chunk.buffer).setUint32(1, hashOf(body), true);
  chunk.set(body, headBytes);
  return chunk;
}

/** More fixes than any chunk has: what says so is damaged. */
const maxFixes = 1_000_000;

/** A chunk column by column, so that a fix is made only of those that are asked for. */
interface Decoded {
  count: number;
  columns: Record<Column, Float64Array> & { ignition: readonly number[] };
}

function decodeBody(body: Uint8Array): Decoded {
  const input = new Reader(body);
  const count = input.take();
  if (count > maxFixes) throw new RangeError('too many');
  const taken = columns.map((column) => [column, takeColumn(input, count)] as const);
  const ignition = takeIgnition(input, count);
  if (!input.isAtEnd) throw new RangeError('goes on');
  return { count, columns: { ...(Object.fromEntries(taken) as Record<Column, Float64Array>), ignition } };
}

const fixAt = ({ columns: of }: Decoded, n: number): Fix => ({
  atMs: of.atMs[n] as number,
  lat: of.lat[n] as number,
  lon: of.lon[n] as number,
  odometerMiles: of.odometerMiles[n] as number,
  engineHours: of.engineHours[n] as number,
  speedMph: of.speedMph[n] as number,
  heading: of.heading[n] as number,
  fuelPercent: of.fuelPercent[n] as number,
  ignition: of.ignition[n] as number,
});

function decode(chunk: Uint8Array): Decoded | null {
  if (chunk.length < headBytes || (chunk[0] !== plain && chunk[0] !== deflated)) return null;
  const body = chunk.subarray(headBytes);
  const kept = new DataView(chunk.buffer, chunk.byteOffset).getUint32(1, true);
  if (hashOf(body) !== kept) return null;
  try {
    return decodeBody(chunk[0] === deflated ? inflateRawSync(body) : body);
  } catch {
    return null;
  }
}

/** The fixes of a chunk, or null when it is damaged. Never throws. */
export function decodeChunk(chunk: Uint8Array): Fix[] | null {
  const decoded = decode(chunk);
  return decoded && Array.from({ length: decoded.count }, (_, n) => fixAt(decoded, n));
}

/**
 * The last fix at or before an instant of a chunk whose fixes are in order of time; null when there is none, 'damaged' when
 * the chunk is. Never throws.
 */
export function lastInChunk(chunk: Uint8Array, atMs: number): Fix | null | 'damaged' {
  const decoded = decode(chunk);
  if (decoded === null) return 'damaged';
  const times = decoded.columns.atMs;
  let low = 0;
  let high = decoded.count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] as number) <= atMs) low = middle + 1;
    else high = middle;
  }
  return low === 0 ? null : fixAt(decoded, low - 1);
}
