/** What the portal told and tells otherwise now, on real D1: service events follow it, and everything that hangs on them. */
import { asc, eq } from 'drizzle-orm';
import { beforeEach, describe, expect, it } from 'vitest';
import { db, tenant, truck, type TestTenant } from '#test/workers/harness';
import { predictionReviews, serviceEvents, tenants, vehicles } from '#worker/db/schema/index';
import { scopeForJob } from '#worker/http/tenant-scope';
import type { ObservedCase } from '../../scrapes/paccar/extract-cases.ts';
import { recordServiceEvents } from '../service-events/record.ts';
import { keepCases } from './cases-store.ts';

const now = new Date('2026-11-20T09:00:00.000Z');
const vin = '1XKYD49X0NJ000077';
const told = (changes: Partial<ObservedCase> = {}): ObservedCase => ({
  ...{ number: 'C-1', kind: 'repair', at: '2026-11-10T12:00:00.000Z', system: null, spn: null, fmi: null },
  ...{ description: 'EGR valve', odometerMiles: 100.5 },
  ...changes,
});

let owner: TestTenant;
let vehicleId: string;
beforeEach(async () => {
  owner = await tenant();
  vehicleId = await truck(owner, { vin });
});

const keep = (cases: ObservedCase[], takenBack: string[] = []) =>
  keepCases(scopeForJob(owner.id), db, [{ vin, cases, takenBack }], now);
const events = async () =>
  (await db.select().from(serviceEvents).where(eq(serviceEvents.vehicleId, vehicleId)).orderBy(asc(serviceEvents.at))).map(
    ({ id, kind, at, description, externalId }) => ({ id, kind, at, description, externalId }),
  ); // prettier-ignore
const kinds = async () => (await events()).map(({ kind }) => kind);
const reviews = async () =>
  (await db.select().from(predictionReviews).where(eq(predictionReviews.vehicleId, vehicleId))).map(
    ({ eventsFrom, eventsTo }) => [eventsFrom, eventsTo],
  );
const forgetReviews = () => db.delete(predictionReviews).where(eq(predictionReviews.vehicleId, vehicleId));
const state = async () => ({
  events: await db.select().from(serviceEvents).where(eq(serviceEvents.tenantId, owner.id)),
  reviews: await db.select().from(predictionReviews).where(eq(predictionReviews.tenantId, owner.id)),
  vehicle: await db.select().from(vehicles).where(eq(vehicles.id, vehicleId)),
  counter: (await db.select().from(tenants).where(eq(tenants.id, owner.id)))[0]?.changeCounter,
});

describe('a case that the portal corrects', () => {
  it('is corrected here; the predictions before both days are judged again, and again changes nothing', async () => {
    await keep([told()]);
    const [first] = await events();
    await forgetReviews();
    await db.update(vehicles).set({ isScoreDirty: false }).where(eq(vehicles.id, vehicleId));
    const corrected = told({ at: '2026-11-05T12:00:00.000Z', system: 'aftertreatment', spn: 3251, fmi: 0, description: 'DPF', odometerMiles: null }); // prettier-ignore
    const { counters } = await keep([corrected]);
    expect(counters).toHaveLength(1);
    const rows = await db.select().from(serviceEvents).where(eq(serviceEvents.vehicleId, vehicleId));
    const { number: externalId, ...fields } = corrected;
    expect(rows).toMatchObject([{ id: first?.id, externalId, ...fields }]);
    expect(await reviews()).toEqual([['2026-11-05T12:00:00.000Z', '2026-11-10T12:00:00.000Z']]);
    const before = await state();
    expect(before.vehicle).toMatchObject([{ isScoreDirty: true }]);
    expect(await keep([corrected])).toEqual({ counters: [] });
    expect(await state()).toEqual(before);
  });

  it('of another kind is one event of that kind; what its order still holds besides stays', async () => {
    await keep([told(), told({ kind: 'preventive' }), told({ number: 'C-2' })]);
    await forgetReviews();
    const corrected = [told({ kind: 'breakdown', at: '2026-11-08T00:00:00.000Z' }), told({ kind: 'preventive' })];
    await keep(corrected);
    expect((await events()).map(({ kind, externalId }) => `${kind} ${externalId}`).sort()).toEqual([
      ...['breakdown C-1', 'preventive C-1', 'repair C-2'],
    ]);
    expect(await reviews()).toEqual([['2026-11-08T00:00:00.000Z', '2026-11-10T12:00:00.000Z']]);
    const before = await state();
    expect(await keep(corrected)).toEqual({ counters: [] });
    expect(await state()).toEqual(before);
  });

  it('goes when it was called off, and its vehicle is scored without it', async () => {
    await keep([told(), told({ kind: 'preventive' })]);
    await db.update(vehicles).set({ isScoreDirty: false }).where(eq(vehicles.id, vehicleId));
    await forgetReviews();
    const { counters } = await keep([], ['c-1']);
    expect(counters).toHaveLength(1);
    expect(await events()).toEqual([]);
    expect((await state()).vehicle).toMatchObject([{ isScoreDirty: true }]);
    expect(await reviews()).toEqual([['2026-11-10T12:00:00.000Z', '2026-11-10T12:00:00.000Z']]);
    expect(await keep([], ['c-1'])).toEqual({ counters: [] });
  });

  it('keeps what it had where only a part of it was read, or its day cannot be right', async () => {
    await keep([told(), told({ kind: 'preventive' })]);
    await keep([told({ isPart: true })]);
    expect((await kinds()).sort()).toEqual(['preventive', 'repair']);
    await keep([told({ at: '2027-01-01T00:00:00.000Z' }), told({ kind: 'preventive' })]);
    expect((await events()).map(({ at }) => at)).toEqual(Array(2).fill('2026-11-10T12:00:00.000Z'));
  });

  it('leaves alone what others told, whatever their number, and other tenants', async () => {
    const stranger = await tenant();
    const theirs = await truck(stranger, { vin });
    const imported = { system: null, spn: null, fmi: null, description: 'from a file', odometerMiles: null, externalId: 'C-1' }; // prettier-ignore
    const entered = { ...imported, at: '2026-11-01T12:00:00.000Z', kind: 'repair', source: 'import' } as const;
    await recordServiceEvents(scopeForJob(owner.id), db, [{ ...entered, vehicleId }], now);
    await recordServiceEvents(scopeForJob(stranger.id), db, [{ ...entered, vehicleId: theirs, source: 'portal' }], now);
    await keep([told({ at: '2026-11-05T12:00:00.000Z' })]);
    await keep([], ['C-1']);
    expect(await events()).toMatchObject([{ at: entered.at, description: 'from a file' }]);
    expect(await db.select().from(serviceEvents).where(eq(serviceEvents.vehicleId, theirs))).toHaveLength(1);
  });

  it('counts what was new, corrected and known', async () => {
    const event = { ...told(), vehicleId, source: 'portal', externalId: 'C-1' } as const;
    const record = (changes: object[]) =>
      recordServiceEvents(scopeForJob(owner.id), db, changes.map((change) => ({ ...event, ...change })), now); // prettier-ignore
    expect(await record([{}, { externalId: 'C-2' }])).toMatchObject({ created: 2, corrected: 0, unchanged: 0 });
    const again = [{ description: 'x' }, { externalId: 'C-2' }, { externalId: 'C-3' }, { externalId: 'C-3' }];
    expect(await record(again)).toMatchObject({ created: 1, corrected: 1, unchanged: 2, vehicleIds: [vehicleId] });
    expect(await record(again)).toMatchObject({ created: 0, corrected: 0, unchanged: 4, vehicleIds: [], counters: [] });
  });
});

describe('a case without', () => {
  it('a number is one, however it is worded', async () => {
    await keep([told({ number: null })]);
    await keep([told({ number: null, description: 'EGR valve replaced', odometerMiles: null })]);
    expect(await events()).toMatchObject([{ description: 'EGR valve replaced' }]);
  });

  it('an hour that was closed today is none of tomorrow, also before noon', async () => {
    await keep([
      told({ at: '2026-11-20T12:00:00.000Z' }),
      told({ number: 'C-2', at: '2026-11-20T13:00:00.000Z' }),
      told({ number: 'C-3', at: '2026-11-21T12:00:00.000Z' }),
    ]);
    expect((await events()).map(({ externalId }) => externalId)).toEqual(['C-1']);
  });
});
