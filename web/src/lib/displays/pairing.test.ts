import { describe, expect, it } from 'vitest';
import type { DeviceCode, DisplayToken } from '#contracts/displays';
import type { ErrorCode } from '#contracts/errors';
import { ApiFailure, networkFailure } from '../api/failure.ts';
import { Pairing, type PairingState } from './pairing.ts';

const failed = (code: ErrorCode, rest: Partial<{ details: unknown; retryAfterSeconds: number; status: number }> = {}) =>
  new ApiFailure({ code, status: 400, message: `${code} happened`, ...rest });
const pending = failed('AUTHORIZATION_PENDING');
const paired: DisplayToken = {
  displayToken: `dsp_${'a'.repeat(43)}`,
  display: { id: '01931b2c-0000-7000-8000-000000000001', name: 'Bay 3', layout: 'map', locationName: 'North shop' },
};

/** A screen whose clock and server the test holds; `answers` are given in turn, the last one for ever. */
function setUp(answers: (ApiFailure | DisplayToken)[], codes: (ApiFailure | 'code')[] = ['code']) {
  let nowMs = 1_000_000;
  let timers: { atMs: number; work: () => void }[] = [];
  const asked: { what: string; atMs: number }[] = [];
  const states: PairingState[] = [];
  let codeCount = 0;
  const next = <T>(queue: T[]): T => (queue.length > 1 ? queue.shift() : queue[0]) as T;
  const pairing = new Pairing({
    askCode: () => {
      asked.push({ what: 'code', atMs: nowMs - 1_000_000 });
      const answer = next(codes);
      if (answer !== 'code') return Promise.reject(answer);
      codeCount += 1;
      const code: DeviceCode = {
        deviceCode: `dc_${codeCount}`,
        userCode: `ABC-23${codeCount}`,
        verificationUri: 'https://truckiq.example/settings/displays?code=ABC-234',
        expiresIn: 900,
        interval: 5,
      };
      return Promise.resolve(code);
    },
    askToken: (deviceCode) => {
      asked.push({ what: deviceCode, atMs: nowMs - 1_000_000 });
      const answer = next(answers);
      return answer instanceof ApiFailure ? Promise.reject(answer) : Promise.resolve(answer);
    },
    nowMs: () => nowMs,
    random: () => 0,
    after: (delayMs, work) => {
      const timer = { atMs: nowMs + delayMs, work };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
    onState: (state) => states.push(state),
  });
  const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));
  const advance = async (seconds: number): Promise<void> => {
    const untilMs = nowMs + seconds * 1000;
    for (;;) {
      const due = timers.filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      nowMs = due.atMs;
      timers = timers.filter((timer) => timer !== due);
      due.work();
      await settle();
    }
    nowMs = untilMs;
  };
  const begin = async (): Promise<void> => {
    pairing.start();
    await settle();
  };
  return { pairing, states, asked, begin, advance, seconds: () => asked.map(({ atMs }) => atMs / 1000) };
}

describe('pairing', () => {
  it('shows the code, asks at the pace it was given, and takes the token', async () => {
    const screen = setUp([pending, pending, paired]);
    await screen.begin();
    expect(screen.pairing.state).toMatchObject({
      kind: 'waiting',
      userCode: 'ABC-231',
      endsAtMs: 1_900_000,
      trouble: null,
    });
    await screen.advance(20);
    expect(screen.seconds()).toEqual([0, 5, 10, 15]);
    expect(screen.pairing.state).toEqual({ kind: 'paired', paired });
    await screen.advance(100);
    expect(screen.asked).toHaveLength(4);
  });

  it('slows down by five seconds each time it is told to, or by more', async () => {
    const slow = failed('SLOW_DOWN');
    const screen = setUp([slow, failed('SLOW_DOWN', { details: { interval: 30 } }), pending, pending]);
    await screen.begin();
    await screen.advance(90);
    expect(screen.seconds()).toEqual([0, 5, 15, 45, 75]);
  });

  it('shows a new code when the old one has run out', async () => {
    const screen = setUp([pending, failed('EXPIRED_TOKEN'), pending]);
    await screen.begin();
    await screen.advance(16);
    expect(screen.asked.map(({ what }) => what)).toEqual(['code', 'dc_1', 'dc_1', 'code', 'dc_2']);
    expect(screen.pairing.state).toMatchObject({ kind: 'waiting', userCode: 'ABC-232' });
  });

  it('stops when it is refused, until somebody at the screen asks again', async () => {
    const screen = setUp([failed('ACCESS_DENIED'), pending]);
    await screen.begin();
    await screen.advance(1_000);
    expect(screen.pairing.state).toEqual({ kind: 'denied' });
    expect(screen.asked).toHaveLength(2);
    await screen.begin();
    expect(screen.pairing.state).toMatchObject({ kind: 'waiting', userCode: 'ABC-232' });
  });

  it('keeps its code while the line is away, asks less and less, and says so', async () => {
    const screen = setUp([networkFailure(), networkFailure(), networkFailure(), pending, paired]);
    await screen.begin();
    await screen.advance(6);
    expect(screen.pairing.state).toMatchObject({ kind: 'waiting', userCode: 'ABC-231' });
    expect(screen.pairing.state.kind === 'waiting' && screen.pairing.state.trouble).toContain('cannot be reached');
    await screen.advance(40);
    const gaps = screen.seconds().map((at, n, all) => at - (all[n - 1] ?? 0));
    expect(gaps.slice(2, 5)).toEqual([5.25, 5.5, 6]);
    expect(screen.pairing.state.kind).toBe('paired');
  });

  it('waits as long as the server asks', async () => {
    const screen = setUp([failed('RATE_LIMITED', { status: 429, retryAfterSeconds: 45 }), pending]);
    await screen.begin();
    await screen.advance(50);
    expect(screen.seconds()).toEqual([0, 5, 50]);
  });

  it('gives up a code that is long over, even when nobody answers', async () => {
    const screen = setUp([networkFailure()]);
    await screen.begin();
    await screen.advance(1_200);
    expect(screen.asked.filter(({ what }) => what === 'code').length).toBeGreaterThan(1);
  });

  it('waits for a server that gives no code', async () => {
    const screen = setUp(
      [pending],
      [networkFailure(), failed('UNAVAILABLE', { status: 503, retryAfterSeconds: 60 }), 'code'],
    );
    await screen.begin();
    expect(screen.pairing.state).toMatchObject({ kind: 'unreachable' });
    await screen.advance(70);
    expect(screen.pairing.state).toMatchObject({ kind: 'waiting' });
    expect(screen.seconds().slice(0, 3)).toEqual([0, 1.25, 61.25]);
  });

  it('drops an answer that comes after it was stopped', async () => {
    const screen = setUp([paired]);
    await screen.begin();
    const before = screen.states.length;
    const coming = screen.advance(5);
    screen.pairing.stop();
    await coming;
    expect(screen.states).toHaveLength(before);
  });
});
