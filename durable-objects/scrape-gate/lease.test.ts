import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { acquireLease, maxCooldownMs, maxLeaseMs, openGate, releaseLease } from './lease.ts';

const held = acquireLease(openGate, 'run-1', 60_000, 1_000).state;

describe('the gate', () => {
  it('refuses a second run and says how long', () => {
    expect(acquireLease(held, 'run-2', 60_000, 11_000)).toEqual({
      state: held,
      grant: { granted: false, heldBy: 'run-1', retryAfterMs: 50_000 },
    });
  });

  it('lets the holder extend its lease', () => {
    const { state, grant } = acquireLease(held, 'run-1', 60_000, 30_000);
    expect(grant.granted).toBe(true);
    expect(state.leaseUntilMs).toBe(90_000);
  });

  it('passes to another run when the holder died', () => {
    const { state, grant } = acquireLease(held, 'run-2', 60_000, 61_000);
    expect(grant.granted).toBe(true);
    expect(state).toMatchObject({ holder: 'run-2', lastRunId: 'run-2' });
    expect(releaseLease(state, 'run-1', { failed: true, cooldownMs: 1_000 }, 62_000)).toBe(state);
  });

  it('holds everyone off during a cooldown, and no longer', () => {
    const cooling = releaseLease(held, 'run-1', { failed: true, cooldownMs: 5_000 }, 20_000);
    expect(acquireLease(cooling, 'run-2', 60_000, 24_000).grant).toEqual({
      granted: false,
      heldBy: null,
      retryAfterMs: 1_000,
    });
    expect(acquireLease(cooling, 'run-1', 60_000, 24_000).grant.granted).toBe(false);
    expect(acquireLease(cooling, 'run-2', 60_000, 25_000).grant.granted).toBe(true);
  });

  it('counts failures in a row', () => {
    const failed = releaseLease(held, 'run-1', { failed: true, cooldownMs: 0 }, 2_000);
    const again = releaseLease(
      acquireLease(failed, 'run-2', 1, 2_000).state,
      'run-2',
      { failed: true, cooldownMs: 0 },
      2_000,
    );
    expect(again.consecutiveFailures).toBe(2);
    const good = releaseLease(
      acquireLease(again, 'run-3', 1, 2_000).state,
      'run-3',
      { failed: false, cooldownMs: 0 },
      2_000,
    );
    expect(good.consecutiveFailures).toBe(0);
    expect(good.lastFinishedAtMs).toBe(2_000);
  });

  it('bounds what it is asked for', () => {
    expect(acquireLease(openGate, 'run', 1e15, 0).state.leaseUntilMs).toBe(maxLeaseMs);
    expect(releaseLease(held, 'run-1', { failed: true, cooldownMs: 1e15 }, 0).cooldownUntilMs).toBe(maxCooldownMs);
  });

  it('never has two holders at once, whatever is asked in whatever order', () => {
    const step = fc.record({
      run: fc.constantFrom('a', 'b', 'c'),
      isRelease: fc.boolean(),
      waitMs: fc.nat({ max: 50 }),
      leaseMs: fc.integer({ min: 1, max: 100 }),
    });
    fc.assert(
      fc.property(fc.array(step, { size: 'max', maxLength: 100 }), (steps) => {
        let state = { ...openGate };
        let nowMs = 0;
        let owner: { run: string; untilMs: number } | null = null;
        for (const { run, isRelease, waitMs, leaseMs } of steps) {
          nowMs += waitMs;
          if (isRelease) {
            state = releaseLease(state, run, { failed: false, cooldownMs: 0 }, nowMs);
            if (owner?.run === run) owner = null;
            continue;
          }
          const asked = acquireLease(state, run, leaseMs, nowMs);
          state = asked.state;
          const isTaken: boolean = owner !== null && owner.run !== run && nowMs < owner.untilMs;
          expect(asked.grant.granted).toBe(!isTaken);
          if (asked.grant.granted) owner = { run, untilMs: nowMs + leaseMs };
        }
      }),
    );
  });
});
