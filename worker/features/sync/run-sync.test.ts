/** The order of a sync, its patience, and that a crash at any point ends in the same outcome. Durable steps in memory. */
import { describe, expect, it } from 'vitest';
import {
  asset,
  assets,
  Crash,
  failure,
  fakeWork,
  go,
  MemorySteps,
  noBrowser,
  policy,
  whole,
  type Fleet,
} from '#test/pure/sync-in-memory';
import { StepFailed } from '../../durable-steps.ts';
import { retryDelayMs, runPolicy } from './run-policy.ts';
import { runSync, type SyncWork } from './run-sync.ts';

describe('a sync', () => {
  it('reads everything before it writes anything, then scores, alerts and publishes', async () => {
    const { status, seen } = await go();
    expect(status).toBe('succeeded');
    expect(seen.order).toEqual(['persist', 'score', 'alert', 'publish', 'tell']);
    expect([...seen.persisted.keys()]).toEqual(assets(3).map((one) => one.vin));
    expect(seen.outcome).toMatchObject({ status: 'succeeded', error: null, read: { vehiclesSeen: 3, faultsSeen: 0 } });
    expect(seen.times).toEqual({
      observedAt: '2026-11-20T09:00:00.000Z',
      changedAt: '2026-11-20T09:05:00.000Z',
      mayClear: true,
    });
  });

  it('fails at once, and writes nothing, on what a retry cannot mend', async () => {
    for (const code of ['LOGIN_FAILED', 'MFA_REQUIRED', 'MARKUP_CHANGED'] as const) {
      const { status, seen, steps } = await go({ list: () => failure(code) });
      expect([status, seen.calls.list, seen.persisted.size, steps.slept]).toEqual(['failed', 1, 0, []]);
      expect(seen.outcome?.error).toEqual({ code, message: `it was ${code}` });
    }
    const late = await go({
      details: (of, call) =>
        call === 2 ? { ...whole([]), remaining: of, stopped: failure('MARKUP_CHANGED') } : whole(of),
    });
    expect([late.status, late.seen.persisted.size]).toEqual(['failed', 0]);
  });

  it('backs off and succeeds, announcing its silence', async () => {
    const { status, seen, steps } = await go({ list: (call) => (call <= 3 ? failure('BROWSER_LOST') : null) });
    expect(status).toBe('succeeded');
    expect(steps.slept).toEqual([4_000, 8_000, 16_000]);
    expect(seen.silences).toEqual([4_000, 8_000, 16_000]);
    expect(seen.gateHeld).toEqual([true, true, true]);
    expect((await go({ list: () => failure('BROWSER_LOST') })).seen.calls.list).toBe(4);
    expect((await go({ list: () => failure('TIMED_OUT') })).seen.calls.list).toBe(3);
  });

  it('waits long for a browser that cannot be had, and blames neither the portal nor its gate', async () => {
    const { status, steps } = await go({ list: (call) => (call <= 8 ? noBrowser : null) });
    expect([status, steps.slept.length]).toEqual(['succeeded', 8]);
    const never = await go({ list: () => noBrowser });
    expect([never.status, never.seen.calls.list]).toEqual(['failed', 9]);
    expect(never.seen.outcome).toMatchObject({ cooldownMs: 0, error: { code: 'BROWSER_LOST' } });
  });

  it('honours Retry-After, and leaves a cooldown when the portal wants more than a run can wait', async () => {
    const patient = await go({ list: (call) => (call === 1 ? failure('RATE_LIMITED', 7_000) : null) });
    expect(patient.steps.slept).toEqual([7_000]);
    const silent = await go({ list: (call) => (call === 1 ? failure('RATE_LIMITED') : null) });
    expect(silent.steps.slept).toEqual([300_000]);
    const refused = await go({ list: () => failure('RATE_LIMITED', 3_600_000) });
    expect(refused.seen.outcome).toMatchObject({
      status: 'failed',
      cooldownMs: 3_600_000,
      error: { code: 'RATE_LIMITED' },
    });
  });

  it('goes on where a lost browser left off', async () => {
    const { status, seen } = await go({
      listed: assets(4),
      details: (of, call) =>
        call === 1 ? { ...whole(of.slice(0, 1)), remaining: of.slice(1), stopped: failure('BROWSER_LOST') } : whole(of),
    });
    expect(status).toBe('succeeded');
    expect(seen.persisted.size).toBe(4);
  });

  it('does not count tries that made progress', async () => {
    const { status } = await go({
      listed: assets(20),
      details: (of) => ({
        ...whole(of.slice(0, 1)),
        remaining: of.slice(1),
        stopped: of.length > 1 ? failure('SESSION_EXPIRED') : null,
      }),
    });
    expect(status).toBe('succeeded');
  });

  it('is partial when one vehicle keeps failing: the others are kept, nothing of it is cleared', async () => {
    const bad = asset(1);
    const { status, seen } = await go({
      details: (of) => ({
        ...whole(of.filter((one) => one.vin !== bad.vin)),
        failed: of.filter((one) => one.vin === bad.vin).map((one) => ({ asset: one, failure: failure('TIMED_OUT') })),
      }),
    });
    expect(status).toBe('partial');
    expect(seen.persisted.get(bad.vin)?.faults).toBeNull();
    expect(seen.marked.find((mark) => mark.vin === bad.vin)?.hasFaultList).toBe(false);
    expect(seen.outcome?.error?.message).toBe(`1 of 3 vehicles could not be read (${bad.vin}): it was TIMED_OUT`);
  });

  it('fails when not a single vehicle could be read', async () => {
    const { status, seen } = await go({
      details: (of) => ({ ...whole([]), failed: of.map((one) => ({ asset: one, failure: failure('TIMED_OUT') })) }),
    });
    expect([status, seen.outcome?.error?.code, seen.persisted.size]).toEqual(['failed', 'TIMED_OUT', 0]);
  });

  it('keeps what it saw and clears nothing when far fewer vehicles are listed than last time', async () => {
    const { status, seen } = await go({ before: 7 });
    expect(status).toBe('partial');
    expect(seen.times?.mayClear).toBe(false);
    expect(seen.marked.every((mark) => !mark.hasFaultList)).toBe(true);
    expect(seen.outcome?.error?.code).toBe('SUSPICIOUS_RESULT');
    expect((await go({ listed: [], before: 7 })).status).toBe('partial');
    expect((await go({ listed: [], before: 0 })).status).toBe('succeeded');
    expect((await go({ before: 6 })).status).toBe('succeeded');
  });

  it('waits for another run’s lease, and not for a long cooldown', async () => {
    const { work, seen } = fakeWork();
    seen.gate.push(
      { granted: false, heldBy: 'other', retryAfterMs: 20_000 },
      { granted: false, heldBy: 'other', retryAfterMs: 5_000 },
    );
    const steps = new MemorySteps();
    expect(await runSync(steps, work, policy)).toBe('succeeded');
    expect(steps.slept).toEqual([15_000, 5_000]);
    expect(seen.gateHeld).toEqual([false, false]);
    const cold = fakeWork();
    cold.seen.gate.push({ granted: false, heldBy: null, retryAfterMs: 600_000 });
    expect(await runSync(new MemorySteps(), cold.work, policy)).toBe('failed');
    expect(cold.seen.outcome?.error).toEqual({
      code: 'RATE_LIMITED',
      message: 'The portal asked for a pause; it may be read again in 10 min.',
    });
  });

  it('does nothing for a run that has already ended', async () => {
    const { work, seen } = fakeWork();
    expect(await runSync(new MemorySteps(), { ...work, begin: async () => null }, policy)).toBe('ended');
    expect(seen.outcome).toBeNull();
  });

  it('records a step that fails for no known reason, and lets the engine’s own interruptions through', async () => {
    const { work, seen } = fakeWork();
    const broken: SyncWork = { ...work, score: async () => Promise.reject(new StepFailed('step "score" failed')) };
    expect(await runSync(new MemorySteps(), broken, policy)).toBe('failed');
    expect(seen.outcome?.error?.code).toBe('UPSTREAM_FAILED');
    const paused: SyncWork = {
      ...work,
      score: async () => Promise.reject(new Error('Aborting engine: User called pause')),
    };
    await expect(runSync(new MemorySteps(), paused, policy)).rejects.toThrow('Aborting engine');
  });
});

describe('a crash', () => {
  const fleet = (): Partial<Fleet> => ({
    listed: assets(5),
    list: (call) => (call === 1 ? failure('TIMED_OUT') : null),
    details: (of) => ({
      ...whole(of.filter((one) => one.vin !== asset(3).vin)),
      failed: of
        .filter((one) => one.vin === asset(3).vin)
        .map((one) => ({ asset: one, failure: failure('TIMED_OUT') })),
    }),
  });

  it('before or after any step ends in the outcome of an undisturbed run', async () => {
    const undisturbed = await go(fleet());
    const stepCount = undisturbed.steps.ran.length;
    expect(stepCount).toBeGreaterThan(12);
    for (let step = 1; step <= stepCount; step++) {
      for (const when of ['before', 'after'] as const) {
        const { work, seen } = fakeWork(fleet());
        const steps = new MemorySteps();
        steps.crashAt = { step, when };
        await expect(runSync(steps, work, policy)).rejects.toThrow(Crash);
        steps.crashAt = null;
        expect(await runSync(steps, work, policy)).toBe('partial');
        expect(seen.outcome).toEqual(undisturbed.seen.outcome);
        expect([...seen.persisted]).toEqual([...undisturbed.seen.persisted]);
        expect(seen.marked).toEqual(undisturbed.seen.marked);
      }
    }
  });
});

describe('the wait before another try', () => {
  it('doubles up to a minute and ends', () => {
    const of = (done: number) => retryDelayMs(failure('BROWSER_LOST'), done, 0.25, { ...runPolicy, maxRetries: 6 });
    expect([0, 1, 2, 3, 4, 5, 6].map(of)).toEqual([4_000, 8_000, 16_000, 32_000, 60_000, 60_000, null]);
  });

  it('for a browser is another one for every run and every try, around the same middle', () => {
    const waits = (spread: number) =>
      Array.from({ length: 9 }, (_, done) => retryDelayMs(noBrowser, done, spread, runPolicy));
    for (const spread of [0, 0.1, 0.5, 0.999]) {
      expect(waits(spread).at(-1)).toBeNull();
      waits(spread)
        .slice(0, -1)
        .forEach((ms, done) => {
          const middle = Math.min(4_000 * 2 ** done, 60_000);
          expect(ms).toBeGreaterThanOrEqual(middle * 0.5);
          expect(ms).toBeLessThanOrEqual(middle * 1.5);
        });
    }
    expect(new Set([0, 0.1, 0.5, 0.9].map((spread) => waits(spread)[0])).size).toBe(4);
    // Two runs that came together once come apart.
    expect(new Set(waits(0.3).slice(4, -1)).size).toBe(4);
  });

  it('is none for what will be the same in a minute', () => {
    for (const code of ['LOGIN_FAILED', 'MFA_REQUIRED', 'MARKUP_CHANGED', 'SUSPICIOUS_RESULT'] as const) {
      expect(retryDelayMs(failure(code), 0, 0, runPolicy)).toBeNull();
    }
  });
});
