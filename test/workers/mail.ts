/** What the platform has written to somebody and not yet sent: tests read it where a person would read their mail. */
import { env } from 'cloudflare:workers';
import { openDatabase } from '#worker/db/client';
import { configOf } from '#worker/env';
import { mailVaultOwner, messagePlace } from '#worker/mail/store';
import type { MailTemplate } from '#worker/mail/templates';
import { openVault } from '#worker/secrets/vault';

export interface WaitingMail {
  id: string;
  template: MailTemplate;
  tenantId: string | null;
  to: string;
  data: Record<string, unknown>;
  expiresAt: string;
}

/** Messages to an address, the oldest first. */
export async function mailTo(address: string): Promise<WaitingMail[]> {
  const { results } = await env.DB.prepare(
    `SELECT id, template, tenant_id, message_sealed, expires_at FROM mail_outbox WHERE message_sealed IS NOT NULL ORDER BY id`,
  ).all<{ id: string; template: MailTemplate; tenant_id: string | null; message_sealed: string; expires_at: string }>();
  const vault = await openVault(openDatabase(env.DB), configOf(env), mailVaultOwner);
  const mails = await Promise.all(
    results.map(async (row): Promise<WaitingMail> => {
      const { to, data } = JSON.parse(await vault.open(row.message_sealed, messagePlace(row.id))) as {
        to: string;
        data: Record<string, unknown>;
      };
      return { id: row.id, template: row.template, tenantId: row.tenant_id, to, data, expiresAt: row.expires_at };
    }),
  );
  return mails.filter(({ to }) => to === address);
}

/** The `token` in the link of the latest message of a kind to an address; throws when there is none. */
export async function mailedToken(address: string, template: MailTemplate): Promise<string> {
  const mail = (await mailTo(address)).findLast((one) => one.template === template);
  const link = mail?.data['link'];
  const token = typeof link === 'string' ? new URL(link).searchParams.get('token') : null;
  if (token === null) throw new Error(`no ${template} with a token was mailed to ${address}`);
  return token;
}
