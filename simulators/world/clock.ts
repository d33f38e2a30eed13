/**
 * Two clocks. Trucks drive in real time; ageing, faults and repairs run in world time, which `speed` hurries.
 * Both meet at the anchor, the one value a world has to keep between runs.
 */

export interface WorldClock {
  /** Epoch milliseconds the trucks drive by (held still while frozen). */
  realMs(): number;
  /** Epoch milliseconds parts age by: anchor + (real − anchor) × speed. */
  worldMs(): number;
  /** The real instant at which the world showed `worldMs`; before the anchor both clocks run alike. */
  realOfWorld(worldMs: number): number;
  /** Holds both clocks still, or lets them go on; on going on, the time lost is caught up at once. */
  setFrozen(isFrozen: boolean): void;
  isFrozen(): boolean;
  readonly anchorMs: number;
  readonly speed: number;
}

/** World time shown at a real instant. `speed` 1 makes both clocks equal; history before the anchor is never hurried. */
export function worldTimeAt(realMs: number, anchorMs: number, speed: number): number {
  return realMs <= anchorMs ? realMs : anchorMs + (realMs - anchorMs) * speed;
}

/** Inverse of `worldTimeAt`. */
export function realTimeAt(worldMs: number, anchorMs: number, speed: number): number {
  return worldMs <= anchorMs ? worldMs : anchorMs + (worldMs - anchorMs) / speed;
}

/**
 * A clock over an injected `now` (epoch milliseconds). Throws a RangeError when speed is not a positive number or the
 * anchor is not an instant.
 */
export function createClock(options: { anchorMs: number; speed: number; now: () => number }): WorldClock {
  const { anchorMs, speed, now } = options;
  if (!Number.isFinite(speed) || speed <= 0) throw new RangeError('speed must be a number above 0');
  if (!Number.isFinite(anchorMs)) throw new RangeError('anchorMs must be epoch milliseconds');
  let frozenAtMs: number | null = null;
  const realMs = () => frozenAtMs ?? now();
  return {
    realMs,
    worldMs: () => worldTimeAt(realMs(), anchorMs, speed),
    realOfWorld: (worldMs) => realTimeAt(worldMs, anchorMs, speed),
    setFrozen(isFrozen) {
      frozenAtMs = isFrozen ? (frozenAtMs ?? now()) : null;
    },
    isFrozen: () => frozenAtMs !== null,
    anchorMs,
    speed,
  };
}
