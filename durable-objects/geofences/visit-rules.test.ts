/** What a visit leads to: dwelling, speeding, and a fence that is changed around a vehicle. */
import { describe, expect, it } from 'vitest';
import { box, drive, fenceOf, fix, minuteMs, startMs, yard } from '#test/durable-objects/fence-drives';
import { reconsider, waitUntil, type Happening, type RuledFence } from './visits.ts';

describe('dwell', () => {
  const dwelling = fenceOf(box(0, 0, 400), { dwellMinutes: 30 });

  it('is told once per visit, as of the minute it was reached', () => {
    const { told } = drive([fix(0, 100), fix(1799, 100), fix(1860, 110), fix(4000, 100), fix(4060, 900)], [dwelling]);
    expect(told.map(({ kind, atMs }) => [kind, (atMs - startMs) / 1000])).toEqual([
      ['entry', 0],
      ['dwell', 1800],
      ['dwell_ended', 4060],
      ['exit', 4060],
    ]);
  });

  it('needs a fix that shows it: one that comes from outside tells nothing', () => {
    expect(drive([fix(0, 100), fix(3600, 900)], [dwelling]).kinds).toEqual(['entry', 'exit']);
  });

  it('or time that passes without a fix', () => {
    const { course } = drive([fix(0, 100)], [dwelling]);
    const told: Happening<RuledFence>[] = [];
    if (course === null) throw new Error('no course');
    expect(waitUntil(course, startMs + 29 * minuteMs, (one) => told.push(one))).toBe(false);
    expect(waitUntil(course, startMs + 31 * minuteMs, (one) => told.push(one))).toBe(true);
    expect(waitUntil(course, startMs + 99 * minuteMs, (one) => told.push(one))).toBe(false);
    expect(told).toMatchObject([{ kind: 'dwell', atMs: startMs + 30 * minuteMs, speedMph: null }]);
    // By a fix or without one it is the same dwell, of the same minute.
    expect(drive([fix(1900, 100)], [dwelling], course).told).toEqual([]);
  });
});

describe('speeding', () => {
  const slow = fenceOf(box(0, 0, 400), { speedLimitMph: 15 });

  it('is told once per episode, which ends below the limit by two', () => {
    const speeds = [15, 16, 15.5, 14, 13.1, 17, 12.9, 16, null, 16, 3];
    const { told } = drive(
      speeds.map((speed, at) => fix(at * 5, 50 + at, 200, speed)),
      [slow],
    );
    expect(told.map(({ kind, speedMph }) => [kind, speedMph])).toEqual([
      ['entry', 15],
      ['speeding', 16],
      ['speeding_ended', 12.9],
      ['speeding', 16],
      ['speeding_ended', 3],
    ]);
  });

  it('ends with the visit, and is nobody’s business outside', () => {
    expect(
      drive([fix(0, -40, 200, 60), fix(5, 50, 200, 60), fix(10, 410, 200, 70), fix(20, 500, 200, 60)], [slow]).kinds,
    ).toEqual(['entry', 'speeding', 'speeding_ended', 'exit']);
    // Fast at the margin, where the visit goes on: no word.
    expect(drive([fix(0, 50, 200, 5), fix(10, 410, 200, 60)], [slow]).kinds).toEqual(['entry']);
  });

  it('is judged for a vehicle that reports the same place', () => {
    expect(drive([fix(0, 50, 200, 5), fix(5, 50, 200, 40), fix(10, 50, 200, 1)], [slow]).kinds).toEqual([
      'entry',
      'speeding',
      'speeding_ended',
    ]);
  });
});

describe('a fence that is changed around a vehicle', () => {
  const told: Happening<RuledFence>[] = [];
  const tell = (one: Happening<RuledFence>): void => void told.push(one);
  const kinds = (): string[] => told.splice(0).map(({ kind }) => kind);
  const nowMs = startMs + 5 * minuteMs;
  const rules = { dwellMinutes: 1, speedLimitMph: 15 };
  const inside = () => drive([fix(0, 100, 200, 30), fix(61, 100, 200, 30)], [fenceOf(box(0, 0, 400), rules)]).course;

  it('keeps the visit where it is still inside, and makes no entry', () => {
    const course = inside();
    const before = course?.visits[0]?.fence ?? null;
    if (course === null || before === null) throw new Error('no visit');
    const after = fenceOf(box(-50, 0, 400), rules);
    expect(reconsider(course, before, after, nowMs, tell)).toBe(true);
    expect(kinds()).toEqual([]);
    expect(course.visits).toMatchObject([{ fence: after, enteredMs: startMs, hasDwelled: true, isSpeeding: true }]);
  });

  it('ends visits without an exit where it is not', () => {
    const course = inside();
    const before = course?.visits[0]?.fence ?? null;
    if (course === null || before === null) throw new Error('no visit');
    reconsider(course, before, fenceOf(box(300, 0, 400), rules), nowMs, tell);
    expect(kinds()).toEqual(['speeding_ended', 'dwell_ended', 'visit_ended']);
    expect(course.visits).toEqual([]);
  });

  it('ends what it no longer watches for', () => {
    const course = inside();
    const before = course?.visits[0]?.fence ?? null;
    if (course === null || before === null) throw new Error('no visit');
    reconsider(course, before, fenceOf(box(0, 0, 400)), nowMs, tell);
    expect(kinds()).toEqual(['speeding_ended', 'dwell_ended']);
    expect(course.visits).toMatchObject([{ hasDwelled: false, isSpeeding: false }]);
  });

  it('is gone without a word when it is deleted', () => {
    const course = inside();
    const before = course?.visits[0]?.fence ?? null;
    if (course === null || before === null) throw new Error('no visit');
    reconsider(course, before, null, nowMs, tell);
    expect(kinds()).toEqual([]);
    expect(course.visits).toEqual([]);
  });

  it('drawn around a standing truck it is a visit from now on, without an entry', () => {
    const { course } = drive([fix(0, 100)], []);
    if (course === null) throw new Error('no course');
    const drawn = fenceOf(box(0, 0, 400), { dwellMinutes: 10 });
    expect(reconsider(course, null, drawn, nowMs, tell)).toBe(true);
    expect(kinds()).toEqual([]);
    expect(course.visits).toMatchObject([{ fence: drawn, enteredMs: nowMs }]);
    expect(drive([fix(400, 120), fix(500, 900)], [drawn], course).kinds).toEqual(['exit']);
  });

  it('moved around a standing truck it is a visit too, and ends what waited for its return', () => {
    const { course } = drive([fix(0, 900)], [yard]);
    if (course === null) throw new Error('no course');
    expect(reconsider(course, yard, fenceOf(box(800, 0, 400)), nowMs, tell)).toBe(true);
    expect(kinds()).toEqual(['visit_began']);
    expect(reconsider(course, null, fenceOf(box(0, 0, 10)), nowMs, tell)).toBe(false);
  });
});
