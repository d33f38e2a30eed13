/** The one way to D1. */
import { drizzle, type DrizzleD1Database } from 'drizzle-orm/d1';
import * as schema from './schema/index.ts';

export type Database = DrizzleD1Database<typeof schema> & { $client: D1Database };

/** Wraps a D1 binding; cheap, made once per request or job. */
export function openDatabase(d1: D1Database): Database {
  return drizzle(d1, { schema, casing: 'snake_case' });
}
