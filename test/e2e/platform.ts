/** The running platform as the end-to-end tests use it: API clients, the world's controls, pages in a real Chromium. */
import { chromium, type Browser, type Page } from 'playwright-core';
import { inject } from 'vitest';
import { findBrowser } from '#scripts/start/browser';
import { demoPassword } from '#simulators/world/demo';
import { Client, control as steer, send as sendTo, type Answer } from '../platform/client.ts';

export { demoPassword };
export { sleep, type Client } from '../platform/client.ts';

const address = { url: inject('url'), portalUrl: inject('portalUrl') };
export const { url, portalUrl } = address;

export const signIn = (email: string): Promise<Client> => Client.signIn(address, email);
export const send = <T>(method: string, path: string, body?: unknown, token?: string): Promise<Answer<T>> =>
  sendTo<T>(address, method, path, body, token);
export const control = (method: string, path: string, body?: unknown): Promise<unknown> =>
  steer(address, method, path, body);
export const setPersona = (username: string, persona: string, settings: object = {}): Promise<unknown> =>
  control('PUT', `/accounts/${username}`, { persona, ...settings });

let browser: Promise<Browser> | undefined;

async function launch(): Promise<Browser> {
  const executablePath = await findBrowser();
  if (executablePath === null) throw new Error('no Chromium to test with');
  return chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--disable-background-networking',
      '--disable-dev-shm-usage',
    ],
  });
}

export const openBrowser = (): Promise<Browser> => (browser ??= launch());

export async function closeBrowser(): Promise<void> {
  await (await browser)?.close();
  browser = undefined;
}

/** A page with a profile of its own, signed in through the sign-in form. */
export async function signedInPage(email: string, path = '/', viewport = { width: 1366, height: 768 }): Promise<Page> {
  const context = await (await openBrowser()).newContext({ viewport });
  const page = await context.newPage();
  await page.goto(`${url}/sign-in`);
  await page.getByLabel(/e-?mail/i).fill(email);
  await page
    .getByLabel(/password/i)
    .first()
    .fill(demoPassword);
  await page.getByRole('button', { name: /sign in/i }).click();
  await page.waitForURL((at) => !at.pathname.startsWith('/sign-in'));
  if (path !== '/') await page.goto(`${url}${path}`);
  return page;
}
