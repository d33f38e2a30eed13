/** Pure rules of signing in. */

/** Wrong passwords in a row that lock an account: the third is itself answered as locked. */
export const maxFailedSignIns = 3;
export const lockMs = 30 * 60_000;

export interface LockState {
  failedSignIns: number;
  lockedUntil: string | null;
}

/** Milliseconds the account stays locked; 0 when it is open. */
export function lockedForMs(state: LockState, now: Date): number {
  return state.lockedUntil === null ? 0 : Math.max(0, Date.parse(state.lockedUntil) - now.getTime());
}

/** What a wrong password does to an account that is not locked. A lock that has run out starts a new count. */
export function afterWrongPassword(state: LockState, now: Date): LockState {
  const failedSignIns = (state.lockedUntil === null ? state.failedSignIns : 0) + 1;
  return failedSignIns >= maxFailedSignIns
    ? { failedSignIns, lockedUntil: new Date(now.getTime() + lockMs).toISOString() }
    : { failedSignIns, lockedUntil: null };
}
