/** Signing in through the simulated identity provider, in a real browser, across two sites; and the provider's own logout. */
import type { Page } from 'playwright-core';
import { afterAll, expect, test } from 'vitest';
import { closeBrowser, openBrowser, send, sleep, url } from './platform.ts';

const identityPort = Number(new URL(url).port) + 3;
/** The provider under another name than the dashboard's: to a browser that is another site, as in production. */
const onAnotherSite = (address: string): string => address.replace('//127.0.0.1:', '//localhost:');

afterAll(closeBrowser);

interface Choice {
  id: string;
  name: string;
  startUrl: string;
}

async function choiceFor(email: string): Promise<Choice> {
  const answer = await send<Choice[]>('POST', '/auth/oidc/lookup', { email });
  const [choice] = answer.body.data;
  if (choice === undefined) throw new Error(`nobody serves ${email}`);
  return choice;
}

/** A page of a new browser that stands before the provider's list of people. */
async function atTheProvider(next: string): Promise<Page> {
  const { startUrl } = await choiceFor('anybody@blueridge.example');
  const context = await (await openBrowser()).newContext();
  // The dashboard would trade the cookie by itself; here the test does.
  await context.route(`${url}/_app/**`, (route) => route.abort());
  const start = await context.request.get(`${startUrl}?next=${encodeURIComponent(next)}`, { maxRedirects: 0 });
  expect(start.status()).toBe(302);
  const page = await context.newPage();
  await page.goto(onAnotherSite(start.headers()['location'] ?? ''));
  return page;
}

/** What the dashboard does first: trades its cookie for an access token. */
const refresh = (page: Page) =>
  page.evaluate(async () => {
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' };
    const answer = await fetch('/api/v1/auth/refresh', init);
    const body = (await answer.json()) as { data?: { accessToken: string; user: { email: string; role: string } } };
    return { status: answer.status, data: body.data ?? null };
  });

test('the demo fleet’s people are sent to the simulated directory, everybody else nowhere', async () => {
  expect(await choiceFor('nobody-yet@blueridge.example')).toMatchObject({
    startUrl: expect.stringMatching(`^${url}/api/v1/auth/oidc/[0-9a-f-]{36}/start$`),
  });
  const elsewhere = await send<Choice[]>('POST', '/auth/oidc/lookup', { email: 'x@cascade.example' });
  expect(elsewhere.body.data).toEqual([]);
});

test('from another site a person comes back signed in, and leaves when the provider says so', async () => {
  const page = await atTheProvider('/alerts');
  const landed = page.waitForRequest((request) => new URL(request.url()).pathname === '/sign-in');
  await page.getByRole('button', { name: /Jordan Petrov/ }).click();
  const address = new URL((await landed).url());
  expect(Object.fromEntries(address.searchParams)).toEqual({ sso: 'done', next: '/alerts' });
  const cookies = await page.context().cookies(`${url}/api/v1/auth/refresh`);
  expect(cookies.find(({ name }) => name === 'truckiq_refresh')).toMatchObject({ httpOnly: true, sameSite: 'Strict' });
  expect(cookies.filter(({ name }) => name.startsWith('truckiq_sso_'))).toEqual([]);
  await page.waitForLoadState();
  const signedIn = await refresh(page);
  expect(signedIn.data?.user).toMatchObject({ email: 'tech@blueridge.example', role: 'technician' });

  const token = signedIn.data?.accessToken ?? '';
  const live = async (): Promise<number> => (await send('GET', '/auth/me', undefined, token)).status;
  expect(await live()).toBe(200);
  await page.goto(`http://localhost:${identityPort}/session/end`);
  await page.getByRole('button', { name: 'Sign out everywhere' }).click();
  await page.getByText('Signed out').first().waitFor();
  for (let waited = 0; waited < 3000 && (await live()) === 200; waited += 100) await sleep(100);
  expect(await live()).toBe(401);
});

test('who turns back, is unverified, or is lied about, lands on the sign-in page with one word', async () => {
  for (const [button, reason] of [
    ['Cancel', 'cancelled'],
    ['Unverified Address', 'not_allowed'],
    ['Outsider', 'not_allowed'],
    ['Wrong Nonce', 'refused'],
  ] as const) {
    const page = await atTheProvider('/');
    const landed = page.waitForRequest((request) => new URL(request.url()).pathname === '/sign-in');
    await page.getByRole('button', { name: new RegExp(button) }).click();
    expect(new URL((await landed).url()).search, button).toBe(`?sso=${reason}`);
    const cookies = await page.context().cookies(`${url}/api/v1/auth/refresh`);
    expect(
      cookies.map(({ name }) => name),
      button,
    ).not.toContain('truckiq_refresh');
    await page.context().close();
  }
});
