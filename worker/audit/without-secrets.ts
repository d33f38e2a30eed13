/** What of a change may stand in the audit log: everything but secrets, whatever field they hide in. */

const secretField =
  /password|secret|token|hash|sealed|cookie|credential|totp|^(?:api)?key$|recovery|privateKey|authorization/i;

/** Our own tokens (32 random bytes behind a prefix) and JWTs, wherever in a text they stand. */
const secretText = /\b[a-z]+(?:_live)?_[A-Za-z0-9_-]{40,}|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+/g;

/** The text without what looks like a token: somebody may have put one into an address or a comment. */
export const withoutTokens = (text: string): string => text.replaceAll(secretText, '[secret]');

/** A copy in which the value of every secret field, at any depth, is replaced by `[secret]`, and so is every token in a text. */
export function withoutSecrets(value: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(value).map(([field, inner]) => [
      field,
      secretField.test(field) && inner !== null && typeof inner !== 'boolean' ? '[secret]' : cleaned(inner),
    ]),
  );
}

function cleaned(value: unknown): unknown {
  if (typeof value === 'string') return withoutTokens(value);
  if (Array.isArray(value)) return value.map(cleaned);
  if (typeof value === 'object' && value !== null) return withoutSecrets(value as Record<string, unknown>);
  return value;
}
