/**
 * Words read off somebody else's page, made safe to keep: they stay data, whatever they say.
 * Escaping happens where text is shown; here only what no honest label contains is taken out.
 */

/**
 * Controls, bidirectional overrides and isolates, zero-width characters, line separators, lone surrogates: they
 * hide or reorder text on a board, and D1 refuses some of them.
 */
const invisible = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu;

/** Single line, no invisible characters, at most `maxLength` UTF-16 units, never cutting a character in half. */
export function cleanText(raw: string, maxLength: number): string {
  // A text far past its bound is cut before the pattern runs, so that a megabyte in one cell costs nothing.
  const bounded = raw.length > maxLength * 8 ? raw.slice(0, maxLength * 8) : raw;
  // Line breaks are controls too, so they become spaces first; what was hidden between two spaces leaves one.
  const oneLine = bounded
    .replace(/[\s\u00a0]+/g, ' ')
    .replace(invisible, '')
    .replace(/ {2,}/g, ' ')
    .trim();
  if (oneLine.length <= maxLength) return oneLine;
  const cut = oneLine.slice(0, maxLength);
  return (/[\ud800-\udbff]$/.test(cut) ? cut.slice(0, -1) : cut).trimEnd();
}

/** As `cleanText`, null when nothing is left. */
export const cleanTextOrNull = (raw: string | null | undefined, maxLength: number): string | null => {
  const text = cleanText(raw ?? '', maxLength);
  return text === '' ? null : text;
};

/** What portals print where they know nothing. */
const unknownWords = /^(?:[-–—.]+|n\/?a|none|unknown|null|undefined|not available)$/i;

/** The first number in a text, thousands separators read as such; null when there is none. */
export function firstNumber(text: string): number | null {
  if (unknownWords.test(text.trim())) return null;
  const match = /-?\d{1,3}(?:[,\u00a0\u202f' ]\d{3})+(?:\.\d+)?|-?\d+(?:\.\d+)?/.exec(text);
  if (!match) return null;
  const value = Number(match[0].replace(/[,\u00a0\u202f' ]/g, ''));
  return Number.isFinite(value) ? value : null;
}

/** True for a placeholder such as "—" or "N/A", and for nothing at all. */
export const saysNothing = (text: string): boolean => text.trim() === '' || unknownWords.test(text.trim());

/** What a value takes up as JSON in UTF-8. */
export const jsonBytes = (value: unknown): number => new TextEncoder().encode(JSON.stringify(value)).length;
