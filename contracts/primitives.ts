/**
 * The shared vocabulary of ids, times and pages. Every room speaks it; nothing here knows a room.
 */
import { z } from 'zod';

export const idPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
/** A UUIDv7: time-ordered, so that primary keys stay clustered by creation. */
export const idSchema = z.string().regex(idPattern, 'must be a UUIDv7');

/** An instant, RFC 3339 in UTC (`2026-11-20T09:11:24.000Z`). */
export const timeSchema = z.iso.datetime({ error: 'must be an RFC 3339 UTC time' });

/** An instant as a client may send it: any RFC 3339 offset, folded to UTC. */
export const inputTimeSchema = z
  .string()
  // RFC 3339 lets both letters be lower case.
  .transform((text) => text.toUpperCase())
  .pipe(z.iso.datetime({ offset: true, error: 'must be an RFC 3339 time' }))
  .transform((text, ctx) => {
    const at = new Date(text);
    // A leap second or a 31st of February passes the pattern but names no instant.
    if (Number.isNaN(at.getTime())) {
      ctx.addIssue({ code: 'custom', message: 'is not a real instant' });
      return z.NEVER;
    }
    return at.toISOString();
  });

/** A name that people read: one line of visible, well-formed text. */
export const nameSchema = (maxLength: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(maxLength)
    .regex(/^[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]*$/u, 'must be one line of visible text');

export const personNameSchema = nameSchema(120);

export const latitudeSchema = z.number().min(-90).max(90);
export const longitudeSchema = z.number().min(-180).max(180);

export const maxPageSize = 100;
export const defaultPageSize = 20;

/** A whole number in a query string, where everything arrives as text. */
export const queryInteger = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.number().int().min(min).max(max));

export const pageQueryShape = {
  page: queryInteger(1, 1_000_000).optional(),
  pageSize: queryInteger(1, maxPageSize).optional(),
};

export const cursorQueryShape = {
  cursor: z.string().min(1).max(512).optional(),
  limit: queryInteger(1, maxPageSize).optional(),
};

/**
 * A named schema or null. `.nullable()` would carry the name along, and the API document would then call the named thing
 * itself nullable.
 */
export const orNull = <T extends z.ZodType>(schema: T) => z.union([schema, z.null()]);

/** `{"data": …}`: the envelope of one thing. */
export const oneOf = <T extends z.ZodType>(data: T) => z.object({ data });

/** `{"data": […], "meta": {total, page, pageSize}}`: the envelope of a page. */
export const pageOf = <T extends z.ZodType>(item: T) =>
  z.object({
    data: z.array(item),
    meta: z.object({
      total: z.number().int().nonnegative(),
      page: z.number().int().positive(),
      pageSize: z.number().int().positive().max(maxPageSize),
    }),
  });

/** `{"data": […], "meta": {nextCursor}}`: the envelope of a feed, which has no total. */
export const feedOf = <T extends z.ZodType>(item: T) =>
  z.object({ data: z.array(item), meta: z.object({ nextCursor: z.string().nullable() }) });

export interface PageMeta {
  total: number;
  page: number;
  pageSize: number;
}
