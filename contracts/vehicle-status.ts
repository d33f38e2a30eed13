/**
 * The one definition of a vehicle's status, shared by the live room, the API and the screens so that they never disagree.
 */
import type { VehicleStatus } from './vehicles.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** Above this a truck is moving; GPS drift of a parked truck stays below it. */
export const movingAboveMph = 3;

/** How long after a reading a vehicle that last moved or idled, or last stood, counts as stale and as offline. */
export const staleAfterMs = { running: 15 * minuteMs, stopped: dayMs } as const;
export const offlineAfterMs = { running: dayMs, stopped: 7 * dayMs } as const;

export interface StatusReading {
  /** RFC 3339 time of the reading. */
  at: string;
  speedMph: number | null;
  ignition: boolean | null;
}

/** What the reading itself says, regardless of its age. Unknown ignition at a standstill counts as stopped. */
export function statusOfReading(reading: Omit<StatusReading, 'at'>): 'moving' | 'idle' | 'stopped' {
  if (reading.speedMph !== null && reading.speedMph > movingAboveMph) return 'moving';
  return reading.ignition === true ? 'idle' : 'stopped';
}

/**
 * Status of a vehicle at `nowMs` (epoch milliseconds). A vehicle that never reported is offline.
 */
export function vehicleStatusAt(reading: StatusReading | null, nowMs: number): VehicleStatus {
  if (reading === null) return 'offline';
  const status = statusOfReading(reading);
  const kind = status === 'stopped' ? 'stopped' : 'running';
  const ageMs = nowMs - Date.parse(reading.at);
  if (ageMs >= offlineAfterMs[kind]) return 'offline';
  if (ageMs >= staleAfterMs[kind]) return 'stale';
  return status;
}

/** Epoch milliseconds at which the status next changes by age alone, or null when it is already offline. */
export function nextStatusChangeMs(reading: StatusReading | null, nowMs: number): number | null {
  if (reading === null) return null;
  const kind = statusOfReading(reading) === 'stopped' ? 'stopped' : 'running';
  const atMs = Date.parse(reading.at);
  if (nowMs < atMs + staleAfterMs[kind]) return atMs + staleAfterMs[kind];
  if (nowMs < atMs + offlineAfterMs[kind]) return atMs + offlineAfterMs[kind];
  return null;
}
