import { describe, expect, it } from 'vitest';
import { catalogueEntry } from '../catalogue.ts';
import { describeFault, isStopCode } from '../describe-fault.ts';
import { failureMode } from '../fmi.ts';
import { handWrittenText, handWrittenTexts } from './index.ts';

const allFmis = Array.from({ length: 32 }, (_, fmi) => fmi);
const spns = Object.keys(handWrittenTexts).map(Number);
const texts = Object.entries(handWrittenTexts).flatMap(([spn, list]) =>
  list.map((text) => ({ spn: Number(spn), ...text })),
);

/** Words alone: no figures, no punctuation, and none of the names by which its own SPN is called. */
const bare = (spn: number, text: string): string[] => {
  const entry = catalogueEntry(spn);
  const names = new Set(`${entry?.subject ?? ''} ${entry?.name ?? ''}`.toLowerCase().match(/[a-z]+/g) ?? []);
  return (text.toLowerCase().match(/[a-z]+/g) ?? []).filter((word) => !names.has(word));
};

/** Runs of four words, the grain in which a template shows. */
const runs = (words: readonly string[]): Set<string> =>
  new Set(words.slice(3).map((_, at) => words.slice(at, at + 4).join(' ')));

const likeness = (a: ReadonlySet<string>, b: ReadonlySet<string>): number => {
  const shared = [...a].filter((run) => b.has(run)).length;
  return shared / Math.max(1, Math.min(a.size, b.size));
};

describe('the codes that strand trucks', () => {
  it('are at least 60 SPNs of all systems that strand, every one in the catalogue', () => {
    expect(spns.length).toBeGreaterThanOrEqual(60);
    const systems = new Set(spns.map((spn) => catalogueEntry(spn)?.system));
    for (const system of [
      'aftertreatment',
      'engine',
      'cooling',
      'air_intake',
      'fuel',
      'electrical',
      'brakes',
      'transmission',
      'steering',
      'network',
    ]) {
      expect(systems).toContain(system);
    }
    expect(systems).not.toContain(undefined);
  });

  it('have words for each of their 32 failure modes, and no text is out of reach', () => {
    for (const spn of spns) {
      const reached = new Set(allFmis.map((fmi) => handWrittenText(spn, fmi)));
      expect(reached, String(spn)).not.toContain(null);
      expect(reached.size, String(spn)).toBe(handWrittenTexts[spn]?.length);
    }
    expect(handWrittenText(171, 3)).toBeNull();
  });

  it('are what a description says', () => {
    for (const spn of spns) {
      for (const fmi of allFmis) {
        const own = handWrittenText(spn, fmi);
        const described = describeFault(spn, fmi);
        expect(described.advice).toBe(own?.advice);
        expect(described.meaning.startsWith(own?.meaning ?? '?')).toBe(true);
        if (!Array.isArray(own?.on)) expect(described.meaning).toContain(failureMode(fmi).meaning);
      }
    }
  });

  it('cover every code that orders a stop, and tell the driver to stop', () => {
    for (let spn = 0; spn < 8_000; spn += 1) {
      for (const fmi of allFmis) {
        if (!isStopCode(spn, fmi)) continue;
        expect(handWrittenText(spn, fmi), `${spn} ${fmi}`).not.toBeNull();
        expect(describeFault(spn, fmi).advice, `${spn} ${fmi}`).toMatch(/\b[Ss]top/);
      }
    }
  });
});

describe('no text comes from a template', () => {
  it('says something of substance', () => {
    for (const { spn, meaning, advice } of texts) {
      expect(meaning.length, `${spn}: ${meaning}`).toBeGreaterThan(20);
      expect(advice.length, `${spn}: ${advice}`).toBeGreaterThan(25);
      expect(meaning).toMatch(/[.?]$/);
      expect(advice).toMatch(/[.?]$/);
      expect(meaning).not.toBe(advice);
    }
  });

  it('repeats no other, with names and figures taken away', () => {
    const said = texts.flatMap(({ spn, meaning, advice }) =>
      [meaning, advice].map((text) => bare(spn, text).join(' ')),
    );
    expect(said.filter((text, at) => said.indexOf(text) !== at)).toEqual([]);
  });

  it('shares no run of words with another text beyond what chance and grammar give', () => {
    const grains = texts.flatMap(({ spn, meaning, advice }) =>
      [meaning, advice].map((text) => ({ text, runs: runs(bare(spn, text)) })),
    );
    const holders = new Map<string, (typeof grains)[number][]>();
    for (const grain of grains) {
      for (const run of grain.runs) holders.set(run, [...(holders.get(run) ?? []), grain]);
    }
    for (const sharing of holders.values()) {
      for (const one of sharing) {
        for (const other of sharing) {
          if (one === other) continue;
          expect(likeness(one.runs, other.runs), `“${one.text}” / “${other.text}”`).toBeLessThan(0.34);
        }
      }
    }
  });

  it('would catch one', () => {
    const made = (part: string): Set<string> =>
      runs(bare(0, `Check connector, wiring and supply of the ${part}; the reading cannot be trusted.`));
    expect(likeness(made('oil sensor'), made('boost sensor'))).toBeGreaterThan(0.34);
  });
});
