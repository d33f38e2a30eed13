/** Makes text of strangers (names, companies, keys) harmless for a letter: one line, no tricks, no accidental links. */

/** Longer than any honest name. */
const maxGraphemes = 120;
const maxSubjectGraphemes = 160;

/** Line ends and other controls. */
const controls = /[\p{Cc}\p{Zl}\p{Zp}]+/gu;
/** Marks that turn the reading direction, and others that are not seen; the joiners inside emoji and scripts stay. */
const invisible =
  /[\u00AD\u061C\u180E\u200B\u200E\u200F\u202A-\u202E\u2060-\u2064\u2066-\u206F\uFEFF\uFFF9-\uFFFB\u{E0000}-\u{E007F}]/gu;
const scheme = /\b[a-z][a-z0-9+.-]{1,20}:\/\//giu;
/** A dot between letters is what mail programs turn into a link by themselves. */
const dotInWord = /[.\u3002\uFF0E\uFF61](?=\p{L}{2,})/gu;

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

function shorten(text: string, most: number): string {
  // Cheap first cut: a grapheme may be long, a hostile one endless.
  const parts = [...graphemes.segment(text.slice(0, most * 20))].map(({ segment }) => segment);
  const isCut = parts.length > most || text.length > most * 20;
  return isCut ? `${parts.slice(0, most - 1).join('')}…` : text;
}

const oneLine = (text: string): string =>
  text.toWellFormed().replace(controls, ' ').replace(invisible, '').replace(/\s+/gu, ' ').trim();

/**
 * A name as a letter may carry it. A web address in it loses what makes it one: an invitation must not become a stranger's
 * advertisement.
 */
export function plainName(text: string): string {
  const name = shorten(
    oneLine(oneLine(text).replace(scheme, '').replaceAll('://', ' ').replace(dotInWord, '. ')),
    maxGraphemes,
  );
  return name === '' ? '(no name)' : name;
}

/** A subject line: one line, bounded; no header can be begun in it. */
export const plainSubject = (text: string): string => shorten(oneLine(text), maxSubjectGraphemes);
