/** The lease that keeps two syncs of one tenant and portal apart, as plain types. */

export interface GateGrant {
  granted: boolean;
  /** The run that holds the lease when it was not granted. */
  heldBy: string | null;
  /** Milliseconds until the gate may be tried again (lease end or cooldown end). */
  retryAfterMs: number;
}

export interface GateState {
  holder: string | null;
  leaseUntilMs: number;
  cooldownUntilMs: number;
  lastRunId: string | null;
  lastFinishedAtMs: number | null;
  consecutiveFailures: number;
}

/** One gate per tenant and provider. Times are epoch milliseconds handed in by the caller. */
export interface ScrapeGate {
  /** Takes the lease for `runId`, or extends it when `runId` already holds it. Leases expire by time. */
  acquire(runId: string, leaseMs: number, nowMs: number): Promise<GateGrant>;
  /** Gives the lease back; a failure may set a cooldown (e.g. a portal's Retry-After). No effect for a non-holder. */
  release(runId: string, outcome: { failed: boolean; cooldownMs: number }, nowMs: number): Promise<void>;
  read(): Promise<GateState>;
}
