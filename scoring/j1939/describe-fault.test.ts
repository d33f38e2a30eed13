import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { vehicleSystems } from '#contracts/faults';
import { faultDescriptionSchema } from '#contracts/risk';
import { spnCatalogue } from './catalogue.ts';
import { describeFault, faultSources, isStopCode, maxShortTextLength, shortFaultText } from './describe-fault.ts';
import { failureMode } from './fmi.ts';

const allFmis = Array.from({ length: 32 }, (_, fmi) => fmi);
const severityRank = { unknown: 0, info: 1, minor: 2, major: 3, critical: 4 } as const;
const rank = (spn: number, fmi: number): number => severityRank[describeFault(spn, fmi).severity];
const ownEntries = spnCatalogue.filter((entry) => entry.spn < 2000 || entry.spn > 2255);

describe('what the catalogue does not know', () => {
  it('names an unknown SPN by its number and leaves severity unknown', () => {
    expect(describeFault(7_777, 3)).toMatchObject({
      spn: 7_777,
      fmi: 3,
      name: 'SPN 7777',
      system: 'other',
      vmrsSystem: null,
      severity: 'unknown',
      action: 'next_service',
    });
  });

  it('says that an SPN of the manufacturer range is specific to the manufacturer', () => {
    expect(describeFault(520_210, 31).meaning).toContain('specific to the manufacturer');
    expect(describeFault(7_777, 31).meaning).not.toContain('specific to the manufacturer');
  });

  it('judges reserved and impossible FMIs without ever ordering a stop', () => {
    for (const fmi of [22, 30, 32, -1, 2.5, Number.NaN, Infinity]) {
      const described = describeFault(100, fmi);
      expect(described.action).not.toBe('pull_over');
      expect(Number.isFinite(described.fmi)).toBe(true);
      expect(shortFaultText(100, fmi).length).toBeLessThanOrEqual(maxShortTextLength);
    }
  });

  it('never throws and always answers in the contract', () => {
    fc.assert(
      fc.property(fc.double(), fc.double(), (spn, fmi) => {
        expect(() => faultDescriptionSchema.parse(describeFault(spn, fmi))).not.toThrow();
        expect(isStopCode(Number.NaN, fmi)).toBe(false);
      }),
    );
  });
});

describe('the catalogue itself', () => {
  it('covers at least 200 SPNs over at least 8 systems, each SPN once', () => {
    expect(ownEntries.length).toBeGreaterThanOrEqual(200);
    expect(new Set(ownEntries.map((entry) => entry.system)).size).toBeGreaterThanOrEqual(8);
    expect(new Set(spnCatalogue.map((entry) => entry.spn)).size).toBe(spnCatalogue.length);
  });

  it('has usable words, a three-digit VMRS system and a 19-bit SPN everywhere', () => {
    for (const entry of spnCatalogue) {
      expect(entry.spn).toBeGreaterThan(0);
      expect(entry.spn).toBeLessThan(2 ** 19);
      expect(entry.vmrs).toMatch(/^0\d\d$/);
      expect(vehicleSystems).toContain(entry.system);
      expect(entry.subject.length, entry.subject).toBeLessThanOrEqual(36);
      expect(entry.about).toMatch(/\.$/);
      expect(entry.advice).toMatch(/\.$/);
    }
  });

  it('fits every code on a wall display without cutting it', () => {
    for (const entry of spnCatalogue) {
      for (const fmi of allFmis) {
        const text = shortFaultText(entry.spn, fmi);
        expect(text.length, text).toBeLessThanOrEqual(maxShortTextLength);
        expect(text).not.toContain('…');
      }
    }
  });

  it('never judges a milder level of the same direction harder', () => {
    for (const { spn } of spnCatalogue) {
      for (const [most, moderate, least] of [
        [0, 16, 15],
        [1, 18, 17],
      ] as const) {
        expect(rank(spn, most), `${spn} ${most}`).toBeGreaterThanOrEqual(rank(spn, moderate));
        expect(rank(spn, moderate), `${spn} ${moderate}`).toBeGreaterThanOrEqual(rank(spn, least));
      }
    }
  });

  it('judges a sensor circuit no harder than the worst condition the sensor watches, and never as a stop', () => {
    for (const { spn, kind } of spnCatalogue) {
      for (const fmi of [2, 3, 4, 5, 6, 8, 9, 10, 13, 19, 20, 21]) {
        expect(isStopCode(spn, fmi), `${spn} ${fmi}`).toBe(false);
        if (kind === 'measure') {
          const worst = Math.max(rank(spn, 0), rank(spn, 1), rank(spn, 31));
          expect(rank(spn, fmi), `${spn} ${fmi}`).toBeLessThanOrEqual(worst);
        }
      }
    }
  });
});

describe('codes every dispatcher knows', () => {
  it.each([
    [100, 1, 'critical', 'pull_over', 'engine', 'Engine oil pressure critically low'],
    [110, 0, 'critical', 'pull_over', 'cooling', 'Coolant temperature critically high'],
    [111, 1, 'critical', 'pull_over', 'cooling', 'Coolant level critically low'],
    [117, 1, 'critical', 'pull_over', 'brakes', 'Primary brake air pressure critically low'],
    [118, 1, 'critical', 'pull_over', 'brakes', 'Secondary brake air pressure critically low'],
    [110, 16, 'major', 'drive_to_dealer', 'cooling', 'Coolant temperature too high'],
    [1761, 1, 'critical', 'drive_to_dealer', 'aftertreatment', 'DEF tank empty'],
    [1761, 17, 'minor', 'next_service', 'aftertreatment', 'DEF level low'],
    [3364, 18, 'major', 'drive_to_dealer', 'aftertreatment', 'DEF quality poor'],
    [3251, 0, 'critical', 'drive_to_dealer', 'aftertreatment', 'DPF plugged: pressure critically high'],
    [4364, 18, 'major', 'drive_to_dealer', 'aftertreatment', 'SCR efficiency too low'],
    [5246, 0, 'critical', 'drive_to_dealer', 'aftertreatment', 'Emissions derate: final stage, walking speed'],
    [3216, 4, 'major', 'drive_to_dealer', 'aftertreatment', 'Inlet NOx sensor circuit voltage low'],
    [167, 1, 'critical', 'drive_to_dealer', 'electrical', 'Alternator not charging'],
    [168, 4, 'minor', 'next_service', 'electrical', 'Battery voltage low'],
    [639, 9, 'major', 'drive_to_dealer', 'network', 'J1939 data link 1: messages missing'],
    [2003, 9, 'major', 'drive_to_dealer', 'network', 'No data from transmission controller'],
    [651, 5, 'major', 'drive_to_dealer', 'fuel', 'Injector cylinder 1 circuit open'],
    [97, 31, 'major', 'drive_to_dealer', 'fuel', 'Water in fuel'],
    [171, 3, 'minor', 'next_service', 'air_intake', 'Outside air temperature sensor voltage high'],
    [593, 31, 'info', 'keep_driving', 'engine', 'Engine stopped after idling'],
  ] as const)('SPN %i FMI %i is %s, %s', (spn, fmi, severity, action, system, text) => {
    expect(describeFault(spn, fmi)).toMatchObject({ severity, action, system });
    expect(shortFaultText(spn, fmi)).toBe(text);
  });

  it('tells apart an overheated engine and a broken temperature sensor', () => {
    expect(describeFault(110, 0).advice).toMatch(/^Stop safely/);
    expect(describeFault(110, 3).advice).toContain('Sensor and connector');
    expect(describeFault(171, 3).advice).toMatch(/^Check connector/);
    expect(describeFault(110, 3).severity).toBe('minor');
    expect(describeFault(110, 3).meaning).toContain('unknown');
  });
});

describe('failure modes', () => {
  it('has a meaning for each of 0–31 and marks 22–30 reserved', () => {
    for (const fmi of allFmis) {
      const mode = failureMode(fmi);
      expect(mode.fmi).toBe(fmi);
      expect(mode.meaning.length).toBeGreaterThan(10);
      expect(mode.class === 'reserved').toBe(fmi >= 22 && fmi <= 30);
    }
    expect(failureMode(32).class).toBe('invalid');
  });
});

describe('severity by failure mode', () => {
  const worstOf = (spn: number, fmis: readonly number[]): number => Math.max(...fmis.map((fmi) => rank(spn, fmi)));
  const conditions = [0, 1, 7, 11, 12, 14, 15, 16, 17, 18, 31];

  it('orders a stop only for the most severe level, or for a thing that has failed', () => {
    for (const { spn } of spnCatalogue) {
      for (const fmi of [15, 16, 17, 18, 22, 26, 30]) expect(isStopCode(spn, fmi), `${spn} ${fmi}`).toBe(false);
    }
  });

  it('never judges lost sight of a thing worse than the worst the thing can do', () => {
    for (const { spn } of spnCatalogue) {
      expect(worstOf(spn, [2, 3, 4, 5, 6, 8, 9, 10, 13, 19, 20, 21]), String(spn)).toBeLessThanOrEqual(
        worstOf(spn, conditions),
      );
    }
  });

  it('uses the whole scale, and goes with the action that fits', () => {
    const actions = {
      critical: ['pull_over', 'drive_to_dealer'],
      major: ['drive_to_dealer'],
      minor: ['next_service'],
      info: ['keep_driving'],
      unknown: ['next_service'],
    } as const;
    const seen = new Map<string, number>();
    for (const { spn } of ownEntries) {
      for (const fmi of allFmis) {
        const { severity, action } = describeFault(spn, fmi);
        expect(actions[severity], `${spn} ${fmi}`).toContain(action);
        expect(isStopCode(spn, fmi)).toBe(action === 'pull_over');
        seen.set(severity, (seen.get(severity) ?? 0) + 1);
      }
    }
    expect([...seen.keys()].sort()).toEqual(['critical', 'info', 'major', 'minor']);
    const all = ownEntries.length * allFmis.length;
    // Most pairs are wiring and data; few are critical, or the word would mean nothing.
    expect((seen.get('critical') ?? 0) / all).toBeLessThan(0.1);
    expect((seen.get('minor') ?? 0) / all).toBeGreaterThan(0.4);
  });
});

describe('where the facts come from', () => {
  it('is said of every pair', () => {
    const found = spnCatalogue.flatMap(({ spn }) => allFmis.map((fmi) => faultSources(spn, fmi)));
    expect(found).not.toContain(null);
    const facts = new Set(
      found.flatMap((one) => (one === null ? [] : [one.parameter, one.failureMode, one.severity, one.words])),
    );
    expect(new Set([...facts].map(({ kind }) => kind))).toEqual(
      new Set(['public_standard', 'maker_document', 'own_inference']),
    );
    for (const { where } of facts) expect(where).toMatch(/\.$/);
    expect(faultSources(7_777, 3)).toBeNull();
    expect(faultSources(5246, 0)?.words.kind).toBe('maker_document');
    expect(faultSources(117, 1)?.severity.kind).toBe('public_standard');
    expect(faultSources(4792, 31)?.parameter.kind).toBe('own_inference');
  });
});
