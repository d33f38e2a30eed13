/** Applies migrations/*.sql in order, once each, to a local D1; keeps wrangler's own table, so both agree. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { D1Database } from '@cloudflare/workers-types';
import { CheckError } from './checks.ts';

/** Statements of one file as drizzle-kit writes them. */
const statementsOf = (sql: string): string[] =>
  sql
    .split('--> statement-breakpoint')
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');

/**
 * Returns the names of the migrations that were new. A failing one changes nothing and throws; so does one that was
 * applied and has been edited since, because the tables are no longer what the code expects.
 */
export async function applyMigrations(database: D1Database, folder: string): Promise<string[]> {
  await database.batch([
    database.prepare(
      `CREATE TABLE IF NOT EXISTS d1_migrations (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE,
        applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)`,
    ),
    database.prepare('CREATE TABLE IF NOT EXISTS migration_digests (name TEXT PRIMARY KEY, digest TEXT NOT NULL)'),
  ]);
  const { results } = await database
    .prepare('SELECT m.name, g.digest FROM d1_migrations m LEFT JOIN migration_digests g ON g.name = m.name')
    .all<{ name: string; digest: string | null }>();
  const applied = new Map(results.map(({ name, digest }) => [name, digest]));
  const fresh: string[] = [];
  for (const name of readdirSync(folder).sort()) {
    if (!name.endsWith('.sql')) continue;
    const text = readFileSync(join(folder, name), 'utf8');
    const digest = createHash('sha256').update(text).digest('hex');
    const known = applied.get(name);
    if (known !== undefined && known !== null && known !== digest) {
      throw new CheckError(`The kept data was made with another version of ${name}. Start once with --fresh.`);
    }
    const remember = database.prepare('INSERT OR IGNORE INTO migration_digests VALUES (?, ?)').bind(name, digest);
    if (applied.has(name)) {
      await remember.run();
      continue;
    }
    await database.batch([
      ...statementsOf(text).map((statement) => database.prepare(statement)),
      database.prepare('INSERT INTO d1_migrations (name) VALUES (?)').bind(name),
      remember,
    ]);
    fresh.push(name);
  }
  return fresh;
}
