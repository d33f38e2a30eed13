/** The shop's cases within a run: nothing of the fleet hangs on them. */
import { describe, expect, it } from 'vitest';
import type { VehicleCases } from '../../scrapes/paccar/read-cases.ts';
import { asset, assets, Crash, failure, fakeWork, go, MemorySteps, policy, whole, type Fleet } from '#test/pure/sync-in-memory'; // prettier-ignore
import { StepFailed } from '../../durable-steps.ts';
import { runSync, type SyncWork } from './run-sync.ts';

const casesOf = (n: number): VehicleCases => ({ vin: asset(n).vin, cases: [] });
const none = { read: [], unread: 0, trouble: null, isGivenUp: false };
const startedAt = '2026-11-20T09:00:00.000Z';

describe('the shop’s cases', () => {
  it('are kept after the vehicles and before the scoring, and counted nowhere', async () => {
    const { seen } = await go({
      details: (of) => ({ ...whole(of), cases: { ...none, read: of.map(({ vin }) => ({ vin, cases: [] })) } }),
    });
    expect(seen.order.slice(0, 3)).toEqual(['persist', 'keep cases', 'score']);
    expect(seen.keptCases).toEqual(assets(3).map(({ vin }) => vin));
    expect(seen.outcome).toMatchObject({ status: 'succeeded', error: null, read: { vehiclesSeen: 3, faultsSeen: 0 } });
  });

  it('are due by when the good run before began, on every attempt alike', async () => {
    const { work, seen } = fakeWork();
    const lastReadAt = '2026-11-20T08:45:00.000Z';
    const begin: SyncWork['begin'] = async () => ({ startedAt, vehiclesBefore: 0, lastReadAt, spread: 0 });
    await runSync(new MemorySteps(), { ...work, begin }, policy);
    expect(seen.plans).toEqual(Array(2).fill({ since: lastReadAt, until: startedAt }));
    expect((await go()).seen.plans[0]).toEqual({ since: null, until: startedAt });
  });

  it('that cannot be read leave the run a success with a note, and are not asked for again in it', async () => {
    const trouble = { ...failure('MARKUP_CHANGED'), evidenceKey: 'sync/t/r/cases.html' };
    const { status, seen } = await go({
      listed: assets(6),
      details: (of, call) => ({
        ...whole(of),
        cases: call === 1 ? { read: [], unread: 2, trouble, isGivenUp: true } : none,
      }),
    });
    expect(status).toBe('succeeded');
    expect(seen.persisted.size).toBe(6);
    expect(seen.marked.every(({ hasFaultList }) => hasFaultList)).toBe(true);
    expect(seen.plans.slice(1)).toEqual([null, null]);
    expect(seen.outcome?.error).toEqual({
      code: 'MARKUP_CHANGED',
      message:
        'All faults were read, but not the shop\'s cases of 2 vehicles: it was MARKUP_CHANGED The page was kept as sync/t/r/cases.html.', // prettier-ignore
    });
  });

  it('are silent where a vehicle itself could not be read: the graver word stands', async () => {
    const bad = asset(1);
    const { status, seen } = await go({
      details: (of) => ({
        ...whole(of.filter(({ vin }) => vin !== bad.vin)),
        failed: of.filter(({ vin }) => vin === bad.vin).map((one) => ({ asset: one, failure: failure('TIMED_OUT') })),
        cases: { read: [], unread: 1, trouble: failure('UPSTREAM_FAILED'), isGivenUp: false },
      }),
    });
    expect(status).toBe('partial');
    expect(seen.outcome?.error?.message).toContain('1 of 3 vehicles could not be read');
  });

  it('that cannot be kept are a note too: what was read is marked, scored and judged all the same', async () => {
    const { work, seen } = fakeWork({
      details: (of) => ({ ...whole(of), cases: { ...none, read: of.map(({ vin }) => ({ vin, cases: [] })) } }),
    });
    const keepCases = async () => {
      throw new StepFailed('step "keep cases 1" failed');
    };
    expect(await runSync(new MemorySteps(), { ...work, keepCases }, policy)).toBe('succeeded');
    expect(seen.marked).toHaveLength(3);
    expect(seen.order).toEqual(['persist', 'score', 'alert', 'publish', 'tell']);
    expect(seen.outcome).toMatchObject({ status: 'succeeded', read: { vehiclesSeen: 3 } });
    expect(seen.outcome?.error?.message).toBe("All faults were kept, but not the shop's cases of 3 vehicles: they are read again within a day."); // prettier-ignore
    // What the engine itself throws is no failure of the step.
    const interrupted = async () => Promise.reject(new Crash());
    await expect(runSync(new MemorySteps(), { ...work, keepCases: interrupted }, policy)).rejects.toThrow(Crash);
  });

  it('of one vehicle are tried on with the next ones', async () => {
    const { seen } = await go({
      details: (of, call) => ({
        ...whole(of),
        cases: call === 1 ? { read: [], unread: 1, trouble: failure('TIMED_OUT'), isGivenUp: false } : { ...none, read: [casesOf(2)] }, // prettier-ignore
      }),
    });
    expect(seen.plans).toHaveLength(2);
    expect(seen.plans[1]).not.toBeNull();
    expect(seen.keptCases).toEqual([asset(2).vin]);
    expect(seen.outcome?.error?.message).toContain("the shop's cases of one vehicle");
  });

  it('survive a crash before or after any step', async () => {
    const fleet: Partial<Fleet> = {
      listed: assets(5),
      details: (of, call) => ({
        ...whole(of),
        cases: { ...none, read: of.map(({ vin }) => ({ vin, cases: [] })), isGivenUp: call === 2 },
      }),
    };
    const undisturbed = await go(fleet);
    for (let step = 1; step <= undisturbed.steps.ran.length; step++) {
      for (const when of ['before', 'after'] as const) {
        // The outside answers by what it is asked, not by how often: a step that runs again is no news to it.
        const { work, seen } = fakeWork({ ...fleet, details: (of) => fleet.details?.(of, of[0]?.vin === asset(2).vin ? 2 : 1) ?? whole(of) }); // prettier-ignore
        const steps = new MemorySteps();
        steps.crashAt = { step, when };
        await expect(runSync(steps, work, policy)).rejects.toThrow(Crash);
        steps.crashAt = null;
        expect(await runSync(steps, work, policy)).toBe('succeeded');
        expect(new Set(seen.keptCases)).toEqual(new Set(undisturbed.seen.keptCases));
        expect(seen.outcome).toEqual(undisturbed.seen.outcome);
      }
    }
  });
});
