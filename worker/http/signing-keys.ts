/**
 * The ES256 keys that sign access tokens. They live in D1 (the private half sealed), are published before they sign and stay
 * published until the last token signed with them has expired. Each isolate keeps them imported, and asks D1 again after a
 * few minutes or, at most every few seconds, when a token names a key it does not know.
 */
import { sql } from 'drizzle-orm';
import { importJWK, type CryptoKey, type JWK } from 'jose';
import { accessTokenSeconds } from '#contracts/auth';
import type { AuditTrail } from '../audit/trail.ts';
import { bulk } from '../db/batch.ts';
import { openDatabase, type Database } from '../db/client.ts';
import { signingKeys } from '../db/schema/index.ts';
import { configOf, type Env } from '../env.ts';
import { newId } from '../ids.ts';
import { openVault, platformOwner, type SealedPlace } from '../secrets/vault.ts';
import { AppError } from './errors.ts';

const hourMs = 3600_000;
/** A key signs for this long before the next one is made. */
const rotateAfterMs = 30 * 24 * hourMs;
/** Published a day, and the time caches may lag, before it signs. */
const publishedBeforeMs = 25 * hourMs;
/** A replaced key stays this much longer than its last token: for clocks that differ. */
const skewMs = 10 * 60_000;
/** Until a key has a successor, nobody knows when it ends. */
const untilReplaced = '9999-12-31T23:59:59.999Z';

/** After this an isolate asks D1 again, so that a key deleted in an emergency is gone everywhere soon. */
const cachedForMs = 5 * 60_000;
/** Between two reads that unknown key ids cause: forged ones must not become a load on D1. */
const rereadAfterMs = 5_000;
/** How long a request waits for the read that another one has under way. */
const patienceMs = 2_000;

export interface SigningKey {
  kid: string;
  publicJwk: JWK;
  verify: CryptoKey;
  privateSealed: string;
  signsFromMs: number;
  expiresAtMs: number;
}

type KeySet = ReadonlyMap<string, SigningKey>;

const placeOf = (kid: string): SealedPlace => ({ table: 'signing_keys', rowId: kid, field: 'private' });

const unavailable = (cause: unknown): AppError =>
  new AppError('UNAVAILABLE', 'Sign-in cannot be checked right now. Try again in a moment.', { cause });

async function importKey(jwk: JWK): Promise<CryptoKey> {
  const key = await importJWK({ ...jwk, alg: 'ES256' }, 'ES256');
  if (key instanceof Uint8Array) throw new Error('not an EC key');
  return key;
}

/** A new pair as a row; the private half is sealed before anything else sees it. */
async function newKeyRow(env: Env, db: Database, now: Date, signsFrom: Date): Promise<typeof signingKeys.$inferInsert> {
  const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
  if (!('privateKey' in pair)) throw new Error('no key pair');
  const jwk = await crypto.subtle.exportKey('jwk', pair.privateKey);
  if (jwk instanceof ArrayBuffer) throw new Error('no JWK');
  const { kty, crv, x, y, d } = jwk;
  const kid = newId(now.getTime());
  const vault = await openVault(db, configOf(env), platformOwner, now);
  return {
    kid,
    publicJwk: JSON.stringify({ kty, crv, x, y }),
    privateSealed: await vault.seal(JSON.stringify({ kty, crv, x, y, d }), placeOf(kid)),
    createdAt: now.toISOString(),
    signsFrom: signsFrom.toISOString(),
    expiresAt: untilReplaced,
  };
}

/** Inserts the key unless there is one already that was made after `unlessSince`: of many at once, one gets in. */
const insertUnless = (db: Database, row: typeof signingKeys.$inferInsert, unlessSince: string) =>
  bulk(
    db,
    sql`INSERT INTO signing_keys (kid, public_jwk, private_sealed, created_at, signs_from, expires_at)
      SELECT ${row.kid}, ${row.publicJwk}, ${row.privateSealed}, ${row.createdAt}, ${row.signsFrom}, ${row.expiresAt}
      WHERE NOT EXISTS (SELECT 1 FROM signing_keys WHERE expires_at = ${untilReplaced} AND created_at > ${unlessSince})`,
  );

async function readKeys(env: Env, now: Date): Promise<KeySet> {
  const db = openDatabase(env.DB);
  let rows = await db.select().from(signingKeys).orderBy(signingKeys.signsFrom);
  if (!rows.some((row) => row.expiresAt === untilReplaced)) {
    // The first one signs at once: no token is older than it.
    await insertUnless(db, await newKeyRow(env, db, now, now), '');
    rows = await db.select().from(signingKeys).orderBy(signingKeys.signsFrom);
  }
  const keys = await Promise.all(
    rows.map(async (row): Promise<SigningKey> => {
      const publicJwk = JSON.parse(row.publicJwk) as JWK;
      return {
        kid: row.kid,
        publicJwk,
        verify: await importKey(publicJwk),
        privateSealed: row.privateSealed,
        signsFromMs: Date.parse(row.signsFrom),
        expiresAtMs: Date.parse(row.expiresAt),
      };
    }),
  );
  return new Map(keys.map((key) => [key.kid, key]));
}

/** The keys as one isolate knows them. */
class KnownKeys {
  #keys: KeySet | null = null;
  #readAtMs = 0;
  #readings = 0;
  #readingSinceMs: number | null = null;
  readonly #signers = new Map<string, CryptoKey>();

  /** The keys, read within the last `olderThanMs`. */
  async within(env: Env, now: Date, olderThanMs: number): Promise<KeySet> {
    const isFresh = Math.abs(now.getTime() - this.#readAtMs) < olderThanMs;
    return this.#keys !== null && isFresh ? this.#keys : this.#read(env, now);
  }

  async #read(env: Env, now: Date): Promise<KeySet> {
    const before = this.#readings;
    // Waiting by the clock: in workerd a request must not hang on a promise of another, which may be cancelled.
    const isUnderWay = () => this.#readingSinceMs !== null && Date.now() - this.#readingSinceMs < patienceMs;
    for (let waitedMs = 0; isUnderWay() && waitedMs < patienceMs; waitedMs += 5) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    if (this.#readings !== before && this.#keys !== null) return this.#keys;
    this.#readingSinceMs = Date.now();
    try {
      const keys = await readKeys(env, now);
      this.#keys = keys;
      this.#readAtMs = now.getTime();
      this.#readings += 1;
      return keys;
    } catch (cause) {
      throw unavailable(cause);
    } finally {
      this.#readingSinceMs = null;
    }
  }

  async signer(env: Env, key: SigningKey): Promise<CryptoKey> {
    const known = this.#signers.get(key.kid);
    if (known !== undefined) return known;
    try {
      const vault = await openVault(openDatabase(env.DB), configOf(env), platformOwner);
      const signer = await importKey(JSON.parse(await vault.open(key.privateSealed, placeOf(key.kid))) as JWK);
      this.#signers.set(key.kid, signer);
      return signer;
    } catch (cause) {
      throw unavailable(cause);
    }
  }
}

const knownKeys = new WeakMap<Env, KnownKeys>();

function knownKeysOf(env: Env): KnownKeys {
  let known = knownKeys.get(env);
  if (known === undefined) {
    known = new KnownKeys();
    knownKeys.set(env, known);
  }
  return known;
}

/** The key that signs at `now`: the latest whose time has come. Throws UNAVAILABLE when it cannot be had. */
export async function signingKeyAt(env: Env, now: Date): Promise<{ kid: string; sign: CryptoKey }> {
  const known = knownKeysOf(env);
  const inOrder = [...(await known.within(env, now, cachedForMs)).values()];
  const key = inOrder.findLast((candidate) => candidate.signsFromMs <= now.getTime()) ?? inOrder[0];
  if (key === undefined) throw unavailable(new Error('there is no signing key'));
  return { kid: key.kid, sign: await known.signer(env, key) };
}

/** The public key of that id, null when there is none. Throws UNAVAILABLE when it cannot be looked up. */
export async function verifyingKey(env: Env, kid: string, now: Date): Promise<CryptoKey | null> {
  const known = knownKeysOf(env);
  const key =
    (await known.within(env, now, cachedForMs)).get(kid) ?? (await known.within(env, now, rereadAfterMs)).get(kid);
  return key === undefined || key.expiresAtMs <= now.getTime() ? null : key.verify;
}

/** What `/.well-known/jwks.json` shows: every key that signs, will sign, or signed a token that still lives. */
export async function publicKeySet(env: Env, now: Date): Promise<{ keys: JWK[] }> {
  const keys = await knownKeysOf(env).within(env, now, cachedForMs);
  return {
    keys: [...keys.values()]
      .filter((key) => key.expiresAtMs > now.getTime())
      .map(({ kid, publicJwk: { kty, crv, x, y } }) => ({ kty, crv, x, y, kid, use: 'sig', alg: 'ES256' })),
  };
}

/**
 * Makes the next key when the newest is 30 days old, ends the one before when the new one's time has come and its last token
 * has expired, and deletes those that ended. One batch: it happens as a whole or not at all. True when a key was made.
 */
export async function rotateSigningKeys(env: Env, db: Database, trail: AuditTrail, now: Date): Promise<boolean> {
  const nowIso = now.toISOString();
  const dueBefore = new Date(now.getTime() - rotateAfterMs).toISOString();
  const signsFrom = new Date(now.getTime() + publishedBeforeMs);
  const endsAt = new Date(signsFrom.getTime() + accessTokenSeconds * 1000 + skewMs).toISOString();
  const known = await db.select().from(signingKeys);
  const current = known.filter((row) => row.expiresAt === untilReplaced);
  const isDue = current.length > 0 && current.every((row) => row.createdAt <= dueBefore);
  const forgetEnded = db.delete(signingKeys).where(sql`${signingKeys.expiresAt} <= ${nowIso}`);
  if (!isDue) {
    if (known.some((row) => row.expiresAt <= nowIso)) await forgetEnded;
    return false;
  }
  const next = await newKeyRow(env, db, now, signsFrom);
  const [inserted] = await db.batch([
    insertUnless(db, next, dueBefore),
    trail.entry(
      db,
      {
        tenantId: null,
        action: 'key.rotate',
        resourceType: 'signing_key',
        resourceId: next.kid,
        after: { signsFrom: next.signsFrom, replaces: current.map((row) => row.kid), replacedUntil: endsAt },
      },
      { onlyIfChanged: true },
    ),
    bulk(
      db,
      sql`UPDATE signing_keys SET expires_at = ${endsAt}
        WHERE expires_at = ${untilReplaced} AND kid <> ${next.kid}
          AND EXISTS (SELECT 1 FROM signing_keys n WHERE n.kid = ${next.kid})`,
    ),
    forgetEnded,
  ]);
  return inserted.meta.changes > 0;
}
