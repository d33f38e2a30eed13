/** When two events are one, and which times one may have. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { serviceEventKinds, serviceEventSources } from '#contracts/service-events';
import { fingerprintOf, judgeTime, lacksSpn } from './rules.ts';

const event = {
  at: '2026-11-19T12:00:00.000Z',
  kind: 'repair' as const,
  spn: 3251,
  fmi: 0,
  description: 'DPF replaced',
  source: 'api' as const,
  externalId: null,
};
const arbitrary = fc.record({
  at: fc.integer({ min: 0, max: 4_102_444_800_000 }).map((ms) => new Date(ms).toISOString()),
  kind: fc.constantFrom(...serviceEventKinds),
  spn: fc.option(fc.integer({ min: 0, max: 524_287 })),
  fmi: fc.option(fc.integer({ min: 0, max: 31 })),
  description: fc.string({ minLength: 1 }),
  source: fc.constantFrom(...serviceEventSources),
  externalId: fc.option(fc.string({ minLength: 1 })),
});

describe('the fingerprint', () => {
  it('is what an event says, however it was typed', () => {
    const same = fingerprintOf(event);
    expect(same).toMatch(/^[0-9a-f]{32}$/);
    for (const typed of ['dpf REPLACED', '  DPF \t replaced ', 'DPF\u00a0replaced']) {
      expect(fingerprintOf({ ...event, description: typed })).toBe(same);
    }
    expect(fingerprintOf({ ...event, externalId: '  ' })).toBe(same);
    for (const other of [
      { at: '2026-11-19T12:00:00.001Z' },
      { kind: 'breakdown' as const },
      { spn: 3252 },
      { spn: null },
      { fmi: 1 },
      { fmi: null },
      { description: 'DPF cleaned' },
      { externalId: 'RO-1' },
    ]) {
      expect(fingerprintOf({ ...event, ...other }), JSON.stringify(other)).not.toBe(same);
    }
  });

  it('is the number of its order with the kind, where there is one', () => {
    const numbered = { ...event, externalId: 'RO-1' };
    const same = fingerprintOf(numbered);
    const other = { at: '2020-01-01T00:00:00.000Z', spn: null, fmi: null, description: 'corrected' };
    expect(fingerprintOf({ ...numbered, ...other })).toBe(same);
    expect(fingerprintOf({ ...numbered, externalId: ' ro-1 ' })).toBe(same);
    expect(fingerprintOf({ ...numbered, kind: 'preventive' })).not.toBe(same);
    expect(fingerprintOf({ ...numbered, externalId: 'RO-2' })).not.toBe(same);
  });

  it('of a portal’s case without a number leaves out its words and the hour', () => {
    const seen = { ...event, source: 'portal' as const };
    const same = fingerprintOf(seen);
    expect(fingerprintOf({ ...seen, description: 'DPF replaced, regen done', at: '2026-11-19T17:30:00.000Z' })).toBe(same);
    for (const other of [{ at: '2026-11-20T00:00:00.000Z' }, { kind: 'breakdown' as const }, { spn: 3252 }, { fmi: null }]) {
      expect(fingerprintOf({ ...seen, ...other }), JSON.stringify(other)).not.toBe(same);
    }
    expect(same).not.toBe(fingerprintOf(event));
    expect(fingerprintOf({ ...seen, externalId: 'C-1' })).toBe(fingerprintOf({ ...event, externalId: 'c-1' }));
  }); // prettier-ignore

  it('is one for one thing, and no two fields can pass for each other', () => {
    fc.assert(
      fc.property(arbitrary, arbitrary, (a, b) => {
        expect(fingerprintOf({ ...a })).toBe(fingerprintOf(a));
        const fold = (text: string) => text.normalize('NFC').trim().replace(/\s+/g, ' ').toLowerCase();
        const number = ({ externalId }: typeof a) => fold(externalId ?? '');
        const isSame =
          number(a) === number(b) &&
          a.kind === b.kind &&
          (number(a) !== '' ||
            ((a.source === 'portal') === (b.source === 'portal') &&
              a.spn === b.spn &&
              a.fmi === b.fmi &&
              (a.source === 'portal'
                ? a.at.slice(0, 10) === b.at.slice(0, 10)
                : a.at === b.at && fold(a.description) === fold(b.description))));
        expect(fingerprintOf(a) === fingerprintOf(b)).toBe(isSame);
      }),
    );
  });
});

describe('a time', () => {
  const now = new Date('2026-11-20T09:00:00.000Z');
  it.each([
    ['2026-11-20T09:10:00.000Z', undefined],
    ['2026-11-20T09:10:00.001Z', 'IN_THE_FUTURE'],
    ['1980-01-01T00:00:00.000Z', undefined],
    ['1979-12-31T23:59:59.999Z', 'INVALID_TIME'],
  ])('%s', (at, code) => expect(judgeTime(at, now)?.code).toBe(code));
});

it('a failure mode needs what failed', () => {
  expect(lacksSpn({ fmi: 0 })).toBe(true);
  expect(lacksSpn({ spn: null, fmi: 0 })).toBe(true);
  expect(lacksSpn({ spn: 0, fmi: 0 })).toBe(false);
  expect(lacksSpn({ spn: 0 })).toBe(false);
  expect(lacksSpn({})).toBe(false);
});
