import { expect, test } from 'vitest';
import { changeableOf, differenceOf, patched, settingsPatch, switchesForecasts } from './rules.ts';

const row = {
  id: '01900000-0000-7000-8000-000000000001',
  name: 'Fleet',
  kind: 'fleet' as const,
  settings: { timeZone: 'America/Denver', requestsPerMinute: 50 },
  isActive: true,
  changeCounter: 0,
  ingestGates: 0,
  geofenceVersion: 0,
  geofenceVersionTold: 0,
  fenceEventMark: 0,
  createdAt: '2026-01-01T00:00:00.000Z',
  updatedAt: '2026-01-01T00:00:00.000Z',
};

test('a patch names only what is mentioned, null included', () => {
  expect(settingsPatch({ name: 'x', isActive: false })).toEqual({});
  expect(settingsPatch({ flags: { alerts: false }, requestsPerMinute: null })).toEqual({
    flags: { alerts: false },
    requestsPerMinute: null,
  });
});

test('the row as it will be keeps the rest, flag by flag', () => {
  const after = changeableOf(patched(row, { flags: { alerts: false }, requestsPerMinute: null, units: 'metric' }));
  expect(after).toEqual({
    name: 'Fleet',
    timeZone: 'America/Denver',
    units: 'metric',
    flags: { predictions: true, alerts: false },
    requireMfa: false,
    requestsPerMinute: null,
    ingestGates: 0,
    isActive: true,
  });
});

test('the difference shows both sides of what differs, and nothing else', () => {
  const { before, after, isEmpty } = differenceOf(changeableOf(row), changeableOf(patched(row, { name: 'New' })));
  expect({ before, after, isEmpty }).toEqual({ before: { name: 'Fleet' }, after: { name: 'New' }, isEmpty: false });
  expect(differenceOf(changeableOf(row), changeableOf(patched(row, { units: 'us' }))).isEmpty).toBe(true);
});

test('forecasts are switched by the flag that differs, and by nothing else', () => {
  expect(switchesForecasts(row, { flags: { predictions: false } })).toBe(true);
  expect(switchesForecasts(row, { flags: { predictions: true } })).toBe(false);
  expect(switchesForecasts(row, { flags: { alerts: false }, units: 'metric' })).toBe(false);
});
