/**
 * DM1 (PGN 65226), the active trouble codes of one controller, and DM2 (PGN 65227), those active before, from their
 * bytes (already reassembled from BAM).
 * Byte 1 lamps, byte 2 their flashing, two bits each; then four bytes per code.
 */

export type LampState = 'off' | 'on' | 'error' | 'notAvailable';
export type LampFlash = 'slow' | 'fast' | 'none' | 'notAvailable';
export type LampKey = 'malfunction' | 'redStop' | 'amberWarning' | 'protect';

export interface Dm1Code {
  spn: number;
  fmi: number;
  /** null when the controller does not count (127). */
  occurrenceCount: number | null;
  /** 1 means one of three older layouts with the SPN bits elsewhere: `spn` may be wrong, `raw` is what was sent. */
  conversionMethod: 0 | 1;
  /** The four bytes as one unsigned number, first byte most significant. */
  raw: number;
}

export interface Dm1 {
  lamps: Record<LampKey, LampState>;
  flash: Record<LampKey, LampFlash>;
  /** Empty means: no active fault at this source address. */
  codes: Dm1Code[];
}

export interface TruncatedDm1 {
  kind: 'truncated';
}

const headerBytes = 2;
const codeBytes = 4;
const lampStates = ['off', 'on', 'error', 'notAvailable'] as const;
/** 10 is reserved by the standard: treated as not available. */
const lampFlashes = ['slow', 'fast', 'notAvailable', 'none'] as const;

const lampsOf = <T>(byte: number, values: readonly [T, T, T, T]): Record<LampKey, T> => {
  const at = (shift: number): T => values[((byte >> shift) & 3) as 0 | 1 | 2 | 3];
  return { malfunction: at(6), redStop: at(4), amberWarning: at(2), protect: at(0) };
};

const decodeCode = (b1: number, b2: number, b3: number, b4: number): Dm1Code => {
  const count = b4 & 0x7f;
  return {
    spn: b1 | (b2 << 8) | ((b3 >> 5) << 16),
    fmi: b3 & 0x1f,
    occurrenceCount: count === 127 ? null : count,
    conversionMethod: b4 & 0x80 ? 1 : 0,
    raw: ((b1 << 24) | (b2 << 16) | (b3 << 8) | b4) >>> 0,
  };
};

/**
 * Decodes a DM1 payload. Trailing 0xFF bytes are padding of the last frame; one all-zero code means "no active fault".
 * Fewer than 6 bytes, or a last code cut short by anything but padding, answers `{kind: 'truncated'}`.
 */
export const decodeDm1 = (bytes: Uint8Array): Dm1 | TruncatedDm1 => {
  if (bytes.length < headerBytes + codeBytes) return { kind: 'truncated' };
  const codes: Dm1Code[] = [];
  for (let at = headerBytes; at < bytes.length; at += codeBytes) {
    const rest = bytes.subarray(at);
    if (rest.every((byte) => byte === 0xff)) break;
    const [b1, b2, b3, b4] = rest;
    if (b1 === undefined || b2 === undefined || b3 === undefined || b4 === undefined) return { kind: 'truncated' };
    if (b1 === 0 && b2 === 0 && b3 === 0 && b4 === 0) continue;
    codes.push(decodeCode(b1, b2, b3, b4));
  }
  const [lampByte = 0xff, flashByte = 0xff] = bytes;
  return { lamps: lampsOf(lampByte, lampStates), flash: lampsOf(flashByte, lampFlashes), codes };
};

/**
 * Decodes a DM2 payload (PGN 65227): the codes that were active before and are not now, laid out as in DM1. Its lamp
 * bytes tell the lamps of the moment, as DM1's do; an empty list means "none stored".
 */
export const decodeDm2 = (bytes: Uint8Array): Dm1 | TruncatedDm1 => decodeDm1(bytes);
