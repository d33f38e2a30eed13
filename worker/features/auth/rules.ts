/** Pure rules of signing in. */

/** Wrong passwords in a row that lock an account: the third is itself answered as locked. */
export const maxFailedSignIns = 3;
export const lockMs = 30 * 60_000;

/** Mails that let somebody choose a new password, per account and hour. */
export const maxPasswordResetsPerHour = 3;

export interface LockState {
  failedSignIns: number;
  lockedUntil: string | null;
}

/** Milliseconds the account stays locked; 0 when it is open. */
export function lockedForMs(state: LockState, now: Date): number {
  return state.lockedUntil === null ? 0 : Math.max(0, Date.parse(state.lockedUntil) - now.getTime());
}

/** How the first administrator is called until they say otherwise: the address before its @. */
export const nameFromEmail = (email: string): string => email.split('@')[0] ?? email;
