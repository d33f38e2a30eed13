/**
 * Idempotency-Key on POSTs that create: the same key and body replays the first answer, another body is refused, a
 * request still running conflicts. Answers are kept sealed: one may hold a key that is shown once.
 */
import { and, eq, isNull, sql } from 'drizzle-orm';
import { createMiddleware } from 'hono/factory';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { idempotencyKeys } from '../db/schema/index.ts';
import { configOf } from '../env.ts';
import { logFailure } from '../log.ts';
import { keyedHash } from '../secrets/keyed-hash.ts';
import { openVault, platformOwner, type SealedPlace } from '../secrets/vault.ts';
import type { AppEnv } from './context.ts';
import { AppError } from './errors.ts';

const keyPattern = /^[\x21-\x7e]{1,255}$/;
/** A first request that died leaves its key behind; after this another may take it over. */
const abandonedAfterMs = 60_000;

const placeOf = (ownerId: string, route: string, key: string): SealedPlace => ({
  table: 'idempotency_keys',
  rowId: JSON.stringify([ownerId, route, key]),
  field: 'response',
});

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
  // Keyed: a body may hold a password, and the hash of one that people choose can be guessed.
  const bodyHash = await keyedHash(configOf(c.env), 'idempotency', `${c.req.url}\n${await c.req.text()}`);
  const place = placeOf(ownerId, route, key);
  // Opened, and its key fetched, before anything is done: what could not be kept must not be done under a key.
  const vault = await openVault(db, configOf(c.env), platformOwner, now);
  await vault.seal('', place).catch(unkept);
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
    const kept = first.responseSealed === null ? '' : await vault.open(first.responseSealed, place).catch(lost);
    return c.body(kept, (first.status ?? 200) as ContentfulStatusCode, {
      'content-type': 'application/json',
      'idempotency-replayed': 'true',
    });
  }
  await next();
  try {
    // What was refused created nothing: the same key may try again, and hear what is true then.
    if (c.res.ok) {
      const responseSealed = await vault.seal(await c.res.clone().text(), place);
      await db.update(idempotencyKeys).set({ status: c.res.status, responseSealed }).where(isThis);
    } else {
      await db.delete(idempotencyKeys).where(and(isThis, isNull(idempotencyKeys.status)));
    }
  } catch (cause) {
    // What is done is done, and is what the client hears.
    logFailure('answer_not_kept', cause, { requestId: c.get('requestId'), route });
  }
});

function unkept(cause: unknown): never {
  throw new AppError('UNAVAILABLE', 'Idempotency-Key cannot be honoured right now. Try again in a moment.', { cause });
}

/** The data key is gone, or somebody changed the row: what was created stays, only its answer cannot be said again. */
function lost(cause: unknown): never {
  logFailure('kept_answer_unreadable', cause);
  throw new AppError('CONFLICT', 'What the first request with this Idempotency-Key answered can no longer be read.');
}
