/** Structured log lines. What a database error carries as parameters (e-mails, hashes, whole fleets) never gets in. */
import { DrizzleQueryError } from 'drizzle-orm/errors';

/** A cause in words, without the statement's parameters. */
export function describeCause(cause: unknown): string {
  if (cause instanceof DrizzleQueryError) return `database: ${describeCause(cause.cause ?? 'failed')}`;
  return cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
}

/** One line at level error. */
export function logFailure(event: string, cause: unknown, fields: Record<string, unknown> = {}): void {
  console.error(JSON.stringify({ level: 'error', event, ...fields, cause: describeCause(cause) }));
}
