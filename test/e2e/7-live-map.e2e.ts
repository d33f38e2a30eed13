/** The live map in a real browser: trucks on a map that asks nobody, chosen in the list and on the map, their way through time. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { Vehicle } from '#contracts/vehicles';
import { closeBrowser, send, signedInPage, signIn, sleep, url } from './platform.ts';

const email = 'admin@blueridge.example';
const minute = 60_000;
let truck: Vehicle;

/** Five hours of the day before: two on the road, one standing, two on the road. */
async function driveYesterday(vehicle: Vehicle): Promise<void> {
  const keys: unknown = JSON.parse(readFileSync(join(inject('stateFolder'), 'gateway-keys.json'), 'utf8'));
  const key = (keys as Record<string, string>)['Blue Ridge Freight'];
  const startMs = Date.now() - 20 * 60 * minute;
  const positions = Array.from({ length: 301 }, (_, at) => {
    const driven = Math.min(at, 120) + Math.max(0, at - 180);
    return {
      vehicleId: vehicle.id,
      at: new Date(startMs + at * minute).toISOString(),
      lat: 36 + driven / 69,
      lon: -80,
      speedMph: at > 120 && at < 180 ? 0 : 60,
      heading: 0,
      odometerMiles: 100_000 + driven,
    };
  });
  expect((await send('POST', '/telemetry/positions', { positions }, key)).status).toBe(202);
}

/** A page on the map, and what it did that it must not: complaints of the browser, questions to anybody else. */
async function openMap(path: string, viewport?: { width: number; height: number }): Promise<[Page, string[]]> {
  const wrong: string[] = [];
  const page = await signedInPage(email, '/', viewport);
  page.on('pageerror', (error) => wrong.push(error.message));
  page.on('console', (message) => {
    if (/content security policy|webgl.*error/i.test(message.text())) wrong.push(message.text());
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith('data:')) wrong.push(request.url());
  });
  await page.goto(`${url}${path}`);
  return [page, wrong];
}

const list = (page: Page) => page.getByRole('listbox', { name: 'Trucks' });
const card = (page: Page, unit: string) => page.getByRole('heading', { name: unit, level: 2, exact: true });

/** A truck that stands: a click must find it where it was a moment ago. */
async function standingTruck(): Promise<Vehicle> {
  const client = await signIn(email);
  for (let attempt = 0; attempt < 120; attempt += 1) {
    const stopped = (await client.get<Vehicle[]>('/vehicles?status=stopped&pageSize=100&sort=unitNumber')).body.data;
    const found = stopped.find(({ lastPosition }) => lastPosition !== null);
    if (found !== undefined) return found;
    await sleep(500);
  }
  throw new Error('no truck stands within a minute');
}

beforeAll(async () => {
  truck = await standingTruck();
  await driveYesterday(truck);
});
afterAll(closeBrowser);

describe('the live map', () => {
  test('is fetched when it is opened, and by no other page', async () => {
    const asked: string[] = [];
    const page = await signedInPage(email);
    page.on('request', (request) => asked.push(new URL(request.url()).pathname));
    await page.goto(`${url}/vehicles`);
    await page.locator('tbody a').first().waitFor();
    expect(asked.filter((path) => /maplibre/.test(path))).toEqual([]);
    await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Map' }).click();
    await expect.poll(() => asked.filter((path) => /maplibre.*worker/.test(path)).length).toBe(1);
    await page.context().close();
  });

  test('shows the trucks; the list and the map choose each other, by hand and by keyboard', async () => {
    const [page, wrong] = await openMap('/map');
    await list(page).getByRole('option').nth(5).waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type(truck.unitNumber);
    await expect.poll(() => list(page).getByRole('option').count()).toBe(1);
    await expect.poll(() => page.url()).toContain(`q=${truck.unitNumber}`);

    await list(page).focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await card(page, truck.unitNumber).waitFor();
    await expect.poll(() => page.url()).toContain(`vehicle=${truck.id}`);
    await page.keyboard.press('f');
    await page.getByRole('button', { name: 'Following' }).waitFor();
    await page.keyboard.press('Escape');
    await expect.poll(() => card(page, truck.unitNumber).count()).toBe(0);

    // It stands in the middle now, alone on the map: a click there must find what the map has drawn.
    const canvas = page.locator('canvas');
    await expect
      .poll(
        async () => {
          const box = await canvas.boundingBox();
          if (box !== null) await page.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
          return card(page, truck.unitNumber).count();
        },
        { timeout: 20_000 },
      )
      .toBe(1);
    expect(wrong).toEqual([]);
    await page.context().close();
  });

  test('draws the trail of a truck, whose handle is dragged through time', async () => {
    const [page, wrong] = await openMap(`/map?vehicle=${truck.id}`);
    await card(page, truck.unitNumber).waitFor();
    await page.getByText('24 hours', { exact: true }).click();
    const trail = page.getByRole('region', { name: 'Trail' });
    const handle = trail.getByRole('slider');
    await handle.waitFor();
    await expect.poll(() => trail.getByText(/\d stops?$/).count()).toBe(1);

    const box = await handle.boundingBox();
    if (box === null) throw new Error('the handle has no place');
    // Four hours after the day began the truck was on the road; the window is a day long.
    const at = (share: number): [number, number] => [box.x + 8 + (box.width - 16) * share, box.y + box.height / 2];
    await page.mouse.move(...at(0.999));
    await page.mouse.down();
    await page.mouse.move(...at(5 / 24), { steps: 6 });
    await page.mouse.up();
    await expect.poll(() => trail.getByText('60 mph').count()).toBe(1);
    await expect.poll(() => trail.getByText(/^100,0\d\d mi$/).count()).toBe(1);
    const text = await handle.getAttribute('aria-valuetext');
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => handle.getAttribute('aria-valuetext')).not.toBe(text);
    expect(await trail.locator('time').getAttribute('title')).toMatch(/ UTC$/);

    // A reload brings the same view back.
    await page.reload();
    await trail.getByRole('slider').waitFor();
    await card(page, truck.unitNumber).waitFor();
    expect(wrong).toEqual([]);
    await page.context().close();
  });

  test('shows the fleet as it stood, says so, and comes back', async () => {
    const [page, wrong] = await openMap('/map');
    await list(page).getByRole('option').nth(5).waitFor();
    await page.getByRole('button', { name: 'Look back' }).click();
    await page.getByRole('button', { name: 'A day earlier' }).click();
    await page.getByRole('button', { name: 'An hour later' }).click();
    await page.getByText('The past:').waitFor();
    await expect.poll(() => page.url()).toMatch(/at=\d{4}-/);
    await expect.poll(() => page.getByText(/without a position/).count()).toBe(1);
    await page.getByRole('button', { name: 'Back to live' }).click();
    await expect.poll(() => page.getByText('The past:').count()).toBe(0);
    await expect.poll(() => page.url()).not.toContain('at=');
    expect(wrong).toEqual([]);
    await page.context().close();
  });

  test('is reached from a truck, and is a sheet over a map on a phone', async () => {
    const [page, wrong] = await openMap(`/vehicles/${truck.id}`, { width: 390, height: 844 });
    await page.getByRole('link', { name: 'Show on the map' }).click();
    await card(page, truck.unitNumber).waitFor();
    const width = await page.evaluate('Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)');
    const height = await page.evaluate('document.documentElement.scrollHeight');
    expect([width, height]).toEqual([390, 844]);
    await page.getByRole('button', { name: `Close ${truck.unitNumber}` }).click();
    await list(page).getByRole('option').first().waitFor();
    expect(wrong).toEqual([]);
    await page.context().close();
  });
});
