/**
 * The page /display in a real browser, with nobody signed in: paired by its code, live, through an outage with the last board
 * under a dated banner, back by itself, told commands, and blank again once it is unpaired. The outage is a gate in front of the
 * platform that is shut, so that nothing else has to stop.
 */
import { createServer, type Server, type Socket } from 'node:net';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { closeBrowser, openBrowser, send, signedInPage, signIn, sleep, url, type Client } from './platform.ts';

const email = 'service@summit.example';
const { port } = new URL(url);

/** A way to the platform that can be shut: connections are cut and refused, as when the power of a switch goes. */
class Gate {
  private server: Server | null = null;
  private readonly sockets = new Set<Socket>();
  readonly port = Number(port) + 20;
  readonly url = `http://127.0.0.1:${this.port}`;

  async open(): Promise<void> {
    const { connect } = await import('node:net');
    this.server = createServer((from) => {
      const to = connect(Number(port), '127.0.0.1');
      for (const socket of [from, to]) {
        this.sockets.add(socket);
        socket.on('close', () => this.sockets.delete(socket)).on('error', () => socket.destroy());
      }
      from.on('close', () => to.destroy());
      to.on('close', () => from.destroy());
      from.pipe(to).pipe(from);
    });
    await new Promise<void>((resolve) => this.server?.listen(this.port, '127.0.0.1', resolve));
  }

  async shut(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server?.close(() => resolve()));
    for (const socket of this.sockets) socket.destroy();
    await closed;
    this.server = null;
  }
}

interface DisplayBody {
  id: string;
  isConnected: boolean;
  health: string;
  viewport: string | null;
  lastError: string | null;
}

const gate = new Gate();
let manager: Client;
beforeAll(async () => {
  manager = await signIn(email);
  await gate.open();
});
afterAll(async () => {
  await closeBrowser();
  await gate.shut();
});

/** A screen with a profile of its own, and what it did that it must not. */
async function openScreen(): Promise<[Page, string[]]> {
  const wrong: string[] = [];
  const context = await (await openBrowser()).newContext({ viewport: { width: 1280, height: 720 } });
  const page = await context.newPage();
  page.on('pageerror', (error) => wrong.push(error.message));
  page.on('console', (message) => {
    if (/content security policy/i.test(message.text())) wrong.push(message.text());
  });
  page.on('request', (request) => {
    const asked = request.url();
    if (!asked.startsWith(gate.url) && !asked.startsWith('data:') && !asked.startsWith('blob:')) wrong.push(asked);
  });
  await page.goto(`${gate.url}/display`);
  return [page, wrong];
}

const codeOn = async (page: Page): Promise<string> =>
  (await page.getByTestId('pairing-code').textContent({ timeout: 20_000 }))?.trim() ?? '';
const status = (page: Page) => page.locator('header [role="status"]');
const untilLive = (page: Page) =>
  expect.poll(() => status(page).textContent(), { timeout: 45_000 }).toMatch(/updated \d+ s ago/);
const command = (id: string, body: object) => send('POST', `/displays/${id}/commands`, body, manager.token);
const read = async (id: string) =>
  (await send<DisplayBody>('GET', `/displays/${id}`, undefined, manager.token)).body.data;

/** The worker keeps the whole shell: from now on the page needs no server. */
const untilKept = (page: Page) =>
  expect
    .poll(
      () => page.evaluate('navigator.serviceWorker.controller !== null && caches.match("/display").then(Boolean)'),
      { timeout: 30_000 },
    )
    .toBe(true);

describe('a screen that nobody signs in to', () => {
  test('is paired by its code, survives an outage and a power cut in it, and comes back by itself', async () => {
    const [page, wrong] = await openScreen();
    const code = await codeOn(page);
    expect(code).toMatch(/^[A-Z2-9]{3}-[A-Z2-9]{3}$/);
    expect(await page.getByText(/new code in 1\d:\d\d/).count()).toBe(1);
    const claimed = await send<DisplayBody>(
      'POST',
      '/displays/claim',
      { userCode: code, name: 'Bay 3', locationName: 'North shop', layout: 'attention' },
      manager.token,
    );
    expect(claimed.status).toBe(201);
    const { id } = claimed.body.data;
    await page.getByText('North shop').waitFor({ timeout: 20_000 });
    await untilLive(page);
    await untilKept(page);
    await expect.poll(async () => (await read(id)).viewport, { timeout: 15_000 }).toBe('1280×720');
    expect(await read(id)).toMatchObject({ health: 'green', isConnected: true });
    const trucks = await page.locator('footer').textContent();
    await sleep(3_000);

    await gate.shut();
    const banner = page.getByRole('alert');
    await expect
      .poll(() => banner.textContent().catch(() => ''), { timeout: 60_000 })
      .toMatch(/Not live since \w{3} \d/);
    // The power goes and comes back while there is still no server.
    await page.reload();
    await expect
      .poll(() => banner.textContent().catch(() => ''), { timeout: 20_000 })
      .toMatch(/Not live since \w{3} \d+, \d\d:\d\d .*last known picture/);
    expect(await page.getByText('North shop').count()).toBe(1);
    expect((await page.locator('footer').textContent())?.split(' trucks')[0]).toBe(trucks?.split(' trucks')[0]);
    expect(await status(page).textContent()).toContain('not live');

    await gate.open();
    await untilLive(page);
    expect(await banner.count()).toBe(0);
    expect(await page.getByTestId('pairing-code').count()).toBe(0);
    await expect.poll(async () => (await read(id)).isConnected, { timeout: 15_000 }).toBe(true);

    // Commands; a reload brings it back without pairing.
    await command(id, { command: 'identify' });
    await page.getByText('Bay 3', { exact: true }).waitFor();
    await command(id, { command: 'layout', args: { layout: 'alerts' } });
    await page.getByText('Open alerts').waitFor();
    await command(id, { command: 'sleep' });
    await expect.poll(() => page.locator('.bg-black').count()).toBe(1);
    await command(id, { command: 'wake' });
    await expect.poll(() => page.locator('.bg-black').count()).toBe(0);
    await page.evaluate('globalThis.wasHere = true');
    await command(id, { command: 'reload' });
    await expect.poll(() => page.evaluate('globalThis.wasHere === undefined').catch(() => false)).toBe(true);
    await untilLive(page);

    expect((await send('DELETE', `/displays/${id}`, undefined, manager.token)).status).toBe(204);
    await page.getByText('This screen was unpaired.').waitFor({ timeout: 15_000 });
    expect(await codeOn(page)).not.toBe(code);
    await page.reload();
    await codeOn(page);
    expect(await page.getByText('North shop').count()).toBe(0);
    expect(wrong).toEqual([]);
    await page.context().close();
  });

  test('fits any screen without scrolling, and shows each layout', async () => {
    const [page, wrong] = await openScreen();
    const claimed = await send<DisplayBody>(
      'POST',
      '/displays/claim',
      { userCode: await codeOn(page), name: 'Wide', locationName: 'South shop', layout: 'attention' },
      manager.token,
    );
    await untilLive(page);
    for (const layout of ['attention', 'alerts', 'inbound', 'map', 'rotate']) {
      await send('PATCH', `/displays/${claimed.body.data.id}`, { layout }, manager.token);
      await sleep(1_000);
      for (const [width, height] of [
        [1280, 720],
        [3840, 2160],
        [1080, 1920],
      ] as const) {
        await page.setViewportSize({ width, height });
        await sleep(150);
        const over = await page.evaluate(
          `[document.documentElement.scrollWidth - ${width}, document.documentElement.scrollHeight - ${height}]`,
        );
        expect([layout, width, over]).toEqual([layout, width, [0, 0]]);
        const smallest = await page.evaluate(
          'Math.min(...[...document.querySelectorAll(".board li span, .board header p")].map((e) => parseFloat(getComputedStyle(e).fontSize)))',
        );
        // Upright, three lines stand where one stood: the width decides.
        if (width > height) expect(smallest).toBeGreaterThanOrEqual(height / 40 - 0.1);
      }
    }
    await send('DELETE', `/displays/${claimed.body.data.id}`, undefined, manager.token);
    expect(wrong).toEqual([]);
    await page.context().close();
  });

  test('is paired, renamed, given another layout and unpaired on the page of displays; a refused one stops', async () => {
    const [screen] = await openScreen();
    const page = await signedInPage(email, `/settings/displays?code=${(await codeOn(screen)).toLowerCase()}`);
    const dialog = page.getByRole('dialog');
    await dialog.getByText('This code came with a link').waitFor();
    expect(await dialog.getByLabel('Code on the screen').inputValue()).toBe(await codeOn(screen));
    await dialog.getByLabel('Name').fill('Lobby');
    await dialog.getByLabel('Place').fill('Front desk');
    await dialog.getByRole('button', { name: 'Pair this screen' }).click();
    await expect.poll(() => page.url()).not.toContain('code=');
    await screen.getByText('Front desk').waitFor({ timeout: 20_000 });
    const row = page.getByRole('listitem').filter({ hasText: 'Lobby' });
    await expect.poll(() => row.getByText('Live', { exact: true }).count(), { timeout: 30_000 }).toBe(1);

    await row.getByLabel('What Lobby shows').selectOption('inbound');
    await screen.getByText('No truck on the way').waitFor({ timeout: 10_000 });
    await page.getByRole('button', { name: 'Undo' }).click();
    await screen.getByText('Needs attention').waitFor({ timeout: 10_000 });
    await row.getByRole('button', { name: 'Identify Lobby' }).click();
    await screen.getByText('Lobby', { exact: true }).waitFor({ timeout: 10_000 });

    await row.getByRole('button', { name: 'More for Lobby' }).click();
    await page.getByRole('menuitem', { name: 'Rename or move…' }).click();
    await dialog.getByLabel('Place').fill('Back desk');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await row.getByText('Back desk').waitFor();
    await row.getByRole('button', { name: 'More for Lobby' }).click();
    await page.getByRole('menuitem', { name: 'Unpair…' }).click();
    await dialog.getByText('forgets its token').waitFor();
    await dialog.getByRole('button', { name: 'Unpair the display' }).click();
    await expect.poll(() => row.count()).toBe(0);

    await screen.getByText('This screen was unpaired.').waitFor({ timeout: 15_000 });
    await page.goto(`${url}/settings/displays?code=${await codeOn(screen)}`);
    await dialog.getByRole('button', { name: 'Refuse this screen' }).click();
    await screen.getByText('This screen was refused').waitFor({ timeout: 20_000 });
    await screen.getByRole('button', { name: 'Show a new code' }).click();
    await codeOn(screen);
    await page.context().close();
    await screen.context().close();
  });
});
