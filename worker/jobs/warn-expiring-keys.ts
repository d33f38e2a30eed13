/** Once a night: a tenant's administrators hear of each API key that is about to end, once, while there is time to rotate it. */
import { eq, sql } from 'drizzle-orm';
import { openDatabase } from '../db/client.ts';
import { apiKeySecrets } from '../db/schema/index.ts';
import type { Env } from '../env.ts';
import { listAddressesOf } from '../features/users/addresses.ts';
import { logFailure } from '../log.ts';
import { linkTo, mailWriter } from '../mail/outbox.ts';

const dayMs = 86_400_000;
const warnDaysAhead = 7;
/** A key made for less than this is meant to end soon. */
const shortLivedSeconds = 14 * 86_400;
/** Those that end first; more than this in one night waits for the next, of which there are seven. */
const keysPerNight = 40;

interface EndingKey {
  secretHash: string;
  tenantId: string;
  name: string;
  expiresAt: string;
}

/** Writes the mail and its mark in one batch, so that a night that is cut off neither repeats nor forgets one. */
export async function warnExpiringKeys(env: Env, now: Date): Promise<{ warned: number; failed: number }> {
  const db = openDatabase(env.DB);
  const until = new Date(now.getTime() + warnDaysAhead * dayMs).toISOString();
  const ending = await db.all<EndingKey>(sql`
    SELECT s.secret_hash AS secretHash, k.tenant_id AS tenantId, k.name, s.expires_at AS expiresAt
    FROM api_key_secrets s JOIN api_keys k ON k.id = s.api_key_id JOIN tenants t ON t.id = k.tenant_id
    WHERE s.expires_at > ${now.toISOString()} AND s.expires_at <= ${until} AND s.warned_at IS NULL
      AND k.revoked_at IS NULL AND k.lifetime_seconds >= ${shortLivedSeconds} AND t.is_active = 1
      -- A secret that a rotation has replaced ends as it should.
      AND NOT EXISTS (SELECT 1 FROM api_key_secrets n WHERE n.api_key_id = k.id AND n.expires_at > s.expires_at)
    ORDER BY s.expires_at LIMIT ${keysPerNight}`);
  const write = await mailWriter(env, db, now);
  const result = { warned: 0, failed: 0 };
  for (const { secretHash, tenantId, name, expiresAt } of ending) {
    try {
      const link = linkTo(env, '/settings/api-keys');
      const data = { keyName: name, expiresAt, link };
      const addresses = await listAddressesOf(db, tenantId, 'settings:manage');
      const mails = [];
      for (const to of addresses) {
        const message = { tenantId, to, template: 'api_key_expiring' as const, data, expiresAt: new Date(expiresAt) };
        mails.push(await write(message));
      }
      const marked = { warnedAt: now.toISOString() };
      await db.batch([db.update(apiKeySecrets).set(marked).where(eq(apiKeySecrets.secretHash, secretHash)), ...mails]);
      result.warned += 1;
    } catch (cause) {
      result.failed += 1;
      logFailure('expiring_key_not_told', cause, { tenantId });
    }
  }
  return result;
}
