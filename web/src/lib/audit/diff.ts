/**
 * What an entry of the audit log has changed, field by field. Pure. Whatever people typed may stand in it: values come out as
 * plain text in which nothing is invisible.
 */

type Snapshot = Readonly<Record<string, unknown>> | null;

export interface DiffRow {
  /** Dotted where it is nested: `flags.alerts`. */
  field: string;
  kind: 'added' | 'removed' | 'changed' | 'same';
  /** null: the field was not there. */
  before: string | null;
  after: string | null;
}

const deepest = 6;

/** Leaves by their dotted path. A Map: what the log holds may be called "__proto__". */
function flatten(value: unknown, path: string, depth: number, into: Map<string, string>): Map<string, string> {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isObject || depth >= deepest || Object.keys(value).length === 0) {
    into.set(path, textOf(value));
    return into;
  }
  for (const [key, inner] of Object.entries(value))
    flatten(inner, path === '' ? key : `${path}.${key}`, depth + 1, into);
  return into;
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value === '' ? '(empty)' : value;
  if (value === null || value === undefined) return 'none';
  if (Array.isArray(value) && value.every((item) => typeof item === 'string' || typeof item === 'number')) {
    return value.length === 0 ? 'none' : value.join(', ');
  }
  return JSON.stringify(value);
}

/** Control characters, direction overrides and the like: what could make a text look like another. */
const unseen = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\u{FFF0}-\u{FFFB}]/gu;

/** The text with every invisible character named: "⟨U+202E⟩". */
export const inPlainSight = (text: string): string =>
  text.replace(unseen, (character) =>
    character === '\n' || character === '\t'
      ? character
      : `⟨U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}⟩`,
  );

/** Every field of either side: changes first, in the order they stand in; what stayed the same last. */
export function diffOf(before: Snapshot, after: Snapshot): DiffRow[] {
  const was = before === null ? new Map<string, string>() : flatten(before, '', 0, new Map());
  const is = after === null ? new Map<string, string>() : flatten(after, '', 0, new Map());
  const rows = [...new Set([...was.keys(), ...is.keys()])]
    // An empty snapshot has no fields.
    .filter((field) => field !== '')
    .map((field): DiffRow => {
      const [old, now] = [was.get(field) ?? null, is.get(field) ?? null];
      const kind = old === null ? 'added' : now === null ? 'removed' : old === now ? 'same' : 'changed';
      return {
        field: inPlainSight(field),
        kind,
        before: old === null ? null : inPlainSight(old),
        after: now === null ? null : inPlainSight(now),
      };
    });
  return [...rows.filter(({ kind }) => kind !== 'same'), ...rows.filter(({ kind }) => kind === 'same')];
}
