/**
 * Raw SQL inside `db.batch`. Drizzle's D1 session binds parameters to `stmt`, which its raw queries lack; this gives
 * them one, so that bulk statements and query builders share one transaction and keep their result types.
 */
import type { SQL } from 'drizzle-orm';
import type { Database } from './client.ts';

/** A raw statement as an item of `db.batch([...])`. */
export function bulk(db: Database, query: SQL) {
  const raw = db.run(query);
  return Object.assign(raw, { stmt: db.$client.prepare(raw.getQuery().sql) });
}
