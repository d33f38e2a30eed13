/** The words of the log held against what the platform writes: its source names every action and every kind of thing. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { actionGroups, isKnownAction, resourceWord } from './words.ts';

const worker = path.resolve(import.meta.dirname, '../../../../worker');
const sources = readdirSync(worker, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
  .map((file) => readFileSync(path.join(worker, file), 'utf8'));
const found = (pattern: RegExp): string[] => [
  ...new Set(sources.flatMap((source) => [...source.matchAll(pattern)].map((match) => match[1] ?? ''))),
];

/** Written as such: `action: 'user.suspend'`, `const action = 'mfa.enable'`. */
const named = found(/\baction(?::| =) '([a-z_]+(?:\.[a-z_]+)?)'/g).filter((action) => action.includes('.'));
/** Elsewhere too (handed to a function, chosen by a condition), wherever a text begins with the noun of one of those. */
const nouns = new Set(named.map((action) => action.split('.', 1)[0]));
const anywhere = found(/'([a-z_]+\.[a-z_]+)'/g).filter((text) => nouns.has(text.split('.', 1)[0]));
const written = [...new Set([...named, ...anywhere, 'sign_in'])].toSorted();
/** Put together: `sync_credentials.${verb}`. */
const prefixes = found(/\baction: `([a-z_]+\.)\$\{/g);

describe('the words of the audit log', () => {
  it('are there for every action that the platform writes', () => {
    expect(written).toEqual(expect.arrayContaining(['access.denied', 'mfa.reset', 'user.unlock', 'api_key.rotate']));
    expect(prefixes).toContain('sync_credentials.');
    expect(written.filter((action) => !isKnownAction(action))).toEqual([]);
    const words = actionGroups.flatMap(({ actions }) => Object.keys(actions));
    expect(prefixes.filter((prefix) => !words.some((action) => action.startsWith(prefix)))).toEqual([]);
  });

  it('are there for nothing else: the filter offers what can be found', () => {
    const words = actionGroups.flatMap(({ actions }) => Object.keys(actions));
    const isWritten = (action: string) =>
      written.includes(action) || prefixes.some((prefix) => action.startsWith(prefix));
    expect(words.filter((action) => !isWritten(action))).toEqual([]);
  });

  it('are there for every kind of thing that something is done to', () => {
    const kinds = found(/\bresourceType: '([a-z_]+)'/g);
    expect(kinds).toContain('dealer_link');
    expect(kinds.filter((kind) => resourceWord(kind) === kind)).toEqual([]);
  });
});
