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
 * Status at `nowMs` of a vehicle whose reading was taken at `atMs` (both epoch milliseconds), and when it next changes by
 * age alone; null when it is already offline.
 */
export function statusSpan(
  reading: Omit<StatusReading, 'at'>,
  atMs: number,
  nowMs: number,
): { status: VehicleStatus; untilMs: number | null } {
  const status = statusOfReading(reading);
  const kind = status === 'stopped' ? 'stopped' : 'running';
  if (nowMs < atMs + staleAfterMs[kind]) return { status, untilMs: atMs + staleAfterMs[kind] };
  if (nowMs < atMs + offlineAfterMs[kind]) return { status: 'stale', untilMs: atMs + offlineAfterMs[kind] };
  return { status: 'offline', untilMs: null };
}

/**
 * Status of a vehicle at `nowMs` (epoch milliseconds). A vehicle that never reported is offline.
 */
export const vehicleStatusAt = (reading: StatusReading | null, nowMs: number): VehicleStatus =>
  reading === null ? 'offline' : statusSpan(reading, Date.parse(reading.at), nowMs).status;

/** Epoch milliseconds at which the status next changes by age alone, or null when it is already offline. */
export const nextStatusChangeMs = (reading: StatusReading | null, nowMs: number): number | null =>
  reading === null ? null : statusSpan(reading, Date.parse(reading.at), nowMs).untilMs;
