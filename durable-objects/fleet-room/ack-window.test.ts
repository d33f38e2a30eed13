import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { liveLimits } from '#contracts/live';
import {
  judgeReader,
  newWindow,
  nextJudgementMs,
  noteAck,
  noteDelta,
  noteSnapshot,
  noteUpToDate,
} from './ack-window.ts';

/** A window whose client was sent deltas 1…n at 0 ms and acknowledged none. */
function silent(deltas: number) {
  const window = newWindow();
  for (let seq = 1; seq <= deltas; seq += 1) noteDelta(window, seq, 0);
  return window;
}

describe('a reader that does not acknowledge', () => {
  it('is sent ten ticks and not an eleventh', () => {
    expect(judgeReader(silent(9), 10)).toBe('send');
    expect(judgeReader(silent(10), 10)).toBe('wait');
  });

  it('gets one merged delta per 5 s, three at most, and its end after 60 s', () => {
    const window = silent(10);
    const sentAt: number[] = [];
    let endedAt = 0;
    for (let nowMs = 100; nowMs <= 70_000 && endedAt === 0; nowMs += 100) {
      const verdict = judgeReader(window, nowMs);
      if (verdict === 'send') {
        noteDelta(window, 10 + nowMs, nowMs);
        sentAt.push(nowMs);
      }
      if (verdict === 'tooSlow') endedAt = nowMs;
    }
    expect(sentAt).toEqual([5_000, 10_000, 15_000]);
    expect(endedAt).toBe(60_100);
  });

  it('is not ended while nothing waits for it', () => {
    const window = silent(10);
    judgeReader(window, 100);
    noteUpToDate(window);
    expect(nextJudgementMs(window)).toBeNull();
    expect(judgeReader(window, 500_000)).toBe('send');
  });

  it('cannot pile up snapshots by changing its filter', () => {
    const window = newWindow();
    for (let n = 0; n < liveLimits.ackWindowTicks; n += 1) {
      expect(judgeReader(window, 0)).toBe('send');
      noteSnapshot(window, 5, 0);
    }
    expect(judgeReader(window, 0)).toBe('wait');
    expect(noteAck(window, 5, 1)).toBe('advances');
    expect(judgeReader(window, 1)).toBe('send');
  });
});

describe('an ack', () => {
  it('opens the window at once', () => {
    const window = silent(10);
    judgeReader(window, 100);
    expect(noteAck(window, 10, 200)).toBe('advances');
    expect(nextJudgementMs(window)).toBeNull();
    expect(judgeReader(window, 200)).toBe('send');
  });

  it('that leaves the window full restarts the clock', () => {
    const window = silent(10);
    judgeReader(window, 100);
    for (const at of [5_000, 10_000]) noteDelta(window, at, at);
    expect(noteAck(window, 2, 50_000)).toBe('advances');
    expect(judgeReader(window, 61_000)).toBe('send');
    expect(noteAck(window, 2, 61_000)).toBe('repeats');
  });

  it('beyond what was sent is refused, a repeated one is told apart', () => {
    const window = silent(3);
    expect(noteAck(window, 4, 0)).toBe('beyond');
    expect(noteAck(window, 3, 0)).toBe('advances');
    expect(noteAck(window, 3, 0)).toBe('repeats');
    expect(noteAck(window, 1, 0)).toBe('repeats');
  });
});

describe('any reader', () => {
  it('never has more than 13 deltas outstanding, and is woken whenever it waits', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('change' as const), afterMs: fc.integer({ min: 1, max: 4_000 }) }),
      fc.record({ kind: fc.constant('ack' as const), back: fc.nat({ max: 15 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { size: 'max', maxLength: 200 }), (steps) => {
        const window = newWindow();
        let nowMs = 0;
        let seq = 0;
        for (const next of steps) {
          if (next.kind === 'ack') {
            noteAck(window, Math.max(0, window.sentSeq - next.back), nowMs);
            continue;
          }
          nowMs += next.afterMs;
          seq += 1;
          const verdict = judgeReader(window, nowMs);
          if (verdict === 'send') noteDelta(window, seq, nowMs);
          else if (verdict === 'wait') expect(nextJudgementMs(window)).toBeGreaterThan(nowMs);
          else break;
          expect(window.unacked.length).toBeLessThanOrEqual(liveLimits.ackWindowTicks + liveLimits.slowReaderWindow);
        }
      }),
    );
  });
});
