/**
 * Idempotency-Key on POSTs that create: the same key and body replays the first answer, another body is refused, a
 * request still running conflicts.
 */
import { and, eq, isNull, sql } from 'drizzle-orm';
import { createMiddleware } from 'hono/factory';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { idempotencyKeys } from '../db/schema/index.ts';
import type { AppEnv } from './context.ts';
import { AppError } from './errors.ts';
import { hashToken } from './tokens.ts';

const keyPattern = /^[\x21-\x7e]{1,255}$/;
/** A first request that died leaves its key behind; after this another may take it over. */
const abandonedAfterMs = 60_000;

export const idempotent = createMiddleware<AppEnv>(async (c, next) => {
  const key = c.req.header('idempotency-key');
  if (key === undefined) return next();
  if (!keyPattern.test(key)) {
    throw new AppError('VALIDATION_FAILED', 'Idempotency-Key must be 1–255 visible ASCII characters.');
  }
  const db = c.get('db');
  const now = c.get('now');
  const ownerId = c.get('caller').id;
  const route = `${c.req.method} ${c.req.path}`;
  const bodyHash = await hashToken(`${c.req.url}\n${await c.req.text()}`);
  const isThis = and(
    eq(idempotencyKeys.ownerId, ownerId),
    eq(idempotencyKeys.route, route),
    eq(idempotencyKeys.key, key),
  );
  const abandonedBefore = new Date(now.getTime() - abandonedAfterMs).toISOString();
  const taken = await db
    .insert(idempotencyKeys)
    .values({ ownerId, route, key, bodyHash, createdAt: now.toISOString() })
    .onConflictDoUpdate({
      target: [idempotencyKeys.ownerId, idempotencyKeys.route, idempotencyKeys.key],
      set: { createdAt: now.toISOString() },
      setWhere: sql`${idempotencyKeys.status} is null and ${idempotencyKeys.bodyHash} = ${bodyHash}
        and ${idempotencyKeys.createdAt} < ${abandonedBefore}`,
    })
    .returning({ key: idempotencyKeys.key });
  if (taken.length === 0) {
    const [first] = await db.select().from(idempotencyKeys).where(isThis);
    if (first === undefined || (first.bodyHash === bodyHash && first.status === null)) {
      throw new AppError('CONFLICT', 'The first request with this Idempotency-Key is still running.');
    }
    if (first.bodyHash !== bodyHash) {
      throw new AppError('IDEMPOTENCY_MISMATCH', 'This Idempotency-Key was used with another body.');
    }
    return c.body(first.responseSealed ?? '', (first.status ?? 200) as ContentfulStatusCode, {
      'content-type': 'application/json',
      'idempotency-replayed': 'true',
    });
  }
  await next();
  // What was refused created nothing: the same key may try again, and hear what is true then.
  const worthKeeping = c.res.ok;
  if (worthKeeping) {
    const responseBody = await c.res.clone().text();
    await db.update(idempotencyKeys).set({ status: c.res.status, responseSealed: responseBody }).where(isThis);
  } else {
    await db.delete(idempotencyKeys).where(and(isThis, isNull(idempotencyKeys.status)));
  }
});
