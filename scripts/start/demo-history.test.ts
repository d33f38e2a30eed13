import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { D1Database } from '@cloudflare/workers-types';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { demoRoster } from '#simulators/world/roster';
import { openDatabase } from '#worker/db/client';
import { readArchivedInput } from '#worker/features/scoring/archive';
import { isHistorySeeded, writeHistory, type FleetPast } from './demo-history.ts';
import { applyMigrations } from './migrate.ts';
import { pastModels } from './past-models.ts';
import { demoVehicleId, tenantId, worldSeed } from './seed-ids.ts';
import { pastOfTruck } from './seed-past.ts';

const anchorMs = Date.UTC(2026, 4, 6, 3, 40);
const fleetNames = ['Blue Ridge Freight', 'Cascade Carriers'];
const trucks = demoRoster(worldSeed)
  .filter(({ name }) => fleetNames.includes(name))
  .flatMap((fleet) => fleet.trucks.slice(0, 2));
const { models } = pastModels();
let pasts: FleetPast[];
let stateFolder: string;
let miniflare: Miniflare;

beforeAll(() => {
  stateFolder = mkdtempSync(join(tmpdir(), 'truckiq-history-'));
  pasts = fleetNames.map((fleetName) => ({
    fleetName,
    trucks: trucks
      .filter((truck) => truck.fleetName === fleetName)
      .map((truck) => pastOfTruck(truck, anchorMs, models)),
  }));
  const databases = ['whole', 'cut'];
  miniflare = new Miniflare(
    convertV4MiniflareOptions({
      cf: false,
      workers: [
        {
          name: 'history',
          modules: true,
          script: 'export default {}',
          d1Databases: databases,
          r2Buckets: ['ARTIFACTS'],
          compatibilityDate: '2026-09-18',
        },
      ],
    }),
  );
});
afterAll(async () => {
  await miniflare.dispose();
  rmSync(stateFolder, { recursive: true, force: true });
});

const bucket = async () => (await miniflare.getR2Bucket('ARTIFACTS')) as unknown as R2Bucket;

/** A migrated database with the tenants and trucks, and a state folder of its own. */
async function prepared(name: string): Promise<{ d1: D1Database; state: string }> {
  const d1 = await miniflare.getD1Database(name);
  await applyMigrations(d1, join(import.meta.dirname, '..', '..', 'migrations'));
  const at = '2026-01-05T12:00:00.000Z';
  await d1.batch([
    ...fleetNames.map((fleet) =>
      d1
        .prepare(
          `INSERT INTO tenants (id, name, kind, settings, created_at, updated_at) VALUES (?, ?, 'fleet', '{}', ?, ?)`,
        )
        .bind(tenantId(fleet), fleet, at, at),
    ),
    ...trucks.map((truck) =>
      d1
        .prepare(
          'INSERT INTO vehicles (id, tenant_id, vin, unit_number, first_seen_at, updated_at) VALUES (?, ?, ?, ?, ?, ?)',
        )
        .bind(demoVehicleId(truck.vin), tenantId(truck.fleetName), truck.vin, truck.unitNumber, at, at),
    ),
  ]);
  const state = join(stateFolder, name);
  mkdirSync(join(state, 'data'), { recursive: true });
  return { d1, state };
}

const tables = [
  'vehicles',
  'faults',
  'service_events',
  'signal_days',
  'signal_states',
  'predictions',
  'prediction_ledger',
];

/** Every row of the tables a history writes; the names of stored objects and sums in another order of adding aside. */
async function contents(d1: D1Database): Promise<Record<string, unknown[]>> {
  const entries = tables.map(async (table) => {
    const { results } = await d1.prepare(`SELECT * FROM ${table}`).all();
    const rows = results.map(({ features_key: _key, ...row }) =>
      JSON.stringify(row, (_, value: unknown) => (typeof value === 'number' ? Number(value.toPrecision(9)) : value)),
    );
    return [table, rows.sort()] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

/** The same database, but for its refusal to go on after so many statements. */
function failingAfter(d1: D1Database, statements: number): D1Database {
  let left = statements;
  return new Proxy(d1, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (name !== 'prepare') return typeof value === 'function' ? value.bind(target) : value;
      return (query: string) => {
        left -= 1;
        if (left < 0) throw new Error('the lights went out');
        return target.prepare(query);
      };
    },
  });
}

describe('the demo fleets’ history', () => {
  it('is completed by the next start when it was cut off, whatever stood when', { timeout: 60_000 }, async () => {
    const whole = await prepared('whole');
    await writeHistory(openDatabase(whole.d1), await bucket(), whole.state, pasts, anchorMs);
    const cut = await prepared('cut');
    let cuts = 0;
    for (const statements of [0, 1, 3, 6, 12, 25, 60]) {
      const broken = openDatabase(failingAfter(cut.d1, statements));
      try {
        await writeHistory(broken, await bucket(), cut.state, pasts, anchorMs);
      } catch {
        cuts += 1;
        expect(isHistorySeeded(cut.state)).toBe(false);
      }
    }
    expect(cuts).toBe(7);
    await writeHistory(openDatabase(cut.d1), await bucket(), cut.state, pasts, anchorMs);
    expect(isHistorySeeded(cut.state)).toBe(true);
    const [expected, found] = [await contents(whole.d1), await contents(cut.d1)];
    for (const table of tables) {
      if (table !== 'prediction_ledger') expect(expected[table]?.length, table).toBeGreaterThan(0);
      expect(found[table], table).toEqual(expected[table]);
    }
    // And once more changes nothing.
    await writeHistory(openDatabase(cut.d1), await bucket(), cut.state, pasts, anchorMs);
    expect(await contents(cut.d1)).toEqual(expected);
  });

  it('holds its rows under their own tenants, predictions settled where their time has passed', async () => {
    const d1 = await miniflare.getD1Database('whole');
    const { results } = await d1
      .prepare(
        `SELECT count(*) AS n, sum(p.tenant_id <> v.tenant_id) AS strangers,
          sum(p.created_at <= '2026-02-04' AND p.settled_at IS NULL) AS overdue,
          sum(p.failed_at <= p.created_at) AS backwards, sum(p.failed_at IS NOT NULL) AS failed
        FROM predictions p JOIN vehicles v ON v.id = p.vehicle_id`,
      )
      .all<Record<string, number>>();
    const expected = pasts
      .flatMap((fleet) => fleet.trucks)
      .reduce((sum, { predictions }) => sum + predictions.length, 0);
    expect(results[0]).toMatchObject({ n: expected, strangers: 0, overdue: 0, backwards: 0 });
    expect(results[0]?.['failed']).toBeGreaterThan(expected / 4);
    const vehicles = await d1
      .prepare('SELECT id, odometer_miles, active_fault_count, is_score_dirty FROM vehicles')
      .all<{ id: string; odometer_miles: number; active_fault_count: number; is_score_dirty: number }>();
    for (const row of vehicles.results) {
      const past = pasts.flatMap((fleet) => fleet.trucks).find(({ vehicleId }) => vehicleId === row.id);
      expect(row.odometer_miles).toBe(past?.odometerMiles);
      expect(row.active_fault_count).toBe(past?.faults.filter(({ isActive }) => isActive).length);
      expect(row.is_score_dirty).toBe(1);
    }
  });

  it('keeps what every prediction was made of', async () => {
    const d1 = await miniflare.getD1Database('whole');
    const row = await d1
      .prepare('SELECT id, features_key, created_at FROM predictions ORDER BY created_at DESC LIMIT 1')
      .first<{ id: string; features_key: string; created_at: string }>();
    const input = await readArchivedInput(await bucket(), row?.features_key ?? '', row?.id ?? '');
    expect(input?.now.toISOString()).toBe(row?.created_at);
    const known = pasts
      .flatMap((fleet) => fleet.trucks)
      .flatMap(({ predictions }) => predictions.map(({ features }) => features));
    expect(known).toContainEqual(input?.features);
  });
});
