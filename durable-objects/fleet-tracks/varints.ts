/** Whole numbers as bytes: unsigned LEB128, seven bits a byte, the lowest first. Up to 2⁵³. Pure. */

/** Signed whole numbers as unsigned ones, small ones as small ones. */
export const zigzag = (value: number): number => (value >= 0 ? value * 2 : value * -2 - 1);
/** Most numbers fit into 31 bits, where shifting is much faster than dividing. */
export function unzigzag(value: number): number {
  if (value < 0x8000_0000) return (value >>> 1) ^ -(value & 1);
  return value % 2 === 0 ? value / 2 : (value + 1) / -2;
}

/** Bytes of a varint. */
export function sizeOf(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x20_0000) return 3;
  let size = 4;
  for (let rest = value; rest >= 0x1000_0000; rest /= 128) size += 1;
  return size;
}

export class Writer {
  private bytes = new Uint8Array(1024);
  private at = 0;

  /** A whole number from 0 to 2⁵³. */
  put(value: number): void {
    if (this.at + 8 > this.bytes.length) {
      const larger = new Uint8Array(this.bytes.length * 2);
      larger.set(this.bytes);
      this.bytes = larger;
    }
    let rest = value;
    while (rest >= 0x1000_0000) {
      this.bytes[this.at++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    while (rest >= 128) {
      this.bytes[this.at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.bytes[this.at++] = rest;
  }

  done(): Uint8Array {
    return this.bytes.slice(0, this.at);
  }
}

/** Throws a RangeError on what is no number. */
export class Reader {
  private readonly bytes: Uint8Array;
  private at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  take(): number {
    const { bytes } = this;
    const first = bytes[this.at++];
    if (first === undefined) throw new RangeError('ends too soon');
    if (first < 128) return first;
    const second = bytes[this.at++];
    if (second === undefined) throw new RangeError('ends too soon');
    if (second < 128) return (first & 0x7f) | (second << 7);
    let value = (first & 0x7f) | ((second & 0x7f) << 7);
    for (let scale = 2 ** 14; scale <= 2 ** 49; scale *= 128) {
      const byte = bytes[this.at++];
      if (byte === undefined) throw new RangeError('ends too soon');
      value += (byte & 0x7f) * scale;
      if (byte < 128) return value;
    }
    throw new RangeError('no such number');
  }

  /** The next `count` numbers. */
  takeMany(count: number): Float64Array {
    const { bytes } = this;
    // A number takes a byte: what says that there are more is damaged, and makes no room for them.
    if (count > bytes.length - this.at) throw new RangeError('ends too soon');
    const values = new Float64Array(count);
    let { at } = this;
    for (let n = 0; n < count; n += 1) {
      // Nearly all have one to three bytes; beyond the end there are none, and `take` says so.
      const [first, second, third] = [bytes[at] ?? 0xff, bytes[at + 1] ?? 0xff, bytes[at + 2] ?? 0xff];
      if (first < 128) {
        values[n] = first;
        at += 1;
      } else if (second < 128) {
        values[n] = (first & 0x7f) | (second << 7);
        at += 2;
      } else if (third < 128) {
        values[n] = (first & 0x7f) | ((second & 0x7f) << 7) | (third << 14);
        at += 3;
      } else {
        this.at = at;
        values[n] = this.take();
        at = this.at;
      }
    }
    this.at = at;
    return values;
  }

  get isAtEnd(): boolean {
    return this.at === this.bytes.length;
  }
}
