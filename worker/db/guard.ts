/**
 * Batches that happen whole or not at all. D1 has no transaction in which one could look first, so a condition travels in
 * the batch as a statement that fails when it does not hold, and takes everything before it back.
 */
import { sql, type SQL } from 'drizzle-orm';
import type { BatchItem, BatchResponse } from 'drizzle-orm/batch';
import { bulk } from './batch.ts';
import type { Database } from './client.ts';

/** An item of `commitGuarded`: the whole batch is refused unless the condition holds at this point of it. */
export const requireThat = (db: Database, condition: SQL) =>
  // json() of what is no JSON is the one error that a SELECT can raise at will.
  bulk(db, sql`SELECT json(CASE WHEN ${condition} THEN '1' ELSE 'refused' END)`);

/** An item of `commitGuarded`: the statement right before it must have changed a row. */
export const requireChanged = (db: Database) => requireThat(db, sql`changes() > 0`);

/** Runs the batch; null when one of its conditions did not hold, and then nothing of it has happened. */
export async function commitGuarded<U extends BatchItem<'sqlite'>, T extends Readonly<[U, ...U[]]>>(
  db: Database,
  batch: T,
): Promise<BatchResponse<T> | null> {
  try {
    return await db.batch(batch);
  } catch (cause) {
    if (isOf(cause, 'malformed JSON')) return null;
    throw cause;
  }
}

/** True when a batch failed because another row already holds a unique value, e.g. `users.email`. */
export const isTaken = (cause: unknown, column: string): boolean => isOf(cause, `UNIQUE constraint failed: ${column}`);

function isOf(thrown: unknown, words: string): boolean {
  for (let cause = thrown; cause instanceof Error; cause = cause.cause) {
    if (cause.message.includes(words)) return true;
  }
  return false;
}
