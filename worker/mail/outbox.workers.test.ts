/** The outbox against real D1 and the simulated provider, failures first. */
import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, test } from 'vitest';
import { createMailSimulator } from '#simulators/mail/mail';
import { memoryMailbox } from '#simulators/mail/mailbox';
import type { Mood } from '#simulators/mail/moods';
import { mailTo } from '#test/workers/mail';
import { db, origin, tenant } from '#test/workers/harness';
import { sql } from 'drizzle-orm';
import { bulk } from '../db/batch.ts';
import { resendNotifier } from '../integrations/resend/client.ts';
import { cleanUpMail, sendMail } from '../jobs/send-mail.ts';
import type { Notifier } from './notifier.ts';
import { linkTo, mailEntry } from './outbox.ts';
import { maxAttempts } from './retry.ts';
import { sendDueMail } from './send.ts';
import { claimDueMail, settleMail } from './store.ts';
import type { MailMessage } from './templates.ts';

const minuteMs = 60_000;
const startMs = Date.parse('2026-11-20T09:00:00.000Z');
const hourLater = new Date(startMs + 60 * minuteMs);
let counter = 0;

const reset = (more: Partial<MailMessage> = {}): MailMessage =>
  ({
    tenantId: null,
    to: `person${(counter += 1)}@mail.example`,
    template: 'password_reset',
    data: { name: 'Ann Lee', link: linkTo(env, '/reset-password', { token: 'pr_secret+/=' }), minutes: 30 },
    expiresAt: hourLater,
    ...more,
  }) as MailMessage;

const write = async (message: MailMessage, atMs = startMs): Promise<void> => {
  await db.batch([await mailEntry(env, db, message, new Date(atMs))]);
};

interface Row {
  id: string;
  status: string;
  attempts: number;
  message_sealed: string | null;
  last_error: string | null;
  next_attempt_at: string;
  sent_at: string | null;
}
const rows = async (): Promise<Row[]> =>
  (await env.DB.prepare('SELECT * FROM mail_outbox ORDER BY created_at, id').all<Row>()).results;

/** The provider, its mailbox, and a clock. */
function provider() {
  const mailbox = memoryMailbox();
  let nowMs = startMs;
  const simulator = createMailSimulator({
    mailbox,
    now: () => nowMs,
    requestsPerSecond: 1000,
    remoteAddressOf: () => '127.0.0.1',
  });
  const at = 'http://127.0.0.1';
  const slept: number[] = [];
  const notifier = resendNotifier({
    ...{ apiUrl: at, apiKey: 're_local', from: 'TruckIQ <notify@truckiq.example>', timeoutMs: 200 },
    fetch: async (request) => simulator.app.fetch(request),
  });
  return {
    mailbox,
    notifier,
    slept,
    counters: () => simulator.counters(),
    mood: async (mood: Partial<Mood>) => {
      const body = JSON.stringify(mood);
      expect((await simulator.app.request(`${at}/_control/mood`, { method: 'PUT', body })).status).toBe(200);
    },
    after: (milliseconds: number) => (nowMs += milliseconds),
    send: (more: { notifier?: Notifier; maxMessages?: number; withinMs?: number } = {}) =>
      sendDueMail(env, db, {
        ...{ maxMessages: 50, withinMs: 20_000, notifier, now: () => nowMs },
        sleep: async (milliseconds) => {
          slept.push(milliseconds);
          nowMs += milliseconds;
        },
        ...more,
      }),
  };
}

beforeEach(async () => {
  await env.DB.exec('DELETE FROM mail_outbox');
});

describe('writing', () => {
  test('nothing of it can be read in the database', async () => {
    const message = reset();
    await write(message);
    const [row] = await rows();
    const dump = JSON.stringify(row);
    for (const secret of ['pr_secret', 'Ann Lee', message.to, 'reset-password']) {
      expect(dump).not.toContain(secret);
      expect(dump).not.toContain(btoa(secret).replace(/=+$/, ''));
    }
    expect(await mailTo(message.to)).toMatchObject([{ template: 'password_reset', data: { name: 'Ann Lee' } }]);
  });

  test('is part of the batch: it does not run by being awaited, and goes with a batch that fails', async () => {
    const entry = await mailEntry(env, db, reset(), new Date(startMs));
    expect(await rows()).toEqual([]);
    const broken = bulk(db, sql`INSERT INTO tenants (id) VALUES ('x')`);
    await expect(db.batch([entry, broken])).rejects.toThrow();
    expect(await rows()).toEqual([]);
  });

  test('only if the statement before it changed something', async () => {
    const conditional = async (id: string) => {
      const change = bulk(db, sql`UPDATE tenants SET name = name WHERE id = ${id}`);
      await db.batch([change, await mailEntry(env, db, reset(), new Date(startMs), { onlyIfChanged: true })]);
      return (await rows()).length;
    };
    expect(await conditional('nobody')).toBe(0);
    expect(await conditional((await tenant()).id)).toBe(1);
  });

  test.each(['https://evil.example/x', `${origin}.evil.example/`, 'javascript:alert(1)', '/reset-password'])(
    'a link to %s is refused',
    async (link) => {
      const message = reset({ data: { name: 'Ann', link, minutes: 30 } } as Partial<MailMessage>);
      await expect(mailEntry(env, db, message, new Date())).rejects.toThrow(/dashboard/);
    },
  );

  test('links carry their values encoded', () => {
    expect(linkTo(env, '/accept-invitation', { token: 'a b&c=d#/é' })).toBe(
      `${origin}/accept-invitation?token=a%20b%26c%3Dd%23%2F%C3%A9`,
    );
    expect(linkTo(env, '/settings/links')).toBe(`${origin}/settings/links`);
  });
});

describe('sending', () => {
  test('what is sent has arrived, and only the fact of it is kept', async () => {
    const outside = provider();
    const { id } = await tenant('fleet', { timeZone: 'America/New_York' });
    const message = reset({ tenantId: id });
    await write(message);
    expect(await outside.send()).toEqual({ sent: 1, retried: 0, failed: 0 });
    const [summary] = outside.mailbox.list();
    const mail = outside.mailbox.get(summary?.id ?? '');
    expect(mail).toMatchObject({ to: message.to, subject: 'Choose a new TruckIQ password' });
    expect(mail?.text).toContain(`${origin}/reset-password?token=pr_secret%2B%2F%3D`);
    expect(mail?.text).toContain('November 20, 2026 at 5:00 AM EST');
    expect(await rows()).toMatchObject([{ status: 'sent', message_sealed: null, last_error: null, attempts: 1 }]);
    expect(await outside.send()).toEqual({ sent: 0, retried: 0, failed: 0 });
  });

  test('ten senders at once send each message once', async () => {
    const outside = provider();
    for (let i = 0; i < 12; i += 1) await write(reset());
    const results = await Promise.all(Array.from({ length: 10 }, () => outside.send()));
    expect(results.reduce((sum, { sent }) => sum + sent, 0)).toBe(12);
    expect(outside.mailbox.list()).toHaveLength(12);
    expect(outside.counters()).toMatchObject({ requests: 12, replayed: 0 });
  });

  test('a sender that dies after handing it over: the next one’s try is recognised', async () => {
    const outside = provider();
    await write(reset());
    const dying: Notifier = {
      send: async (message) => {
        await outside.notifier.send(message);
        throw new Error('killed');
      },
    };
    await expect(outside.send({ notifier: dying })).rejects.toThrow('killed');
    // Still claimed: nobody takes it meanwhile.
    expect(await outside.send()).toEqual({ sent: 0, retried: 0, failed: 0 });
    outside.after(2 * minuteMs);
    expect(await outside.send()).toEqual({ sent: 1, retried: 0, failed: 0 });
    expect(outside.mailbox.list()).toHaveLength(1);
    expect(outside.counters().replayed).toBe(1);
  });

  test('a lost answer is asked for again, and nobody gets it twice', async () => {
    const outside = provider();
    await write(reset());
    await outside.mood({ mood: 'loses_answer', times: 1 });
    expect(await outside.send()).toEqual({ sent: 0, retried: 1, failed: 0 });
    outside.after(minuteMs);
    expect(await outside.send()).toMatchObject({ sent: 1 });
    expect(outside.mailbox.list()).toHaveLength(1);
  });

  test('a sender too slow to keep its claim changes nothing but "sent"', async () => {
    await write(reset());
    const slow = await claimDueMail(db, startMs);
    const quick = await claimDueMail(db, startMs + 2 * minuteMs);
    expect(quick?.id).toBe(slow?.id);
    if (slow === null) throw new Error('nothing was claimed');
    await settleMail(db, slow, { status: 'failed', lastError: 'stale' }, startMs);
    await settleMail(db, slow, { status: 'queued', attempts: 1, nextAttemptAtMs: 0, lastError: 'stale' }, startMs);
    expect(await rows()).toMatchObject([{ status: 'queued', attempts: 2, last_error: null }]);
    await settleMail(db, slow, { status: 'sent' }, startMs);
    expect(await rows()).toMatchObject([{ status: 'sent', message_sealed: null }]);
  });
});

describe('when the provider is in trouble', () => {
  test('an outage is waited out: one try, the others untouched, all sent later', async () => {
    const outside = provider();
    await outside.mood({ mood: 'down' });
    for (let i = 0; i < 3; i += 1) await write(reset());
    expect(await outside.send()).toEqual({ sent: 0, retried: 1, failed: 0 });
    expect((await rows()).map(({ attempts }) => attempts).toSorted()).toEqual([0, 0, 1]);
    expect((await rows()).every(({ message_sealed }) => message_sealed !== null)).toBe(true);
    await outside.mood({ mood: 'well' });
    outside.after(5 * minuteMs);
    expect(await outside.send()).toMatchObject({ sent: 3 });
  });

  test('an outage longer than the link lives: given up, and wiped', async () => {
    const outside = provider();
    await outside.mood({ mood: 'down' });
    await write(reset());
    let tries = 0;
    for (let sweep = 0; sweep < 20; sweep += 1) {
      const { retried, failed } = await outside.send();
      tries += retried + failed;
      outside.after(5 * minuteMs);
    }
    expect(tries).toBeGreaterThan(3);
    expect(tries).toBeLessThanOrEqual(maxAttempts);
    expect(await rows()).toMatchObject([
      { status: 'failed', message_sealed: null, last_error: 'unavailable (503); expired' },
    ]);
    expect(outside.counters().requests).toBe(tries);
  });

  test('found only after its end: not sent at all', async () => {
    const outside = provider();
    await write(reset());
    outside.after(61 * minuteMs);
    expect(await outside.send()).toEqual({ sent: 0, retried: 0, failed: 1 });
    expect(outside.counters().requests).toBe(0);
    expect(await rows()).toMatchObject([{ status: 'failed', message_sealed: null, last_error: 'rejected (expired)' }]);
  });

  test('a message that is refused does not hold up the others', async () => {
    const outside = provider();
    await write(reset({ to: 'not an address' }));
    await write(reset(), startMs + 1);
    outside.after(1);
    expect(await outside.send()).toEqual({ sent: 1, retried: 0, failed: 1 });
    expect(await rows()).toMatchObject([
      { status: 'failed', message_sealed: null, last_error: 'rejected (422 validation_error)' },
      { status: 'sent' },
    ]);
  });

  test('a refused key is tried slowly', async () => {
    const outside = provider();
    await outside.mood({ mood: 'refuses_key' });
    await write(reset());
    await outside.send();
    expect(await rows()).toMatchObject([
      { status: 'queued', last_error: 'auth (401 invalid_api_key)', next_attempt_at: '2026-11-20T09:15:00.000Z' },
    ]);
  });

  test('a short "slow down" is waited out within the run and costs no attempt', async () => {
    const outside = provider();
    await outside.mood({ mood: 'rate_limited', times: 2, retryAfterSeconds: 2 });
    for (let i = 0; i < 4; i += 1) await write(reset());
    expect(await outside.send()).toEqual({ sent: 4, retried: 2, failed: 0 });
    expect(outside.slept).toEqual([2000, 2000]);
    expect((await rows()).map(({ attempts }) => attempts)).toEqual([1, 1, 1, 1]);
  });

  test('a long one ends the run', async () => {
    const outside = provider();
    await outside.mood({ mood: 'rate_limited', retryAfterSeconds: 120 });
    for (let i = 0; i < 4; i += 1) await write(reset());
    expect(await outside.send()).toEqual({ sent: 0, retried: 1, failed: 0 });
    expect(outside.counters().requests).toBe(1);
    expect(outside.slept).toEqual([]);
  });
});

describe('a row that cannot be read', () => {
  test('is retried, then given up, and does not hold up the others', async () => {
    const outside = provider();
    await write(reset({ expiresAt: new Date(startMs + 48 * 60 * minuteMs) }));
    await env.DB.exec(`UPDATE mail_outbox SET message_sealed = 'v1.1.AAAA.BBBB'`);
    await write(reset(), startMs + 1);
    outside.after(1);
    expect(await outside.send()).toEqual({ sent: 1, retried: 1, failed: 0 });
    for (let sweep = 0; sweep < maxAttempts; sweep += 1) {
      outside.after(125 * minuteMs);
      await outside.send();
    }
    const [broken] = (await rows()).filter(({ status }) => status !== 'sent');
    expect(broken).toMatchObject({ status: 'failed', message_sealed: null, attempts: maxAttempts });
    expect(broken?.last_error).toBe('unavailable (internal); given up');
  });

  test('sealed for another row does not open', async () => {
    const outside = provider();
    const [one, other] = [reset(), reset()];
    await write(one);
    await write(other, startMs + 1);
    await env.DB.exec(
      `UPDATE mail_outbox SET message_sealed = (SELECT message_sealed FROM mail_outbox ORDER BY id LIMIT 1)`,
    );
    outside.after(1);
    expect(await outside.send()).toEqual({ sent: 1, retried: 1, failed: 0 });
    expect(outside.mailbox.list().map(({ to }) => to)).toEqual([one.to]);
  });
});

describe('the jobs', () => {
  test('the sweep sends what a request could not', async () => {
    const outside = provider();
    await write(reset({ expiresAt: new Date(Date.now() + 60 * minuteMs) }), Date.now() - 1000);
    expect(await sendMail(env, { notifier: outside.notifier })).toEqual({ sent: 1, retried: 0, failed: 0 });
  });

  test('a month later settled rows go; what waits stays', async () => {
    const outside = provider();
    await write(reset());
    await outside.send();
    await write(reset({ expiresAt: new Date(startMs + 90 * 24 * 60 * minuteMs) }));
    const days = (count: number) => new Date(startMs + count * 24 * 60 * minuteMs);
    expect(await cleanUpMail(env, days(29))).toBe(0);
    expect(await cleanUpMail(env, days(31))).toBe(1);
    expect(await rows()).toMatchObject([{ status: 'queued' }]);
  });
});
