/** Scoring, end to end: a record of service, a score on demand, settings tried on the fleet, the model, how right it was. */
import type { Page } from 'playwright-core';
import { afterAll, expect, test } from 'vitest';
import type { Prediction } from '#contracts/risk';
import type { ActiveModel, RiskSettings } from '#contracts/scoring';
import type { ServiceEvent } from '#contracts/service-events';
import type { Vehicle } from '#contracts/vehicles';
import { closeBrowser, signedInPage, signIn, sleep, type Client } from './platform.ts';

const admin = 'admin@blueridge.example';

afterAll(async () => {
  await closeBrowser();
});

/** A page that keeps what its console complains about. */
async function open(path: string, email = admin, viewport = { width: 1366, height: 768 }) {
  const page = await signedInPage(email, '/', viewport);
  const problems: string[] = [];
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
  page.on('pageerror', (error) => problems.push(error.message));
  await page.goto(new URL(path, page.url()).href);
  return { page, problems };
}

const toast = (page: Page, text: RegExp) => page.getByRole('status').filter({ hasText: text });

/** A truck that no stop order explains, once the first sync has had the fleet scored. */
async function anyTruck(client: Client): Promise<Vehicle> {
  for (let attempt = 0; attempt < 60; attempt += 1) {
    const { body } = await client.get<Vehicle[]>('/vehicles?pageSize=100&sort=-riskScore');
    const truck = body.data.find(({ riskScore }) => riskScore !== null && riskScore < 70);
    if (truck !== undefined) return truck;
    await sleep(1000);
  }
  throw new Error('no truck has been scored');
}

test('a repair is recorded, the truck scored at once, and the prediction shown with its reasons', async () => {
  const client = await signIn(admin);
  const truck = await anyTruck(client);
  const { page, problems } = await open(`/vehicles/${truck.id}?tab=service`);
  const description = 'Water pump replaced, cooling system pressure tested';

  await page.getByRole('button', { name: 'Add record' }).first().click();
  await page.getByRole('radio', { name: /^Repair/ }).check();
  await page.getByLabel('What was done, or what failed').fill(description);
  await page.getByLabel('SPN', { exact: true }).fill('111');
  await page.getByLabel('FMI', { exact: true }).fill('1');
  await page.getByRole('button', { name: 'Record', exact: true }).click();
  await page.getByRole('row', { name: new RegExp(description) }).waitFor();
  const kept = await client.get<ServiceEvent[]>(`/vehicles/${truck.id}/service-events?pageSize=1`);
  expect(kept.body.data[0]).toMatchObject({ kind: 'repair', description, spn: 111, fmi: 1, source: 'api' });

  await page.getByRole('tab', { name: 'Predictions' }).click();
  await page.waitForURL(/tab=predictions/);
  await page.getByRole('button', { name: 'Score now' }).click();
  await toast(page, /^\s*Scored: risk \d+/).waitFor({ timeout: 20_000 });
  const newest = (await client.get<Prediction[]>(`/vehicles/${truck.id}/predictions?pageSize=1`)).body.data[0];
  expect(Date.now() - Date.parse(newest?.createdAt ?? '')).toBeLessThan(30_000);
  await page.getByRole('heading', { name: 'What the risk is made of' }).waitFor();
  // A forecast with its range, or an honest word about what is missing for one.
  const shown = newest?.failureProbability === null ? /No forecast yet/ : /Chance of a failure that needs a repair/;
  await page.getByRole('heading', { name: shown }).waitFor();
  await page.getByRole('heading', { name: /Risk score and what happened/ }).waitFor();
  expect(problems).toEqual([]);

  // Deleted, and taken back: it is still there when everything is read anew.
  await page.getByRole('tab', { name: 'Service' }).click();
  await page.getByRole('button', { name: `Actions for ${description}` }).click();
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  await page.getByRole('row', { name: new RegExp(description) }).waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Undo' }).click();
  await page.getByRole('row', { name: new RegExp(description) }).waitFor();
  await page.reload();
  await page.getByRole('row', { name: new RegExp(description) }).waitFor();
  await page.context().close();
});

test('a file of service history: good rows are kept, bad rows are named by their line', async () => {
  const client = await signIn(admin);
  const truck = await anyTruck(client);
  const { page, problems } = await open('/vehicles');
  await page.getByRole('button', { name: 'More for all vehicles' }).click();
  await page.getByRole('menuitem', { name: 'Import service history' }).click();
  const rows = [
    'VIN;Date;Kind;Description',
    `${truck.vin};2026-02-03;preventive;"Oil; filters"`,
    `${truck.vin};yesterday;repair;Belt`,
    'NOSUCHVIN00000000;2026-02-03;repair;Belt',
  ];
  await page
    .locator('input[type=file]')
    .setInputFiles({ name: 'history.csv', mimeType: 'text/csv', buffer: Buffer.from(`${rows.join('\r\n')}\r\n`) });
  await page.getByRole('cell', { name: 'Oil; filters' }).waitFor();
  await page.getByRole('button', { name: 'Import 3 rows' }).click();
  await page.getByText('Line 3').waitFor();
  await page.getByText('Line 4').waitFor();
  await page.getByRole('button', { name: 'Done' }).click();
  const kept = await client.get<ServiceEvent[]>(`/vehicles/${truck.id}/service-events?kind=preventive&pageSize=100`);
  expect(kept.body.data.some(({ description, source }) => description === 'Oil; filters' && source === 'import')).toBe(
    true,
  );
  expect(problems).toEqual([]);
  await page.context().close();
});

test('risk settings are tried on today’s fleet, saved, refused to the slower of two, and put back', async () => {
  const client = await signIn(admin);
  const settings = async () => (await client.get<RiskSettings>('/scoring/settings')).body.data;
  const before = await settings();
  const { page, problems } = await open('/settings/risk');
  await page.getByText('No truck changes its level').waitFor();
  await page.getByRole('spinbutton', { name: /^Medium/ }).fill('5');
  await page
    .getByText(/\d+ trucks? changes? level/)
    .first()
    .waitFor();
  expect((await settings()).riskBands).toEqual(before.riskBands);

  // Somebody else is faster.
  await client.put('/scoring/settings', { weights: { repairsMax: 7 } });
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByText(/Somebody else has saved/).waitFor();
  expect((await settings()).riskBands).toEqual(before.riskBands);
  await page.getByRole('button', { name: 'Show theirs' }).click();
  await page.getByText(/Somebody else has saved/).waitFor({ state: 'detached' });

  await page.getByRole('spinbutton', { name: /^Medium/ }).fill('5');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await toast(page, /risk settings are saved/).waitFor();
  expect((await settings()).riskBands.medium).toBe(5);
  await page.getByRole('button', { name: 'Undo' }).click();
  await toast(page, /as they were/).waitFor();
  expect((await settings()).riskBands).toEqual(before.riskBands);
  await client.put('/scoring/settings', { weights: { repairsMax: null } });
  // The refused save is the one thing that the console may name.
  expect(problems.filter((problem) => !problem.includes('412'))).toEqual([]);
  await page.context().close();
});

test('the model page: what scores are made with, a training to its end, and the way back', async () => {
  const client = await signIn(admin);
  const active = async () => (await client.get<ActiveModel>('/scoring/active-model')).body.data;
  const { page, problems } = await open('/settings/model?horizon=7');
  await page.getByRole('heading', { name: 'Scores are made with' }).waitFor();
  expect(await page.getByRole('radio', { name: '7 days' }).isChecked()).toBe(true);
  await page.getByRole('button', { name: 'Train now' }).click();
  await page
    .getByRole('list')
    .last()
    .getByText(/New model in use|Model kept|Model pinned|Too little data/)
    .first()
    .waitFor({ timeout: 60_000 });
  const trained = await active();
  if (trained.model !== null) {
    await page.getByText(trained.version).first().waitFor();
    await page.getByRole('button', { name: `Use ${trained.prior.version}` }).click();
    await toast(page, /Scores are made with/).waitFor();
    expect(await active()).toMatchObject({ model: null, isPinned: true });
    await page.getByRole('button', { name: 'Undo' }).click();
    await toast(page, /as it was/).waitFor();
    expect(await active()).toMatchObject({ version: trained.version, isPinned: trained.isPinned });
  }
  expect(problems).toEqual([]);
  await page.context().close();
});

test('the accuracy report opens for a dealer, holds its filters in the URL, and fits a phone', async () => {
  const { page, problems } = await open('/reports', 'dealer@summit.example', { width: 390, height: 844 });
  await page.waitForURL(/\/reports\/prediction-accuracy$/);
  await page.getByRole('heading', { name: 'Prediction accuracy' }).waitFor();
  await page.getByLabel('Customer').selectOption({ label: 'Blue Ridge Freight' });
  await page.waitForURL(/tenantId=/);
  await page.getByLabel('Period').selectOption({ label: 'Last 90 days' });
  await page.waitForURL(/days=90/);
  await page.reload();
  await page.getByText(/Predictions made/).waitFor();
  expect(await page.getByLabel('Period').inputValue()).toBe('90');
  // Settled already, or an honest word that nothing is.
  await page.getByRole('heading', { name: 'Warnings' }).or(page.getByText('Nothing has been settled yet')).waitFor();
  const wider = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
  expect(wider).toBe(0);
  expect(problems).toEqual([]);
  await page.context().close();
});

test('whoever may only look finds nothing to press', async () => {
  const client = await signIn('viewer@blueridge.example');
  const truck = await anyTruck(client);
  const { page } = await open(`/vehicles/${truck.id}?tab=predictions`, 'viewer@blueridge.example');
  await page.getByRole('heading', { name: 'What the risk is made of' }).waitFor();
  expect(await page.getByRole('button', { name: 'Score now' }).count()).toBe(0);
  await page.getByRole('tab', { name: 'Service' }).click();
  await page.getByText(/records?, newest first|No service on record/).waitFor();
  expect(await page.getByRole('button', { name: /Add record|Import CSV|^Actions for/ }).count()).toBe(0);
  await page.goto(new URL('/settings/risk', page.url()).href);
  await page.getByText('Your role does not open these settings').waitFor();
  await page.context().close();
});
