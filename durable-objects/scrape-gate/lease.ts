/**
 * The rules of the gate: who may sign in to a portal, and from when. Pure; times are epoch milliseconds.
 * A lease ends by time, so that a run that dies, or a write that is lost, blocks nobody for long.
 */
import type { GateGrant, GateState } from './gate.ts';

/** No sync runs longer than this; a longer lease would be a mistake of units. */
export const maxLeaseMs = 3_600_000;
/** A portal that asks for more patience than a day is asked again after a day. */
export const maxCooldownMs = 24 * 3_600_000;

export const openGate: Readonly<GateState> = {
  holder: null,
  leaseUntilMs: 0,
  cooldownUntilMs: 0,
  lastRunId: null,
  lastFinishedAtMs: null,
  consecutiveFailures: 0,
};

const clamp = (milliseconds: number, max: number): number => Math.min(Math.max(milliseconds, 0), max);

const isHeld = (state: GateState, nowMs: number): boolean => state.holder !== null && nowMs < state.leaseUntilMs;

/** Takes the lease for `runId`, or extends the one it holds; a cooldown holds off all but the holder. */
export function acquireLease(
  state: GateState,
  runId: string,
  leaseMs: number,
  nowMs: number,
): { state: GateState; grant: GateGrant } {
  if (isHeld(state, nowMs) && state.holder !== runId) {
    return { state, grant: { granted: false, heldBy: state.holder, retryAfterMs: state.leaseUntilMs - nowMs } };
  }
  if (state.holder !== runId && nowMs < state.cooldownUntilMs) {
    return { state, grant: { granted: false, heldBy: null, retryAfterMs: state.cooldownUntilMs - nowMs } };
  }
  return {
    state: { ...state, holder: runId, leaseUntilMs: nowMs + clamp(leaseMs, maxLeaseMs), lastRunId: runId },
    grant: { granted: true, heldBy: null, retryAfterMs: 0 },
  };
}

/** Gives the lease back and notes how the run ended; from anyone but the holder it changes nothing. */
export function releaseLease(
  state: GateState,
  runId: string,
  outcome: { failed: boolean; cooldownMs: number },
  nowMs: number,
): GateState {
  if (state.holder !== runId) return state;
  return {
    ...state,
    holder: null,
    leaseUntilMs: 0,
    cooldownUntilMs: Math.max(state.cooldownUntilMs, nowMs + clamp(outcome.cooldownMs, maxCooldownMs)),
    lastFinishedAtMs: nowMs,
    consecutiveFailures: outcome.failed ? state.consecutiveFailures + 1 : 0,
  };
}
