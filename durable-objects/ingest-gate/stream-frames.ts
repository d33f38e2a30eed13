/** What a gateway may say on its stream: one text frame in, a batch or the close code that answers it out. Pure. */
import { closeCode, type CloseCode } from '#contracts/live';
import { maxTelemetryRows, streamLimits, streamPositionsSchema } from '#contracts/telemetry';

export type StreamFrame =
  | { kind: 'positions'; batch: number; positions: unknown[] }
  | { kind: 'ping' }
  | { kind: 'close'; code: CloseCode; reason: string };

const refuse = (code: CloseCode, reason: string): StreamFrame => ({ kind: 'close', code, reason });

function isTooLarge(frame: string | ArrayBuffer): boolean {
  const { maxFrameBytes } = streamLimits;
  if (typeof frame !== 'string') return frame.byteLength > maxFrameBytes;
  if (frame.length > maxFrameBytes) return true;
  // A UTF-16 unit is at most three bytes of UTF-8, so most frames need no counting.
  return frame.length * 3 > maxFrameBytes && new TextEncoder().encode(frame).length > maxFrameBytes;
}

/** Judges one frame: size first, then that it is JSON, then its shape, then how many rows it has. */
export function parseStreamFrame(frame: string | ArrayBuffer): StreamFrame {
  if (isTooLarge(frame)) return refuse(closeCode.frameTooLarge, 'frame over 1 MB');
  if (typeof frame !== 'string') return refuse(closeCode.badFrame, 'frames are text');
  if (frame === 'ping') return { kind: 'ping' };
  let body: unknown;
  try {
    body = JSON.parse(frame);
  } catch {
    return refuse(closeCode.badFrame, 'not JSON');
  }
  const parsed = streamPositionsSchema.safeParse(body);
  if (!parsed.success) return refuse(closeCode.badFrame, 'not a known message');
  const { batch, positions } = parsed.data;
  if (positions.length > maxTelemetryRows) {
    return refuse(closeCode.frameTooLarge, `over ${maxTelemetryRows} rows in a frame`);
  }
  return { kind: 'positions', batch, positions };
}
