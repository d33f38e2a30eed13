import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alertStatuses, alertTypes } from '#contracts/alerts';
import { recommendedActions, riskLevels } from '#contracts/risk';
import { vehicleStatuses } from '#contracts/vehicles';
import { controllerName, failureModeWords, litLamps } from './faults.ts';
import {
  actionWord,
  alertStatusWords,
  alertTypeWords,
  healthLook,
  riskLook,
  severityLook,
  vehicleStatusLook,
} from './states.ts';
import { formatAge, formatDateTime, formatSince, formatSpan, formatUtc } from './time.ts';
import { formatDistance, formatHeading, formatHours, formatScore, formatSpeed, plural } from './units.ts';
import { modelName, vinTail } from './vehicles.ts';

const at = '2026-11-20T09:00:00.000Z';
const atMs = Date.parse(at);

describe('ages', () => {
  it.each([
    [0, '0 s'],
    [59_999, '59 s'],
    [60_000, '1 min'],
    [3_599_999, '59 min'],
    [3_600_000, '1 h'],
    [47 * 3_600_000, '47 h'],
    [48 * 3_600_000, '2 d'],
    [47.7 * 3_600_000, '2 d'],
    [90 * 86_400_000 - 1_000, '90 d'],
    [89.4 * 86_400_000, '89 d'],
    [23.9 * 3_600_000, '23 h'],
  ])('%i ms is %s', (ms, words) => {
    expect(formatSpan(ms)).toBe(words);
  });

  it('says just now, ago, and never', () => {
    expect(formatAge(at, atMs + 4_000)).toBe('just now');
    expect(formatAge(at, atMs + 8_000)).toBe('8 s ago');
    expect(formatAge(null, atMs)).toBe('never');
  });

  it('never shows a negative age when clocks differ', () => {
    fc.assert(
      fc.property(fc.integer({ min: -1e12, max: 1e12 }), (ms) => {
        expect(formatSpan(ms)).not.toContain('-');
      }),
    );
  });
});

describe('times', () => {
  it("shows the tenant's zone, and the exact UTC for the tooltip", () => {
    expect(formatDateTime(at, 'America/Denver', atMs)).toBe('Nov 20, 02:00');
    expect(formatUtc(at)).toBe('2026-11-20 09:00:00 UTC');
  });
  it('shows midnight as 00, not 24', () => {
    expect(formatDateTime('2026-11-20T07:00:00.000Z', 'America/Denver', atMs)).toBe('Nov 20, 00:00');
  });
  it('names the year of what is not of this year there, or most of a year away', () => {
    const newYear = Date.parse('2027-01-01T03:00:00.000Z');
    expect(formatDateTime(at, 'UTC', newYear)).toBe('Nov 20, 2026, 09:00');
    expect(formatDateTime(at, 'America/Denver', newYear)).toBe('Nov 20, 02:00');
    expect(formatDateTime('2026-01-05T09:00:00.000Z', 'UTC', Date.parse('2026-12-20T00:00:00.000Z'))).toBe(
      'Jan 5, 2026, 09:00',
    );
    expect(formatDateTime('2028-02-01T09:00:00.000Z', 'UTC', atMs)).toBe('Feb 1, 2028, 09:00');
    expect(formatSince(at, newYear, 'UTC')).toBe('Nov 20, 2026');
  });
  it('gives the clock for today and the date for longer ago', () => {
    expect(formatSince(at, atMs + 3_600_000, 'America/Denver')).toBe('02:00');
    expect(formatSince(at, atMs + 30 * 3_600_000, 'America/Denver')).toBe('Nov 20');
  });
});

describe('units', () => {
  it('shows miles or kilometres', () => {
    expect(formatDistance(100_000, 'us')).toBe('100,000');
    expect(formatDistance(100_000, 'metric')).toBe('160,934');
    expect(formatSpeed(60, 'us')).toBe('60 mph');
    expect(formatSpeed(60, 'metric')).toBe('97 km/h');
  });
  it('shows a dash for what is unknown, never zero', () => {
    for (const text of [
      formatDistance(null, 'us'),
      formatSpeed(null, 'us'),
      formatHours(null),
      formatScore(null),
      formatHeading(null),
    ]) {
      expect(text).toBe('–');
    }
    expect(formatScore(0)).toBe('0');
  });
  it('names headings, also past a full turn', () => {
    expect([0, 44, 359, -45, 450].map(formatHeading)).toEqual(['N', 'NE', 'N', 'NW', 'E']);
  });
  it('counts', () => {
    expect([plural(1, 'truck'), plural(2, 'truck'), plural(0, 'truck')]).toEqual(['1 truck', '2 trucks', '0 trucks']);
  });
});

describe('states', () => {
  it('gives every state a word and a shape of its own', () => {
    for (const looks of [
      riskLevels.map(riskLook),
      vehicleStatuses.map(vehicleStatusLook),
      (['critical', 'major', 'minor', 'info', 'unknown'] as const).map(severityLook),
    ]) {
      expect(new Set(looks.map(({ word }) => word)).size).toBe(looks.length);
      expect(new Set(looks.map(({ shape }) => shape)).size).toBe(looks.length);
    }
  });
  it('says what is not known', () => {
    expect(riskLook(null)).toMatchObject({ word: 'Not scored', shape: 'dash' });
    expect(healthLook(null).word).toBe('Not scored');
    expect(actionWord(null)).toBe('No advice yet');
  });
  it('has words for every action, alert status and alert type', () => {
    expect(recommendedActions.map(actionWord)).toEqual([
      'Keep driving',
      'Address at next service',
      'Drive to dealer',
      'Pull over safely',
    ]);
    expect(alertStatuses.every((status) => alertStatusWords[status] !== '')).toBe(true);
    expect(alertTypes.every((type) => alertTypeWords[type] !== '')).toBe(true);
  });
  it("mirrors risk's bands in health", () => {
    expect([100, 76, 75, 51, 50, 26, 25, 0].map((score) => healthLook(score).word)).toEqual([
      'Good',
      'Good',
      'Fair',
      'Fair',
      'Poor',
      'Poor',
      'Bad',
      'Bad',
    ]);
  });
});

describe('faults', () => {
  it('names controllers and failure modes, known or not', () => {
    expect(controllerName(0)).toBe('Engine');
    expect(controllerName(200)).toBe('Controller 200');
    for (let fmi = 0; fmi <= 31; fmi += 1) expect(failureModeWords(fmi)).not.toBe('');
    expect(failureModeWords(31)).toBe('condition exists');
  });
  it('tells no lamp lit from lamps not reported', () => {
    expect(litLamps(null)).toBeNull();
    expect(litLamps({ malfunction: false, redStop: false, amberWarning: false, protect: false })).toEqual([]);
    expect(
      litLamps({ malfunction: true, redStop: true, amberWarning: false, protect: false })?.map(({ word }) => word),
    ).toEqual(['Red stop', 'Malfunction']);
  });
});

describe('vehicles', () => {
  it('names what is known', () => {
    expect(modelName({ year: 2022, make: 'Kenworth', model: 'T680' })).toBe('2022 Kenworth T680');
    expect(modelName({ year: null, make: 'Kenworth', model: null })).toBe('Kenworth');
    expect(modelName({ year: null, make: null, model: null })).toBe('Unknown model');
    expect(vinTail('1XKYD49X1PJ300001')).toBe('PJ300001');
  });
});
