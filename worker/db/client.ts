/** The one way to D1. */
import { drizzle, type DrizzleD1Database } from 'drizzle-orm/d1';
import * as schema from './schema/index.ts';

export type Database = DrizzleD1Database<typeof schema> & { $client: D1Database };

/** Wrapping reads the whole schema; a wrapper holds nothing of the request that made it. */
const opened = new WeakMap<D1Database, Database>();

/** Wraps a D1 binding, once per binding. */
export function openDatabase(d1: D1Database): Database {
  const known = opened.get(d1);
  if (known !== undefined) return known;
  const database = drizzle(d1, { schema, casing: 'snake_case' });
  opened.set(d1, database);
  return database;
}
