/**
 * How often somebody may be mailed at another person's word. Each such mail leaves a row behind (an invitation, a request
 * for a link, a person), and those are counted in the batch that writes the next: whoever asks at the same moment is
 * counted too.
 */
import { sql, type SQL } from 'drizzle-orm';
import type { Database } from '../db/client.ts';
import { AppError } from '../http/errors.ts';

export interface MailLimit {
  most: number;
  withinMs: number;
  /** `FROM … WHERE …`: the rows that stand for mails; they have a `created_at`. */
  rows: SQL;
}

export const hourMs = 3_600_000;
export const dayMs = 24 * hourMs;

const since = ({ withinMs }: MailLimit, now: Date): string => new Date(now.getTime() - withinMs).toISOString();

/** Condition: there is room for one more under every limit. */
export const hasRoom = (limits: readonly MailLimit[], now: Date): SQL =>
  sql.join(
    limits.map((limit) => sql`(SELECT count(*) ${limit.rows} AND created_at > ${since(limit, now)}) < ${limit.most}`),
    sql` AND `,
  );

/** The 429 of a batch that found no room, with the time until there is some. */
export async function noRoom(db: Database, limits: readonly MailLimit[], now: Date): Promise<AppError> {
  let waitMs = 0;
  for (const limit of limits) {
    // Once this one has left the window there is one fewer than the most.
    const { rows, most, withinMs } = limit;
    const [last] = await db.all<{ at: string }>(
      sql`SELECT created_at AS at ${rows} AND created_at > ${since(limit, now)}
        ORDER BY created_at DESC LIMIT 1 OFFSET ${most - 1}`,
    );
    if (last !== undefined) waitMs = Math.max(waitMs, Date.parse(last.at) + withinMs - now.getTime());
  }
  const retryAfterSeconds = Math.max(1, Math.ceil(waitMs / 1000));
  return new AppError('RATE_LIMITED', `Enough mail has gone there for now. Try again in ${retryAfterSeconds} s.`, {
    retryAfterSeconds,
  });
}
