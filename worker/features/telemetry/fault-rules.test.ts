/** Words on faults, in any order and any number: what stands afterwards is what the newest of each code says. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  applyFaultWords,
  faultKeyOf,
  wordsOfDm1,
  type DescribeFault,
  type FaultWord,
  type KnownFault,
} from './fault-rules.ts';

const now = new Date('2026-11-20T09:00:00.000Z');
const minute = (n: number): string => new Date(now.getTime() - 3600_000 + n * 60_000).toISOString();
const say: DescribeFault = (spn) => ({ description: `SPN ${spn}`, system: 'engine', severity: 'major' });
const lamps = { malfunction: false, redStop: true, amberWarning: false, protect: false };

const word = (changes: Partial<FaultWord> = {}): FaultWord => ({
  ...{ vehicleId: 'v1', sourceAddress: 0, spn: 110, fmi: 0, at: minute(0), active: true },
  ...{ occurrenceCount: null, lamps: null },
  ...changes,
});

/** D1 in a few lines: what the store does with the rows. */
function applied(known: readonly KnownFault[], words: readonly FaultWord[]): KnownFault[] {
  const byKey = new Map(known.map((fault) => [faultKeyOf(fault), fault]));
  for (const row of applyFaultWords(known, words, say, now).rows) {
    const { description: _d, system: _s, severity: _v, ...rest } = row;
    byKey.set(faultKeyOf(row), { ...rest, id: row.id ?? faultKeyOf(row) });
  }
  return [...byKey.values()];
}
const one = (faults: readonly KnownFault[]): KnownFault => {
  expect(faults).toHaveLength(1);
  return faults[0] as KnownFault;
};

describe('a word on a fault', () => {
  test('that takes back what nobody knows of is history, and outweighs the report that comes late', () => {
    const known = applied([], [word({ at: minute(5), active: false })]);
    expect(one(known)).toMatchObject({ isActive: false, clearedAt: minute(5) });
    expect(applied(known, [word({ at: minute(3) })])).toEqual(known);
  });

  test('of more than thirty days ago is history, and says nothing of what is known', () => {
    const long = new Date(now.getTime() - 31 * 86_400_000).toISOString();
    expect(one(applied([], [word({ at: long })]))).toMatchObject({ isActive: false, clearedAt: long });
    const known = applied([], [word()]);
    expect(applied(known, [word({ at: long, active: false })])).toEqual(known);
  });

  test('opens, is counted, clears, and opens again', () => {
    let known = applied([], [word({ occurrenceCount: 2, lamps })]);
    expect(one(known)).toMatchObject({ isActive: true, isTelemetryActive: true, occurrenceCount: 2, lamps });
    known = applied(known, [word({ at: minute(1), occurrenceCount: 3 })]);
    expect(one(known)).toMatchObject({ occurrenceCount: 3, lastSeenAt: minute(1), lamps });
    known = applied(known, [word({ at: minute(2), active: false })]);
    expect(one(known)).toMatchObject({ isActive: false, clearedAt: minute(2), lastSeenAt: minute(1) });
    known = applied(known, [word({ at: minute(3) })]);
    expect(one(known)).toMatchObject({ isActive: true, clearedAt: null, reopenCount: 1, occurrenceCount: 4 });
  });

  test('never takes back what the portal reports', () => {
    const portals = applied([], [word()]).map((fault) => ({ ...fault, isPortalActive: true }));
    expect(one(applied(portals, [word({ at: minute(5), active: false })]))).toMatchObject({
      ...{ isActive: true, isTelemetryActive: false, clearedAt: null },
    });
  });

  test('seen again without news is written, but is no news', () => {
    const known = applied([], [word()]);
    const writes = applyFaultWords(known, [word({ at: minute(1) })], say, now);
    expect(writes).toMatchObject({ rows: [{ lastSeenAt: minute(1) }], newsVehicleIds: [] });
  });

  const words = fc.array(
    fc
      .record({
        spn: fc.constantFrom(110, 3251),
        n: fc.nat(9),
        active: fc.boolean(),
        occurrenceCount: fc.option(fc.nat(9)),
      })
      .map(({ n, ...rest }) => word({ ...rest, at: minute(n) })),
    { maxLength: 12 },
  );

  test('twice is once, and in any order the newest one counts', () => {
    fc.assert(
      fc.property(words, fc.infiniteStream(fc.nat()), (said, random) => {
        // Of two words at one time the first stays, so only words of different times may change places.
        const distinct = [...new Map(said.map((w) => [`${w.spn}/${w.at}`, w])).values()];
        const shuffled = distinct
          .map((w) => ({ w, key: random.next().value as number }))
          .sort((a, b) => a.key - b.key)
          .map(({ w }) => w);
        const inOrder = applied([], distinct);
        const oneByOne = shuffled.reduce<KnownFault[]>((known, w) => applied(known, [w]), []);
        const activeOf = (faults: readonly KnownFault[]) =>
          faults.filter(({ isActive }) => isActive).map(({ spn }) => spn).sort(); // prettier-ignore
        expect(activeOf(oneByOne)).toEqual(activeOf(inOrder));
        expect(applied(inOrder, distinct)).toEqual(inOrder);
        for (const fault of oneByOne) {
          expect(fault.isActive).toBe(fault.clearedAt === null);
          const newest = distinct.filter(({ spn }) => spn === fault.spn).sort((a, b) => (a.at < b.at ? 1 : -1))[0];
          expect(fault.isActive).toBe(newest?.active);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('a DM1', () => {
  const dm1 = (at: string, ...spns: number[]) => ({
    ...{ vehicleId: 'v1', sourceAddress: 0, at, lamps },
    codes: spns.map((spn) => ({ spn, fmi: 0, occurrenceCount: null })),
  });
  const heard = (known: KnownFault[], message: ReturnType<typeof dm1>) => applied(known, wordsOfDm1(message, known));
  const activeSpns = (known: readonly KnownFault[]) => known.filter((f) => f.isActive).map(({ spn }) => spn);

  test('replaces what its controller reported, and nobody else’s', () => {
    let known = heard(applied([], [word({ sourceAddress: 3, spn: 190 })]), dm1(minute(1), 110, 3251));
    expect(activeSpns(known)).toEqual([190, 110, 3251]);
    known = heard(known, dm1(minute(2), 3251));
    expect(activeSpns(known)).toEqual([190, 3251]);
    known = heard(known, dm1(minute(3)));
    expect(activeSpns(known)).toEqual([190]);
  });

  test('leaves what only the portal reports', () => {
    const portals = applied([], [word()]).map((f) => ({ ...f, isPortalActive: true, isTelemetryActive: false }));
    expect(wordsOfDm1(dm1(minute(1)), portals)).toEqual([]);
  });
});
