import { expect, test } from 'vitest';
import { vehicleFeaturesSchema } from '#contracts/risk';
import { toFeatures, type FaultFacts, type FeatureRows, type ServiceFacts } from './features-rules.ts';

const now = new Date('2026-11-20T12:00:00.000Z');
const daysAgo = (days: number): string => new Date(now.getTime() - days * 86_400_000).toISOString();

const vehicle: FeatureRows['vehicle'] = {
  make: 'Kenworth',
  model: 'T680',
  year: 2024,
  odometerMiles: 200_000,
  engineHours: 5_000,
  firstSeenAt: daysAgo(30),
  lastSyncAt: daysAgo(0),
  lastReadingAt: null,
  faultsReadAt: null,
};
const rowsOf = (changes: Partial<FeatureRows> = {}): FeatureRows => ({
  vehicle,
  faults: [],
  signals: [],
  service: null,
  hasServiceRecords: false,
  earlier: null,
  ...changes,
});
const service: ServiceFacts = {
  firstAt: daysAgo(400),
  lastServiceAt: daysAgo(50),
  lastServiceMiles: 180_000,
  repairs365Days: 2,
  odometers: [],
};
const fault: FaultFacts = {
  spn: 110,
  fmi: 0,
  sourceAddress: 0,
  isActive: true,
  firstSeenAt: daysAgo(9),
  lastSeenAt: daysAgo(5),
  clearedAt: null,
  occurrenceCount: 3,
  reopenCount: 0,
  lamps: { malfunction: false, redStop: true, amberWarning: false, protect: false },
};

test('of a vehicle nothing is known of, nothing is said', () => {
  const unknown = { make: null, model: null, year: null, odometerMiles: null, engineHours: null };
  const features = toFeatures(rowsOf({ vehicle: { ...vehicle, ...unknown, lastSyncAt: null } }), now);
  expect(features).toEqual({
    vehicle: { ...unknown, milesPerDay: null, hoursPerDay: null },
    faults: [],
    lamps: [],
    signals: [],
    service: { lastServiceAt: null, milesSinceService: null, repairs365Days: null },
    observedDays: 30,
  });
  expect(vehicleFeaturesSchema.parse(features)).toEqual(features);
});

test('no shop visit is known to be none only where the tenant keeps records', () => {
  expect(toFeatures(rowsOf({ hasServiceRecords: true }), now).service.repairs365Days).toBe(0);
  expect(toFeatures(rowsOf({ hasServiceRecords: false }), now).service.repairs365Days).toBeNull();
  expect(toFeatures(rowsOf({ service, hasServiceRecords: true }), now).service.repairs365Days).toBe(2);
});

test('observed since the first shop visit, where that came before the first sight', () => {
  expect(toFeatures(rowsOf({ service }), now).observedDays).toBe(400);
  expect(toFeatures(rowsOf({ service: { ...service, firstAt: daysAgo(3) } }), now).observedDays).toBe(30);
  expect(toFeatures(rowsOf({ vehicle: { ...vehicle, firstSeenAt: daysAgo(-1) } }), now).observedDays).toBe(0);
});

test('miles since service by the odometer, else by the usual miles, else unknown', () => {
  const miles = (changes: Partial<FeatureRows>) => toFeatures(rowsOf(changes), now).service.milesSinceService;
  expect(miles({ service })).toBe(20_000);
  const odometers = [{ at: daysAgo(100), value: 170_000 }];
  // 30,000 miles in 100 days, 50 days ago.
  expect(miles({ service: { ...service, lastServiceMiles: null, odometers } })).toBe(15_000);
  // The odometer fell: another one, and what it showed before says nothing.
  expect(miles({ service: { ...service, lastServiceMiles: 900_000, odometers } })).toBe(15_000);
  expect(miles({ service: { ...service, lastServiceMiles: null } })).toBeNull();
  expect(miles({ service: { ...service, lastServiceAt: null } })).toBeNull();
});

test('usage out of shop visits and of what an earlier prediction kept', () => {
  const odometers = [{ at: daysAgo(100), value: 150_000 }];
  const { milesPerDay, hoursPerDay } = toFeatures(
    rowsOf({
      service: { ...service, odometers },
      earlier: { at: daysAgo(50), odometerMiles: 180_000, engineHours: 4_500 },
    }),
    now,
  ).vehicle;
  expect([milesPerDay, hoursPerDay]).toEqual([500, 10]);
});

test('meters that nobody has dated make no rate', () => {
  const undated = { ...vehicle, lastSyncAt: null, lastReadingAt: null };
  const odometers = [{ at: daysAgo(100), value: 150_000 }];
  expect(
    toFeatures(rowsOf({ vehicle: undated, service: { ...service, odometers } }), now).vehicle.milesPerDay,
  ).toBeNull();
});

test('an active fault was last seen when the whole list was; lamps with it; a cleared one lights none', () => {
  const read = { ...vehicle, faultsReadAt: daysAgo(1) };
  const cleared = { ...fault, spn: 111, isActive: false, clearedAt: daysAgo(4) };
  const { faults, lamps } = toFeatures(rowsOf({ vehicle: read, faults: [fault, cleared] }), now);
  expect(faults.map(({ lastSeenAt }) => lastSeenAt)).toEqual([daysAgo(1), daysAgo(5)]);
  expect(faults[0]).not.toHaveProperty('lamps');
  expect(lamps).toEqual([{ ...fault.lamps, sourceAddress: 0, at: daysAgo(1) }]);
  expect(toFeatures(rowsOf({ faults: [fault] }), now).faults[0]?.lastSeenAt).toBe(daysAgo(5));
});
