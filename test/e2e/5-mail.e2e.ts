/** Mail, end to end: what the platform sends lands in the state folder and in the inbox, and its link does what it says. */
import { readdirSync, readFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { closeBrowser, demoPassword, openBrowser, send, sleep, url } from './platform.ts';

const folder = join(import.meta.dirname, '..', '..', '.truckiq', 'e2e', 'mail');
const inboxUrl = `http://127.0.0.1:${Number(new URL(url).port) + 2}`;
const email = 'viewer@blueridge.example';
const newPassword = 'Another-Truck-2027!';

interface MailFile {
  to: string;
  subject: string;
  text: string;
  html: string;
  at: string;
}

const read = (name: string): MailFile => JSON.parse(readFileSync(join(folder, name), 'utf8')) as MailFile;
const names = (): string[] => (existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.json')) : []);

/** The next message to `to` that is not among `known`. */
async function nextMail(to: string, known: readonly string[], withinMs = 15_000): Promise<MailFile> {
  const until = Date.now() + withinMs;
  for (;;) {
    const found = names().find((name) => !known.includes(name) && read(name).to === to);
    if (found !== undefined) return read(found);
    if (Date.now() > until) throw new Error(`no mail to ${to} within ${withinMs} ms`);
    await sleep(100);
  }
}

const tokenIn = (text: string): string => {
  const [link] = /http\S+\/reset-password\?token=\S+/.exec(text) ?? [];
  if (link === undefined) throw new Error(`no link in: ${text}`);
  expect(link.startsWith(`${url}/reset-password?token=`)).toBe(true);
  return new URL(link).searchParams.get('token') ?? '';
};

const signIn = async (password: string): Promise<number> =>
  (await send('POST', '/auth/login', { email, password })).status;

afterAll(async () => {
  await closeBrowser();
});

test('a forgotten password: a mail, a link, once; the old password is over', async () => {
  const before = names();
  expect((await send('POST', '/auth/password-reset', { email })).status).toBe(202);
  const mail = await nextMail(email, before);
  expect(Object.keys(mail).toSorted()).toEqual(['at', 'html', 'subject', 'text', 'to']);
  expect(mail.html).toContain(tokenIn(mail.text));
  const token = tokenIn(mail.text);

  const known = names();
  const confirm = () => send('POST', '/auth/password-reset/confirm', { token, newPassword });
  expect((await confirm()).status).toBe(200);
  expect((await confirm()).status).toBeGreaterThanOrEqual(400);
  expect(await signIn(demoPassword)).toBe(401);
  expect(await signIn(newPassword)).toBe(200);
  expect((await nextMail(email, known)).subject).toBe('Your TruckIQ password was changed');

  // As it was, for whatever else runs on this platform.
  const again = names();
  await send('POST', '/auth/password-reset', { email });
  const { text } = await nextMail(email, again);
  const back = { token: tokenIn(text), newPassword: demoPassword };
  expect((await send('POST', '/auth/password-reset/confirm', back)).status).toBe(200);
  expect(await signIn(demoPassword)).toBe(200);
});

test('an address that is nobody’s is answered alike and mailed nothing', async () => {
  const before = names();
  expect((await send('POST', '/auth/password-reset', { email: 'nobody@blueridge.example' })).status).toBe(202);
  await sleep(1500);
  expect(names().filter((name) => !before.includes(name))).toEqual([]);
});

test('the inbox shows it, and its link opens the page it promises', async () => {
  const before = names();
  const context = await (await openBrowser()).newContext();
  try {
    const page = await context.newPage();
    const problems: string[] = [];
    page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
    page.on('pageerror', (error) => problems.push(error.message));
    await page.goto(`${inboxUrl}/?q=driver`);
    await send('POST', '/auth/password-reset', { email: 'driver@blueridge.example' });
    await nextMail('driver@blueridge.example', before);
    // By itself, without a reload.
    await page
      .getByRole('link', { name: /Choose a new TruckIQ password/ })
      .first()
      .click({ timeout: 10_000 });
    const link = page.frameLocator('iframe').getByRole('link', { name: 'Choose a new password', exact: true });
    const [opened] = await Promise.all([context.waitForEvent('page'), link.click()]);
    await opened.waitForURL(/\/reset-password/);
    expect(new URL(opened.url()).origin).toBe(url);
    expect(problems).toEqual([]);
  } finally {
    await context.close();
  }
});
