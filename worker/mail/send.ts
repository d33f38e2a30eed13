/** Sends what is due, one message after the other. */
import { z } from 'zod';
import type { Database } from '../db/client.ts';
import { configOf, type Config, type Env } from '../env.ts';
import { resendNotifier } from '../integrations/resend/client.ts';
import { logFailure } from '../log.ts';
import { openVault, type Vault } from '../secrets/vault.ts';
import type { Notifier, NotifierError, NotifierResult, OutgoingMessage } from './notifier.ts';
import { judgeAttempt } from './retry.ts';
import { claimDueMail, mailVaultOwner, messagePlace, settleMail, type ClaimedMail } from './store.ts';
import { mailDataSchemas, type MailTemplate } from './messages.ts';
import { renderMail } from './templates.ts';

export interface SendOptions {
  maxMessages: number;
  /** No new message is begun after this long. */
  withinMs: number;
  notifier?: Notifier;
  now?: () => number;
  sleep?: (milliseconds: number) => Promise<void>;
}

export interface SendResult {
  sent: number;
  retried: number;
  failed: number;
}

/** A pause of this length is waited out rather than leaving the rest to the next sweep. */
const shortPauseMs = 5_000;

const sealedSchema = z.object({ to: z.string(), data: z.unknown() });

const sleepFor = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Opens a claimed row and writes the letter. */
async function compose(vault: Vault, config: Config, mail: ClaimedMail): Promise<OutgoingMessage> {
  const { to, data } = sealedSchema.parse(JSON.parse(await vault.open(mail.messageSealed, messagePlace(mail.id))));
  const schema = mailDataSchemas[mail.template] as (typeof mailDataSchemas)[MailTemplate] | undefined;
  if (schema === undefined) throw new Error(`no template "${mail.template}"`);
  const context = { publicUrl: config.publicUrl, timeZone: mail.timeZone, expiresAt: new Date(mail.expiresAtMs), to };
  return { id: mail.id, to, ...renderMail(mail.template, data, context) };
}

const ourFault: NotifierError = { kind: 'unavailable', status: null, code: 'internal', retryAfterSeconds: null };
const tooLate: NotifierError = { kind: 'rejected', status: null, code: 'expired', retryAfterSeconds: null };

async function attempt(vault: Vault, config: Config, notifier: Notifier, mail: ClaimedMail, nowMs: number) {
  if (mail.expiresAtMs <= nowMs) return tooLate;
  let message: OutgoingMessage;
  try {
    message = await compose(vault, config, mail);
  } catch (cause) {
    // Nothing a person wrote is in these errors: ids, names of templates, a seal that does not open.
    logFailure('mail_not_composed', cause, { mailId: mail.id, template: mail.template });
    return ourFault;
  }
  return notifier.send(message);
}

/**
 * Sends due messages until none is left, the bounds are reached or the provider is in trouble; what remains is due again
 * at its own time. Safe to run any number of times at once.
 */
export async function sendDueMail(env: Env, db: Database, options: SendOptions): Promise<SendResult> {
  const { now = Date.now, sleep = sleepFor } = options;
  const config = configOf(env);
  const notifier = options.notifier ?? resendNotifier(config.mail);
  // Once for all of them: each data key is read and unwrapped for the first message under it.
  const vault = await openVault(db, config, mailVaultOwner);
  const result: SendResult = { sent: 0, retried: 0, failed: 0 };
  const endMs = now() + options.withinMs;
  for (let begun = 0; begun < options.maxMessages && now() < endMs; begun += 1) {
    const mail = await claimDueMail(db, now());
    if (mail === null) break;
    const outcome: NotifierResult = await attempt(vault, config, notifier, mail, now());
    const verdict = judgeAttempt(outcome, mail, now());
    await settleMail(db, mail, verdict, now());
    if (verdict.status === 'sent') {
      result.sent += 1;
      continue;
    }
    result[verdict.status === 'queued' ? 'retried' : 'failed'] += 1;
    const { lastError } = verdict;
    const fields = { mailId: mail.id, template: mail.template, attempts: mail.attempts, status: verdict.status };
    console.log(JSON.stringify({ level: 'warn', event: 'mail_not_sent', ...fields, lastError }));
    if (verdict.status === 'failed' || outcome === ourFault) continue;
    const pauseMs = verdict.nextAttemptAtMs - now();
    // The provider is in trouble, not the message: the others would fare no better now.
    if (pauseMs > shortPauseMs || now() + pauseMs >= endMs) break;
    await sleep(pauseMs);
  }
  return result;
}
