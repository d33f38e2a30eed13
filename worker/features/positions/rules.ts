/** Pure: which stretch of a track a request asks for, and what an instant must be to be looked at. */
import { defaultTrackLimit, trackRetention, type TrackQuery } from '#contracts/positions';
import { maxFutureMs } from '#contracts/telemetry';
import { fromBase64Url, toBase64Url } from '../../encoding.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const defaultRangeMs = 24 * hourMs;

export interface TrackRequest {
  fromMs: number;
  toMs: number;
  /** Only what comes after this: where the part before ended. Null for the first part. */
  afterMs: number | null;
  limit: number;
  simplifyMetres: number | null;
}

export type JudgedRequest =
  { ok: true; request: TrackRequest } | { ok: false; why: 'from_after_to' | 'unknown_cursor' };

/** A cursor carries its whole question, so that parts of one track fit together while time goes on. */
type CursorFields = [vehicleId: string, fromMs: number, toMs: number, simplifyMetres: number | null, afterMs: number];

export const cursorOf = (vehicleId: string, request: TrackRequest, afterMs: number): string => {
  const fields: CursorFields = [vehicleId, request.fromMs, request.toMs, request.simplifyMetres, afterMs];
  return toBase64Url(new TextEncoder().encode(JSON.stringify(fields)));
};

const isTime = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && Math.abs(value) <= 8.64e15;

function readCursor(cursor: string): CursorFields | null {
  let fields: unknown;
  try {
    fields = JSON.parse(new TextDecoder().decode(fromBase64Url(cursor)));
  } catch {
    return null;
  }
  if (!Array.isArray(fields) || fields.length !== 5) return null;
  const [vehicleId, fromMs, toMs, simplifyMetres, afterMs] = fields as unknown[];
  if (typeof vehicleId !== 'string' || !isTime(fromMs) || !isTime(toMs) || !isTime(afterMs)) return null;
  if (simplifyMetres !== null && !(typeof simplifyMetres === 'number' && simplifyMetres >= 0)) return null;
  return [vehicleId, fromMs, toMs, simplifyMetres, afterMs];
}

/** The stretch a request asks for. A cursor goes with the question it came from, and with no other. */
export function judgeTrackQuery(query: TrackQuery, vehicleId: string, now: Date): JudgedRequest {
  const limit = query.limit ?? defaultTrackLimit;
  const timeOf = (time: string | undefined) => (time === undefined ? undefined : Date.parse(time));
  const named = { fromMs: timeOf(query.from), toMs: timeOf(query.to) };
  const simplifyMetres = query.simplify ?? null;
  if (query.cursor !== undefined) {
    const cursor = readCursor(query.cursor);
    if (cursor === null) return { ok: false, why: 'unknown_cursor' };
    const [ofVehicle, fromMs, toMs, ofSimplify, afterMs] = cursor;
    const isSame =
      ofVehicle === vehicleId &&
      ofSimplify === simplifyMetres &&
      (named.fromMs === undefined || named.fromMs === fromMs) &&
      (named.toMs === undefined || named.toMs === toMs);
    if (!isSame) return { ok: false, why: 'unknown_cursor' };
    return { ok: true, request: { fromMs, toMs, afterMs, limit, simplifyMetres } };
  }
  // A gateway's clock may be ahead of ours: until now means everything that has been taken.
  const toMs = named.toMs ?? now.getTime() + maxFutureMs;
  const fromMs = named.fromMs ?? (named.toMs ?? now.getTime()) - defaultRangeMs;
  if (fromMs > toMs) return { ok: false, why: 'from_after_to' };
  return { ok: true, request: { fromMs, toMs, afterMs: null, limit, simplifyMetres } };
}

/** What is wrong with an instant at which the fleet is to be shown; null when nothing is. */
export function complaintAboutInstant(atMs: number, now: Date): string | null {
  if (atMs > now.getTime()) return 'must not lie in the future';
  if (atMs < now.getTime() - trackRetention.hotDays * dayMs) {
    return `must lie within the last ${trackRetention.hotDays} days`;
  }
  return null;
}
