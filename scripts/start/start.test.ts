import { describe, expect, test } from 'vitest';
import { OptionError, parseStartOptions, syncEverySeconds } from './options.ts';
import { judgeDeath } from './supervise.ts';

const root = '/srv/truckiq';
const refusal = (...args: string[]): string => {
  try {
    parseStartOptions(args, root);
    return 'accepted';
  } catch (cause) {
    expect(cause).toBeInstanceOf(OptionError);
    return (cause as Error).message;
  }
};

describe('options', () => {
  test('have defaults and take every documented name', () => {
    expect(parseStartOptions([], root)).toMatchObject({
      port: 8787,
      worldPort: 8788,
      mailPort: 8789,
      identityPort: 8790,
      fresh: false,
      world: true,
      signUp: false,
      requestsPerMinute: 100,
    });
    const few = ['--port', '9000', '--fresh', '--speed', '60', '--no-world', '--sign-up'];
    const all = [...few, '--rate-limit', '500', '--state', 'other'];
    expect(parseStartOptions(all, root)).toEqual({
      port: 9000,
      worldPort: 9001,
      mailPort: 9002,
      identityPort: 9003,
      fresh: true,
      speed: 60,
      world: false,
      signUp: true,
      requestsPerMinute: 500,
      stateFolder: '/srv/truckiq/other',
      syncEverySeconds: 120,
    });
  });

  test.each([
    [['--port', '0'], '--port'],
    [['--port', '65533'], '--port'],
    [['--port', '80.5'], '--port'],
    [['--speed', '-1'], '--speed'],
    [['--speed', 'fast'], '--speed'],
    [['--rate-limit', ''], '--rate-limit'],
    [['--state', '/srv'], '--state'],
    [['--state', '.'], '--state'],
    [['--what'], '--what'],
    [['stray'], 'stray'],
  ])('%j is refused and named', (args, name) => {
    expect(refusal(...args)).toContain(name);
  });

  test('a hurried world is synced more often, but not without pause', () => {
    expect(syncEverySeconds(1)).toBe(900);
    expect(syncEverySeconds(3)).toBe(300);
    expect(syncEverySeconds(1000)).toBe(120);
  });
});

describe('a dead process', () => {
  test('is started again with growing pauses, and given up when it keeps dying', () => {
    const now = 1_000_000;
    expect(judgeDeath([now], now)).toEqual({ restart: true, pauseMs: 250 });
    expect(judgeDeath([now - 10, now], now)).toEqual({ restart: true, pauseMs: 500 });
    expect(
      judgeDeath(
        Array.from({ length: 6 }, () => now),
        now,
      ).restart,
    ).toBe(false);
    expect(judgeDeath(Array.from({ length: 6 }, () => now - 61_000).concat(now), now).restart).toBe(true);
  });
});
