/** Geofences in a real browser: drawn, saved, still there, changed, deleted, taken back; looked at without the right to draw. */
import type { Page } from 'playwright-core';
import { afterAll, describe, expect, test } from 'vitest';
import type { Geofence, GeofenceShape } from '#contracts/geofences';
import { closeBrowser, signedInPage, signIn, url } from './platform.ts';

const email = 'admin@blueridge.example';
const wide = { width: 1366, height: 768 };

/** A page on the map's geofences, and what it did that it must not. */
async function openFences(path: string, viewport = wide, as = email): Promise<[Page, string[]]> {
  const wrong: string[] = [];
  const page = await signedInPage(as, '/', viewport);
  page.on('pageerror', (error) => wrong.push(error.message));
  page.on('console', (message) => {
    if (/content security policy|webgl.*error/i.test(message.text())) wrong.push(message.text());
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(url) && !/^(?:data|blob):/.test(request.url())) wrong.push(request.url());
  });
  await page.goto(`${url}${path}`);
  return [page, wrong];
}

/** A place on the map, as shares of its width and height. */
async function onMap(page: Page): Promise<(x: number, y: number) => [number, number]> {
  const box = await page.locator('canvas').boundingBox();
  if (box === null) throw new Error('there is no map');
  return (x, y) => [box.x + box.width * x, box.y + box.height * y];
}

const heading = (page: Page, name: string) => page.getByRole('heading', { name, level: 2, exact: true });
const size = (page: Page) => page.getByRole('status', { name: 'Size' });
const tool = (page: Page, name: string) => page.getByRole('button', { name, exact: true });

async function fenceNamed(name: string): Promise<Geofence | undefined> {
  const client = await signIn(email);
  const found = (await client.get<Geofence[]>(`/geofences?pageSize=100&q=${encodeURIComponent(name)}`)).body.data;
  return found.find((fence) => fence.name === name);
}
async function make(name: string, shape: GeofenceShape): Promise<Geofence> {
  const client = await signIn(email);
  return (await client.post<Geofence>('/geofences', { name, shape })).body.data;
}

/** Clicks, each from a little way off: a hand arrives before it presses. */
async function clickAt(page: Page, x: number, y: number): Promise<void> {
  await page.mouse.move(x - 6, y - 6, { steps: 2 });
  await page.mouse.move(x, y, { steps: 2 });
  await page.mouse.click(x, y);
}

async function dragFrom(page: Page, from: [number, number], to: [number, number]): Promise<void> {
  await page.mouse.move(from[0] - 8, from[1] - 8);
  await page.mouse.move(...from, { steps: 2 });
  await page.mouse.down();
  await page.mouse.move(...to, { steps: 8 });
  await page.mouse.up();
}

afterAll(closeBrowser);

describe('geofences', () => {
  test('are drawn, saved, there after a reload, changed, deleted and taken back', async () => {
    const [page, wrong] = await openFences('/map?panel=geofences');
    await page.getByRole('button', { name: 'Draw your yard' }).waitFor();
    // The drawing tools are fetched by those who draw.
    const scripts: string[] = [];
    page.on('request', (request) => {
      if (request.resourceType() === 'script') scripts.push(request.url());
    });
    await page.getByRole('button', { name: 'Draw your yard' }).click();
    await tool(page, 'Rectangle').click();
    const fetched = await Promise.all(scripts.map(async (address) => (await fetch(address)).text()));
    expect(fetched.some((script) => script.includes('Terra Draw is not enabled'))).toBe(true);
    const at = await onMap(page);
    await clickAt(page, ...at(0.4, 0.4));
    await page.mouse.move(...at(0.5, 0.5), { steps: 4 });
    await expect.poll(() => size(page).textContent()).toMatch(/sq mi/);
    await clickAt(page, ...at(0.6, 0.7));
    await expect.poll(() => size(page).textContent()).toMatch(/4 corners/);

    // Nothing is sent without a name; focus goes where it is missing.
    await page.getByRole('button', { name: 'Save geofence' }).click();
    await page.getByText('Give it a name of at most 120 characters.').waitFor();
    await page.getByLabel('Name').fill('Harbour yard');
    await page.getByLabel('Enters').check();
    await page.getByLabel('Stays, minutes').fill('90');
    await page.getByRole('button', { name: 'Save geofence' }).click();
    await heading(page, 'Harbour yard').waitFor();
    await page.getByText('Entry, Stays 1 h 30 min').waitFor();
    const drawn = await fenceNamed('Harbour yard');
    if (drawn?.shape.type !== 'Polygon') throw new Error('no polygon was saved');
    expect(drawn.shape.coordinates[0]?.length).toBe(5);

    await page.reload();
    await heading(page, 'Harbour yard').waitFor();
    await expect.poll(() => page.url()).toContain(`geofence=${drawn.id}`);

    // Its address has brought the map to it: the middle of the map is the middle of the yard.
    await page.getByRole('button', { name: '‹ All geofences' }).click();
    await page.getByRole('listbox', { name: 'Geofences' }).waitFor();
    await expect
      .poll(
        async () => {
          const box = await page.locator('canvas').boundingBox();
          if (box !== null) await page.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
          return heading(page, 'Harbour yard').count();
        },
        { timeout: 20_000 },
      )
      .toBe(1);

    await page.getByRole('button', { name: 'Edit', exact: true }).click();
    await tool(page, 'Hole').click();
    const now = await onMap(page);
    for (const [x, y] of [
      [0.48, 0.48],
      [0.52, 0.48],
      [0.52, 0.52],
      [0.48, 0.52],
    ] as const) {
      await clickAt(page, ...now(x, y));
    }
    await page.keyboard.press('Enter');
    await expect.poll(() => size(page).textContent()).toMatch(/1 hole · 8 corners/);
    await page.keyboard.press('Control+z');
    await expect.poll(() => size(page).textContent()).not.toMatch(/hole/);
    await page.keyboard.press('Control+y');
    await expect.poll(() => size(page).textContent()).toMatch(/1 hole/);
    // A corner of the hole is dragged, and another taken away.
    const before = await size(page).textContent();
    await dragFrom(page, now(0.52, 0.52), now(0.54, 0.56));
    await expect.poll(() => size(page).textContent()).not.toBe(before);
    await page.mouse.move(...now(0.48, 0.48), { steps: 3 });
    await page.keyboard.press('Delete');
    await expect.poll(() => size(page).textContent()).toMatch(/7 corners/);
    await page.getByLabel('Name').fill('Harbour yard, east');
    await page.getByRole('button', { name: 'Save changes' }).click();
    await heading(page, 'Harbour yard, east').waitFor();
    const changed = await fenceNamed('Harbour yard, east');
    if (changed?.shape.type !== 'Polygon') throw new Error('it is no polygon any more');
    expect(changed.id).toBe(drawn.id);
    expect(changed.shape.coordinates.map((ring) => ring.length)).toEqual([5, 4]);
    expect(changed.shape.coordinates[0]).toEqual(drawn.shape.coordinates[0]);
    expect(changed.dwellMinutes).toBe(90);

    await page.getByRole('button', { name: 'Delete', exact: true }).click();
    await page.getByText('Harbour yard, east is deleted').waitFor();
    await expect.poll(() => fenceNamed('Harbour yard, east')).toBeUndefined();
    await page.getByRole('button', { name: 'Undo' }).last().click();
    await heading(page, 'Harbour yard, east').waitFor();
    const back = await fenceNamed('Harbour yard, east');
    expect(back?.shape).toEqual(changed.shape);
    expect(wrong).toEqual([]);
    await page.context().close();
  });

  test('that have many parts and holes lose none of them to a change elsewhere', async () => {
    const box = (west: number, south: number, wide: number): [number, number][] => [
      [west, south],
      [west + wide, south],
      [west + wide, south + wide],
      [west, south + wide],
      [west, south],
    ];
    const shape: GeofenceShape = {
      type: 'MultiPolygon',
      coordinates: [[box(-98, 38, 1.123456789012), box(-97.75, 38.25, 0.25)], [box(-95, 38, 0.5)]],
    };
    const fence = await make('Two terminals', shape);
    const [page, wrong] = await openFences(`/map?geofence=${fence.id}`);
    await heading(page, 'Two terminals').waitFor();
    await page.getByRole('button', { name: 'Edit', exact: true }).click();
    await expect.poll(() => size(page).textContent()).toMatch(/2 areas .* 1 hole · 12 corners/);
    await page.getByLabel('Name').fill('Three terminals');
    await page.getByRole('button', { name: 'Save changes' }).click();
    await heading(page, 'Three terminals').waitFor();
    // Not even the thirteenth decimal.
    expect((await fenceNamed('Three terminals'))?.shape).toEqual(shape);

    // Somebody else is quicker: nothing is overwritten, and both ways are offered.
    await page.getByRole('button', { name: 'Edit', exact: true }).click();
    await page.getByLabel('Leaves').check();
    await (await signIn(email)).put(`/geofences/${fence.id}`, { name: 'Four terminals' });
    await page.getByRole('button', { name: 'Save changes' }).click();
    await page.getByText('Somebody else has changed this geofence').waitFor();
    expect((await fenceNamed('Four terminals'))?.alertOnExit).toBe(false);
    await page.getByRole('button', { name: 'Save mine over it' }).click();
    await heading(page, 'Four terminals').waitFor();
    expect((await fenceNamed('Four terminals'))?.alertOnExit).toBe(true);
    expect(wrong).toEqual([]);
    await page.context().close();
  });

  test('are circles of a typed radius, and what the API says of a shape stands beside it', async () => {
    const [page, wrong] = await openFences('/map?panel=geofences');
    await page.getByRole('button', { name: /^Draw / }).click();
    await tool(page, 'Circle').click();
    const at = await onMap(page);
    await clickAt(page, ...at(0.5, 0.6));
    await page.mouse.move(...at(0.52, 0.6), { steps: 4 });
    await clickAt(page, ...at(0.55, 0.6));
    await expect.poll(() => size(page).textContent()).toMatch(/^Radius/);
    await page.getByLabel('Unit of the radius').selectOption('mi');
    await page.getByLabel('Radius', { exact: true }).fill('1.5');
    await page.getByLabel('Radius', { exact: true }).press('Enter');
    await expect.poll(() => size(page).textContent()).toMatch(/^Radius 1\.5 mi · 7\.07 sq mi/);
    await page.getByLabel('Name').fill('Round dock');
    await page.getByRole('button', { name: 'Save geofence' }).click();
    await heading(page, 'Round dock').waitFor();
    const shape = (await fenceNamed('Round dock'))?.shape;
    expect(shape?.type === 'Circle' && shape.radiusMeters).toBeCloseTo(2_414.016, 3);

    // A bow tie: the API names the ring that crosses itself.
    await page.getByRole('button', { name: '‹ All geofences' }).click();
    await page.getByRole('button', { name: 'Draw a geofence' }).click();
    const now = await onMap(page);
    for (const [x, y] of [
      [0.3, 0.5],
      [0.6, 0.8],
      [0.6, 0.5],
      [0.3, 0.8],
    ] as const) {
      await clickAt(page, ...now(x, y));
    }
    await page.keyboard.press('Enter');
    await expect.poll(() => size(page).textContent()).toMatch(/4 corners/);
    await page.getByLabel('Name').fill('Bow tie');
    await page.getByRole('button', { name: 'Save geofence' }).click();
    await page.getByText(/crosses itself/).waitFor();
    expect(await fenceNamed('Bow tie')).toBeUndefined();
    // What is not saved is not lost to a click beside it.
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('button', { name: 'Discard and leave' }).click();
    await page.getByRole('listbox', { name: 'Geofences' }).waitFor();
    expect(wrong).toEqual([]);
    await page.context().close();
  });

  test('come from a GeoJSON file, each problem at its feature', async () => {
    const [page, wrong] = await openFences('/map?panel=geofences');
    await page.getByRole('button', { name: 'More for geofences' }).click();
    await page.getByRole('menuitem', { name: 'Import GeoJSON…' }).click();
    const feature = (name: string | null, coordinates: unknown) => ({
      type: 'Feature',
      properties: name === null ? {} : { name },
      geometry: { type: 'Polygon', coordinates },
    });
    const ring = [
      [-90, 40],
      [-89, 40],
      [-89, 41],
      [-90, 40],
    ];
    const bowTie = [
      [-90, 40],
      [-89, 41],
      [-89, 40],
      [-90, 41],
      [-90, 40],
    ];
    const features = [feature('Imported yard', [ring]), feature(null, [ring]), feature('Imported tie', [bowTie])];
    await page.locator('input[type=file]').setInputFiles({
      name: 'places.geojson',
      mimeType: 'application/geo+json',
      buffer: Buffer.from(JSON.stringify({ type: 'FeatureCollection', features })),
    });
    await page.getByText('It has no name (properties.name).').waitFor();
    await page.getByRole('button', { name: 'Import 2 geofences' }).click();
    await page.getByText(/crosses itself/).waitFor();
    await page.getByRole('button', { name: 'Done' }).click();
    await page.getByRole('option', { name: /Imported yard/ }).waitFor();
    expect((await fenceNamed('Imported yard'))?.shape.type).toBe('Polygon');
    expect(await fenceNamed('Imported tie')).toBeUndefined();
    expect(wrong).toEqual([]);
    await page.context().close();
  });

  test('are looked at, and not changed, by those who may not; a phone shows them', async () => {
    const [page, wrong] = await openFences('/map?panel=geofences', wide, 'viewer@blueridge.example');
    await page.getByRole('listbox', { name: 'Geofences' }).getByRole('option').first().click();
    await page.getByRole('heading', { name: 'Events' }).waitFor();
    for (const name of ['Edit', 'Delete', 'Draw a geofence']) {
      expect(await page.getByRole('button', { name, exact: true }).count()).toBe(0);
    }
    expect(wrong).toEqual([]);
    await page.context().close();

    const [phone, wrongThere] = await openFences('/map?panel=geofences', { width: 390, height: 844 });
    await phone.getByRole('button', { name: /geofences?$/ }).click();
    await phone.getByRole('listbox', { name: 'Geofences' }).getByRole('option').first().click();
    await phone.getByText('Drawing and editing need a larger screen.').waitFor();
    expect(await phone.evaluate('document.documentElement.scrollWidth')).toBe(390);
    expect(wrongThere).toEqual([]);
    await phone.context().close();
  });
});
