import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Reading } from '#contracts/telemetry';
import { mergePages } from './merge-pages.ts';
import { complaintAboutInstant, cursorOf, judgeTrackQuery } from './rules.ts';

const now = new Date('2026-11-20T12:00:00.000Z');
const hour = 3_600_000;
const vehicleId = '01940000-0000-7000-8000-000000000001';
const judge = (query: Parameters<typeof judgeTrackQuery>[0], id = vehicleId) => judgeTrackQuery(query, id, now);
const iso = (ms: number) => new Date(ms).toISOString();

describe('the stretch a request asks for', () => {
  test('is the last day, until everything that has been taken', () => {
    expect(judge({})).toEqual({
      ok: true,
      request: {
        ...{ fromMs: now.getTime() - 24 * hour, toMs: now.getTime() + 600_000 },
        ...{ afterMs: null, limit: 100, simplifyMetres: null },
      },
    });
    const to = iso(now.getTime() - 48 * hour);
    expect(judge({ to })).toMatchObject({
      request: { fromMs: now.getTime() - 72 * hour, toMs: now.getTime() - 48 * hour },
    });
    expect(judge({ from: to, limit: 7, simplify: 0 })).toMatchObject({
      request: { fromMs: now.getTime() - 48 * hour, toMs: now.getTime() + 600_000, limit: 7, simplifyMetres: 0 },
    });
  });

  test('may be an instant, and is refused when it ends before it begins', () => {
    expect(judge({ from: iso(5), to: iso(5) })).toMatchObject({ ok: true });
    expect(judge({ from: iso(6), to: iso(5) })).toEqual({ ok: false, why: 'from_after_to' });
    expect(judge({ from: iso(now.getTime() + hour) })).toEqual({ ok: false, why: 'from_after_to' });
  });

  test('goes on where its cursor says, while time goes on, and with no other question', () => {
    const asked = judge({ simplify: 5 });
    if (!asked.ok) throw new Error('refused');
    const cursor = cursorOf(vehicleId, asked.request, 42);
    expect(cursor).toMatch(/^[\w-]{1,512}$/);
    const later = judgeTrackQuery({ cursor, simplify: 5, limit: 9 }, vehicleId, new Date(now.getTime() + hour));
    expect(later).toEqual({ ok: true, request: { ...asked.request, afterMs: 42, limit: 9 } });
    const unknown = { ok: false, why: 'unknown_cursor' };
    expect(judge({ cursor })).toEqual(unknown);
    expect(judge({ cursor, simplify: 6 })).toEqual(unknown);
    expect(judge({ cursor, simplify: 5, to: iso(1) })).toEqual(unknown);
    expect(judge({ cursor, simplify: 5, from: iso(1) })).toEqual(unknown);
    expect(judge({ cursor, simplify: 5, from: iso(asked.request.fromMs) })).toMatchObject({ ok: true });
    expect(judge({ cursor, simplify: 5 }, '01940000-0000-7000-8000-000000000002')).toEqual(unknown);
  });

  test('never follows rubbish', () => {
    const texts = fc.oneof(
      fc.string({ maxLength: 512 }),
      fc.json().map((text) => btoa(encodeURIComponent(text))),
      fc
        .array(fc.oneof(fc.double(), fc.constant(vehicleId), fc.constant(null)), { maxLength: 6 })
        .map((fields) => btoa(JSON.stringify(fields))),
    );
    fc.assert(
      fc.property(texts, (cursor) => {
        const judged = judge({ cursor });
        if (judged.ok) expect(Number.isInteger(judged.request.afterMs)).toBe(true);
        else expect(judged.why).toBe('unknown_cursor');
      }),
    );
  });
});

test('an instant lies within the last 30 days', () => {
  expect(complaintAboutInstant(now.getTime(), now)).toBeNull();
  expect(complaintAboutInstant(now.getTime() + 1, now)).toBe('must not lie in the future');
  expect(complaintAboutInstant(now.getTime() - 30 * 24 * hour, now)).toBeNull();
  expect(complaintAboutInstant(now.getTime() - 30 * 24 * hour - 1, now)).toBe('must lie within the last 30 days');
});

describe('pages of several sources', () => {
  const readingAt = (atMs: number, speedMph: number): Reading => ({
    ...{ at: iso(atMs), lat: 0, lon: 0, speedMph, heading: null },
    ...{ odometerMiles: null, engineHours: null, fuelPercent: null, ignition: null },
  });
  /** The source is told by the speed. */
  const sources = fc
    .array(fc.uniqueArray(fc.integer({ min: 0, max: 30 }), { maxLength: 20 }), { minLength: 1, maxLength: 3 })
    .map((all) => all.map((times, source) => times.sort((a, b) => a - b).map((atMs) => readingAt(atMs, source))));
  const pageOf = (readings: Reading[], afterMs: number, limit: number) => {
    const rest = readings.filter(({ at }) => Date.parse(at) > afterMs);
    return { readings: rest.slice(0, limit), hasMore: rest.length > limit };
  };

  test('read to the end are all of their readings once, the earlier source first', () => {
    fc.assert(
      fc.property(sources, fc.integer({ min: 1, max: 12 }), (all, limit) => {
        const read: Reading[] = [];
        for (let afterMs = -1; ;) {
          const page = mergePages(
            all.map((readings) => pageOf(readings, afterMs, limit)),
            limit,
          );
          read.push(...page.readings);
          expect(page.readings.length).toBeLessThanOrEqual(limit);
          if (!page.hasMore) break;
          expect(page.readings.length).toBeGreaterThan(0);
          afterMs = Date.parse(page.readings.at(-1)?.at ?? '');
        }
        const expected = new Map<string, Reading>();
        for (const reading of all.flat()) if (!expected.has(reading.at)) expected.set(reading.at, reading);
        expect(read).toEqual([...expected.values()].sort((a, b) => (a.at < b.at ? -1 : 1)));
      }),
    );
  });
});
