/**
 * What a client may say: one text frame in, a message or the close code that answers it out. Pure.
 */
import {
  clientMessageSchema,
  closeCode,
  liveLimits,
  liveProtocolVersion,
  type ClientMessage,
  type CloseCode,
} from '#contracts/live';

export type Frame =
  { kind: 'message'; message: ClientMessage } | { kind: 'ping' } | { kind: 'close'; code: CloseCode; reason: string };

const refuse = (code: CloseCode, reason: string): Frame => ({ kind: 'close', code, reason });

function isTooLarge(frame: string | ArrayBuffer): boolean {
  if (typeof frame !== 'string') return frame.byteLength > liveLimits.maxFrameBytes;
  if (frame.length > liveLimits.maxFrameBytes) return true;
  // A UTF-16 unit is at most three bytes of UTF-8, so short frames need no counting.
  return (
    frame.length * 3 > liveLimits.maxFrameBytes && new TextEncoder().encode(frame).length > liveLimits.maxFrameBytes
  );
}

const speaksOtherProtocol = (body: unknown): boolean =>
  typeof body === 'object' &&
  body !== null &&
  'type' in body &&
  body.type === 'hello' &&
  'protocol' in body &&
  typeof body.protocol === 'number' &&
  body.protocol !== liveProtocolVersion;

/** Judges one frame: size first, then that it is JSON, then the protocol it names, then its shape. */
export function parseFrame(frame: string | ArrayBuffer): Frame {
  if (isTooLarge(frame)) return refuse(closeCode.frameTooLarge, 'frame over 16 KB');
  if (typeof frame !== 'string') return refuse(closeCode.badFrame, 'frames are text');
  if (frame === 'ping') return { kind: 'ping' };
  let body: unknown;
  try {
    body = JSON.parse(frame);
  } catch {
    return refuse(closeCode.badFrame, 'not JSON');
  }
  // Another version's hello may be of another shape: the answer is the version, not the shape.
  if (speaksOtherProtocol(body)) return refuse(closeCode.protocolMismatch, `protocol ${liveProtocolVersion} is spoken`);
  const parsed = clientMessageSchema.safeParse(body);
  return parsed.success ? { kind: 'message', message: parsed.data } : refuse(closeCode.badFrame, 'not a known message');
}

const ackHead = '{"type":"ack","seq":';
const zero = 48;

/**
 * The sequence number of an ack written as every client writes it; null for any other frame, which `parseFrame` then
 * judges. Acks are most of what comes in. Judges exactly as `parseFrame` does, which a test holds.
 */
export function plainAckIn(frame: string | ArrayBuffer): number | null {
  if (typeof frame !== 'string') return null;
  const digits = frame.length - ackHead.length - 1;
  // 15 digits are always a whole number that a double holds.
  if (digits < 1 || digits > 15 || !frame.startsWith(ackHead) || frame.charCodeAt(frame.length - 1) !== 125)
    return null;
  const first = frame.charCodeAt(ackHead.length) - zero;
  if (first === 0 && digits > 1) return null;
  let seq = 0;
  for (let at = ackHead.length; at < frame.length - 1; at += 1) {
    const digit = frame.charCodeAt(at) - zero;
    if (digit < 0 || digit > 9) return null;
    seq = seq * 10 + digit;
  }
  return seq;
}

/** Frames of one socket within the running second. */
export interface FrameRate {
  secondStartMs: number;
  frames: number;
}

export const noFrames = (): FrameRate => ({ secondStartMs: 0, frames: 0 });

/** Whether another frame now would be one too many; counts nothing. */
export const wouldBeOneTooMany = (rate: FrameRate, nowMs: number): boolean =>
  nowMs - rate.secondStartMs < 1_000 && rate.frames >= liveLimits.maxFramesPerSecond;

/** Counts one frame; true when it is one too many. */
export function isOneTooMany(rate: FrameRate, nowMs: number): boolean {
  if (nowMs - rate.secondStartMs >= 1_000) {
    rate.secondStartMs = nowMs;
    rate.frames = 0;
  }
  rate.frames += 1;
  return rate.frames > liveLimits.maxFramesPerSecond;
}
