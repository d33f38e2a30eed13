/** Column kinds used by every table: text times in RFC 3339 UTC, so that they sort and compare as text. */
import { text } from 'drizzle-orm/sqlite-core';

export const id = () => text().primaryKey();
/** RFC 3339 UTC with milliseconds, always written by `toISOString`, so text order is time order. */
export const time = () => text();
