import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Ticker, type TickNeeds } from './ticker.ts';

const quiet: TickNeeds = { hasChanges: false, isAwaited: true, sockets: 1, openEntries: 0, mustKeep: false };
const startMs = Date.parse('2026-11-20T09:00:00.000Z');

/** A room reduced to its ticker: changes come, ticks take them, keeping writes them. */
class Room {
  readonly ticks: number[] = [];
  readonly kept: number[] = [];
  needs: TickNeeds = { ...quiet };
  readonly ticker = new Ticker(() => this.enter());

  enter(patch: Partial<TickNeeds> = {}): void {
    this.needs = { ...this.needs, ...patch };
    const nowMs = Date.now();
    if (this.ticker.isTickDue(this.needs, nowMs)) {
      this.ticks.push(nowMs - startMs);
      this.ticker.noteTick(nowMs);
      this.needs = { ...this.needs, hasChanges: false, mustKeep: true };
    }
    if (this.ticker.isKeepingDue(this.needs, nowMs)) {
      this.kept.push(nowMs - startMs);
      this.ticker.noteKept();
      this.needs = { ...this.needs, mustKeep: false };
    }
    this.ticker.arm(this.needs, nowMs);
  }
}

beforeEach(() => void vi.useFakeTimers({ now: startMs }));
afterEach(() => void vi.useRealTimers());

describe('the ticker', () => {
  it('lets the first change after a quiet time out at once, and those after it together', () => {
    const room = new Room();
    room.enter({ hasChanges: true });
    vi.advanceTimersByTime(10);
    room.enter({ hasChanges: true });
    vi.advanceTimersByTime(20);
    room.enter({ hasChanges: true });
    vi.advanceTimersByTime(500);
    expect(room.ticks).toEqual([0, 80]);
  });

  it('never waits longer than 250 ms, with a large audience', () => {
    const room = new Room();
    for (let atMs = 0; atMs < 2_000; atMs += 7) {
      room.enter({ hasChanges: true, sockets: 200 });
      vi.advanceTimersByTime(7);
    }
    const gaps = room.ticks.slice(1).map((at, n) => at - (room.ticks[n] ?? 0));
    expect(Math.max(...gaps)).toBe(250);
    expect(Math.min(...gaps)).toBe(250);
  });

  it('has no timer at all while nothing is due: the object may hibernate', () => {
    const room = new Room();
    room.enter();
    expect(vi.getTimerCount()).toBe(0);
    room.enter({ hasChanges: true, isAwaited: false });
    expect(vi.getTimerCount()).toBe(0);
    room.enter({ isAwaited: true });
    expect(room.ticks).toEqual([0]);
    vi.advanceTimersByTime(60_000);
    expect([room.kept, vi.getTimerCount()]).toEqual([[3_000], 0]);
  });

  it('keeps what is in memory alone once it is quiet, and every so often when it never is', () => {
    const room = new Room();
    for (let atMs = 0; atMs < 40_000; atMs += 500) {
      room.enter({ hasChanges: true });
      vi.advanceTimersByTime(500);
    }
    expect(room.kept.length).toBe(2);
    const last = room.kept.at(-1) ?? 0;
    vi.advanceTimersByTime(60_000);
    expect(room.kept.length).toBe(3);
    expect(last).toBeLessThan(33_000);
  });

  it('ends a tick without an audience when it has grown too large to be kept open', () => {
    const room = new Room();
    room.enter({ hasChanges: true, isAwaited: false, openEntries: 999 });
    expect(room.ticks).toEqual([]);
    room.enter({ openEntries: 1_000 });
    expect(room.ticks).toEqual([0]);
  });

  it('has the alarm come a second later than the timer, only while a tick is due', () => {
    const { ticker } = new Room();
    expect(ticker.backupMs({ ...quiet, hasChanges: true }, 5_000)).toBe(6_000);
    expect(ticker.backupMs({ ...quiet, hasChanges: true, isAwaited: false }, 5_000)).toBeNull();
    expect(ticker.backupMs({ ...quiet, mustKeep: true }, 5_000)).toBeNull();
  });
});
