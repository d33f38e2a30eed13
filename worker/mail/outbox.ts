/**
 * Mail on its way out. A message is written in the same batch as what caused it, so that neither is ever there without
 * the other; it is sent right after the answer and, failing that, by the sweep.
 */
import { sql } from 'drizzle-orm';
import type { RunnableQuery } from 'drizzle-orm/runnable-query';
import { bulk } from '../db/batch.ts';
import type { Database } from '../db/client.ts';
import { configOf, type Env } from '../env.ts';
import type { AppContext } from '../http/context.ts';
import { newId } from '../ids.ts';
import { logFailure } from '../log.ts';
import { openVault } from '../secrets/vault.ts';
import { mailDataSchemas, type MailMessage } from './messages.ts';
import { sendDueMail } from './send.ts';
import { mailVaultOwner, messagePlace } from './store.ts';

/** A statement for `db.batch([...])` that does not run by being awaited. */
export type MailEntry = RunnableQuery<D1Result, 'sqlite'>;

/**
 * A message as an item of `db.batch([...])`; `await` it first: sealing takes a moment. With `onlyIfChanged` it is written
 * only when the statement right before it in the batch changed a row. Throws for a link that leads elsewhere than to the
 * dashboard, which only a programming mistake can bring.
 */
export type MailWriter = (message: MailMessage, options?: { onlyIfChanged?: boolean }) => Promise<MailEntry>;

/** For several messages at once, one after the other: the key that seals them is read and unwrapped for the first alone. */
export async function mailWriter(env: Env, db: Database, now: Date): Promise<MailWriter> {
  const config = configOf(env);
  const vault = await openVault(db, config, mailVaultOwner);
  const nowIso = now.toISOString();
  return async ({ tenantId, to, template, data, expiresAt }, { onlyIfChanged = false } = {}) => {
    mailDataSchemas[template].parse(data);
    if ('link' in data && !data.link.startsWith(`${config.publicUrl}/`)) {
      throw new Error(`a ${template} mail must link to the dashboard`);
    }
    const id = newId(now.getTime());
    const sealed = await vault.seal(JSON.stringify({ to, data }), messagePlace(id));
    const always = onlyIfChanged ? sql`changes() > 0` : sql`1`;
    return unawaited(
      bulk(
        db,
        sql`INSERT INTO mail_outbox (id, tenant_id, template, message_sealed, status, attempts, next_attempt_at, expires_at,
            created_at)
          SELECT ${id}, ${tenantId}, ${template}, ${sealed}, 'queued', 0, ${nowIso}, ${expiresAt.toISOString()}, ${nowIso}
          WHERE ${always}`,
      ),
    );
  };
}

/** One message; see MailWriter. */
export const mailEntry = async (
  env: Env,
  db: Database,
  message: MailMessage,
  now: Date,
  options?: { onlyIfChanged?: boolean },
): Promise<MailEntry> => (await mailWriter(env, db, now))(message, options);

/** A statement has a `then` that runs it: handed on by an async function it would run at once, outside of the batch. */
function unawaited(statement: ReturnType<typeof bulk>): MailEntry {
  return Object.assign({ _: statement._ }, { _prepare: () => statement._prepare() });
}

/** A link to a page of the dashboard, its values encoded: `linkTo(env, '/reset-password', { token })`. */
export function linkTo(env: Env, path: `/${string}`, query: Readonly<Record<string, string>> = {}): string {
  const pairs = Object.entries(query).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  return `${configOf(env).publicUrl}${path}${pairs.length === 0 ? '' : `?${pairs.join('&')}`}`;
}

/** One request's worth: what else is due is the sweep's. `waitUntil` grants half a minute. */
const soon = { maxMessages: 5, withinMs: 20_000 };

/** Sends what has just been written, once the answer is out; call it after the batch. Its failure is the sweep's to heal. */
export function sendSoon(c: AppContext): void {
  const sending = sendDueMail(c.env, c.get('db'), soon).catch((cause: unknown) =>
    logFailure('send_mail_failed', cause),
  );
  c.executionCtx.waitUntil(sending);
}
