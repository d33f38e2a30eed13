/** What of a change may stand in the audit log: everything but secrets, whatever field they hide in. */

const secretField = /password|secret|token|hash|sealed|cookie|credential|totp|^key$|recovery|privateKey|authorization/i;

/** A copy in which the value of every secret field, at any depth, is replaced by `[secret]`. */
export function withoutSecrets(value: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(value).map(([field, inner]) => [
      field,
      secretField.test(field) && inner !== null && typeof inner !== 'boolean' ? '[secret]' : cleaned(inner),
    ]),
  );
}

function cleaned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(cleaned);
  if (typeof value === 'object' && value !== null) return withoutSecrets(value as Record<string, unknown>);
  return value;
}
