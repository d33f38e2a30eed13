import { fireEvent, render, screen } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { LiveVehicle } from '#contracts/live';
import { idOf, liveVehicle } from '../../../test/builders.ts';
import { api } from '../api/client.ts';
import { emptyPicture } from '../live/fold.ts';
import { clock } from '../state/clock.svelte.ts';
import { live } from '../state/live.svelte.ts';
import { PastFleet } from '../state/past-fleet.svelte.ts';
import { Trail } from '../state/trail.svelte.ts';
import FleetScrubber from './FleetScrubber.svelte';
import MapNote from './MapNote.svelte';
import TimeTrack from './TimeTrack.svelte';
import TrailScrubber from './TrailScrubber.svelte';
import { legsOf, momentAt, type TrailPoint } from './trail.ts';
import VehicleCard from './VehicleCard.svelte';

const nowMs = Date.parse('2026-11-20T09:00:30.000Z');

beforeEach(() => {
  clock.nowMs = nowMs;
});
afterEach(() => {
  vi.useRealTimers();
  live.picture = emptyPicture;
  live.state = { kind: 'idle' };
  live.heardAtMs = null;
});

const nothing = (): void => undefined;

describe('the card of the chosen truck', () => {
  const props = (vehicle: LiveVehicle, rest: object = {}) => ({
    vehicle,
    asOf: null,
    isFollowing: false,
    trail: null,
    follow: nothing,
    showTrail: nothing,
    centre: nothing,
    close: nothing,
    ...rest,
  });

  it('says what the truck does, how it is and what to do, with the age of the reading', () => {
    render(
      VehicleCard,
      props(
        liveVehicle(1, {
          status: 'moving',
          speedMph: 61.7,
          heading: 92,
          riskLevel: 'high',
          riskScore: 74.9,
          recommendedAction: 'drive_to_dealer',
          activeFaultCount: 2,
          openAlertCount: 1,
        }),
      ),
    );
    for (const text of ['Moving', '62 mph E', '30 s ago', 'High', '74', 'Drive to dealer', '2 active, 1 open alert']) {
      expect(screen.getByText(text)).toBeTruthy();
    }
    expect(screen.getByRole('link', { name: 'Open truck' }).getAttribute('href')).toContain(idOf(1));
  });

  it('offers neither a trail nor to follow a truck without a place', () => {
    render(VehicleCard, props(liveVehicle(1, { lat: null, lon: null, at: null, status: 'offline' })));
    expect(screen.getByText(/has not reported a position yet/)).toBeTruthy();
    expect(screen.queryByRole('button', { name: 'Follow' })).toBeNull();
    expect(screen.queryByRole('radiogroup')).toBeNull();
  });

  it('does not follow the past, and counts ages from its instant', () => {
    render(VehicleCard, props(liveVehicle(1), { asOf: '2026-11-20T09:00:08.000Z' }));
    expect(screen.queryByRole('button', { name: 'Follow' })).toBeNull();
    expect(screen.getByText('8 s earlier')).toBeTruthy();
  });

  it('hands back what is pressed', async () => {
    const follow = vi.fn();
    const showTrail = vi.fn();
    render(VehicleCard, props(liveVehicle(1), { follow, showTrail }));
    await fireEvent.click(screen.getByRole('button', { name: 'Follow' }));
    await fireEvent.click(screen.getByLabelText('7 days'));
    await fireEvent.click(screen.getByLabelText('None'));
    expect(follow).toHaveBeenCalledWith(true);
    expect(showTrail.mock.calls).toContainEqual(['7d']);
  });
});

describe('a handle in time', () => {
  it('is a range for keyboards and readers, in words', async () => {
    const scrub = vi.fn();
    render(TimeTrack, {
      label: 'Time',
      span: { fromMs: 0, toMs: 1000 },
      stepMs: 100,
      atMs: 500,
      valueText: 'noon',
      scrub,
    });
    const range = screen.getByRole<HTMLInputElement>('slider', { name: 'Time' });
    expect([range.max, range.value, range.getAttribute('aria-valuetext')]).toEqual(['10', '5', 'noon']);
    range.value = '7';
    await fireEvent.input(range);
    expect(scrub).toHaveBeenLastCalledWith(700);
  });

  it('of a trail reads out what held there, in the zone of the organisation with UTC beside it', () => {
    const points: TrailPoint[] = [0, 10, 20].map((minutes) => ({
      atMs: nowMs - 3_600_000 + minutes * 60_000,
      lat: 40 + minutes / 60,
      lon: -105,
      speedMph: 55,
      heading: 0,
      odometerMiles: 1000 + minutes,
    }));
    const span = { fromMs: nowMs - 86_400_000, toMs: nowMs };
    const atMs = nowMs - 3_000_000;
    const props = {
      window: '24h' as const,
      span,
      legs: legsOf(points, true),
      stops: [],
      isLoading: false,
      scrub: nothing,
      retry: nothing,
    };
    const { rerender } = render(TrailScrubber, { ...props, moment: momentAt(points, atMs, true), atMs, failure: null });
    expect(screen.getByText('1,010 mi')).toBeTruthy();
    expect(screen.getByText('55 mph')).toBeTruthy();
    expect(screen.getByTitle('2026-11-20 08:10:30 UTC').textContent).toContain('08:10');
    return rerender({ ...props, legs: [], moment: null, atMs, failure: null }).then(() => {
      expect(screen.getByText(/reported no position/)).toBeTruthy();
    });
  });

  it('of the fleet jumps back by a day, and from the present no further on', async () => {
    const show = vi.fn();
    const { rerender } = render(FleetScrubber, { at: null, show, close: nothing });
    expect(screen.getByRole<HTMLButtonElement>('button', { name: 'An hour later' }).disabled).toBe(true);
    await fireEvent.click(screen.getByRole('button', { name: 'A day earlier' }));
    expect(show).toHaveBeenLastCalledWith('2026-11-19T09:00:00.000Z');
    await rerender({ at: '2026-11-20T08:30:00.000Z', show, close: nothing });
    await fireEvent.click(screen.getByRole('button', { name: 'An hour later' }));
    expect(show).toHaveBeenLastCalledWith(null);
  });
});

describe('the note over the map', () => {
  const note = (at: string | null, past = new PastFleet()): void => {
    render(MapNote, { at, past, toPresent: nothing, retry: nothing });
  };

  it('is silent while the picture is live', () => {
    live.picture = { ...emptyPicture, epoch: 'e' };
    live.state = { kind: 'live', sinceMs: nowMs };
    note(null);
    expect(screen.queryByRole('status')).toBeNull();
  });

  it.each(['reconnecting', 'offline'] as const)('says how old the picture is while it is %s', (kind) => {
    live.picture = { ...emptyPicture, epoch: 'e' };
    live.heardAtMs = nowMs - 240_000;
    live.state = { kind, sinceMs: nowMs - 200_000 };
    note(null);
    expect(screen.getByRole('status').textContent).toContain('Not live. Positions as last heard 4 min ago');
  });

  it('says that it is the past, and which', () => {
    note('2026-11-19T09:00:00.000Z');
    expect(screen.getByRole('status').textContent).toMatch(/The past: Nov 19, 09:00, 24 h ago/);
  });
});

describe('asking for the past', () => {
  const answered = (vehicles: LiveVehicle[], time: string) =>
    ({ data: { data: { time, vehicles } }, response: new Response() }) as never;

  it('asks once for a handle that is dragged, and keeps what was shown until the answer is there', async () => {
    vi.useFakeTimers();
    const get = vi.spyOn(api, 'GET').mockImplementation((...args: unknown[]) => {
      const { params } = args[1] as { params: { query: { time: string } } };
      return Promise.resolve(answered([liveVehicle(1)], params.query.time));
    });
    const past = new PastFleet();
    const at = (minute: number): string => `2026-11-19T09:0${minute}:00.000Z`;
    past.show(at(0));
    await vi.advanceTimersByTimeAsync(1);
    expect([past.at, past.vehicles.size, get.mock.calls.length]).toEqual([at(0), 1, 1]);
    for (const minute of [1, 2, 3, 4]) {
      past.show(at(minute));
      await vi.advanceTimersByTimeAsync(50);
    }
    expect([past.at, get.mock.calls.length]).toEqual([at(0), 1]);
    await vi.advanceTimersByTimeAsync(500);
    expect([past.at, get.mock.calls.length]).toEqual([at(4), 2]);
  });

  it('drops an answer that comes after the return to the present', async () => {
    let answer: (value: never) => void = nothing;
    vi.spyOn(api, 'GET').mockImplementation(() => new Promise<never>((resolve) => (answer = resolve)));
    const past = new PastFleet();
    past.show('2026-11-19T09:00:00.000Z');
    past.show(null);
    answer(answered([liveVehicle(1)], '2026-11-19T09:00:00.000Z'));
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect([past.at, past.vehicles.size]).toEqual([null, 0]);
  });
});

describe('asking for a trail', () => {
  it('asks again only for a finer one, and drops what is not wanted any more', async () => {
    const asked: (string | undefined)[] = [];
    vi.spyOn(api, 'GET').mockImplementation((...args: unknown[]) => {
      asked.push((args[1] as { params: { query: { simplify?: string } } }).params.query.simplify);
      return Promise.resolve({ data: { data: [], meta: { nextCursor: null } }, response: new Response() } as never);
    });
    const trail = new Trail();
    const week = { vehicleId: idOf(1), window: '7d', until: null } as const;
    await trail.show(week, 5, nowMs);
    await trail.show(week, 6, nowMs);
    await trail.show({ ...week }, 12, nowMs);
    await trail.show(week, 5, nowMs);
    expect(asked).toEqual(['200', '10']);
    await trail.show({ ...week, window: '24h' }, 5, nowMs);
    expect(asked.at(-1)).toBeUndefined();
    expect(trail.held).toMatchObject({ isWhole: true, toMs: nowMs, fromMs: nowMs - 86_400_000 });
    await trail.show(null, 5, nowMs);
    expect(trail.held).toBeNull();
  });
});
