import { describe, expect, test } from 'vitest';
import { noCounts, type SyncRun } from '#contracts/sync';
import { describeSync, durationInWords, type SyncFacts } from './rules.ts';

const nowMs = Date.parse('2026-11-20T12:00:00.000Z');
const minutesAgo = (minutes: number) => new Date(nowMs - minutes * 60_000).toISOString();
const failed: SyncRun = {
  ...{ id: 'run', tenantId: 'tenant', provider: 'paccar', status: 'failed', trigger: 'cron', counts: noCounts },
  ...{ startedAt: minutesAgo(10), finishedAt: minutesAgo(9) },
  error: { code: 'LOGIN_FAILED', message: 'The portal refused the password' },
};
const facts = (more: Partial<SyncFacts> = {}): SyncFacts => ({
  isActive: true,
  choice: { kind: 'chosen', provider: 'paccar' },
  lastRun: null,
  lastSucceededAt: minutesAgo(12),
  consecutiveFailures: 0,
  ...more,
});

describe('how a sync fares', () => {
  test('a tenant that is switched off is neither stale nor failing', () => {
    const said = describeSync(facts({ isActive: false, lastSucceededAt: null, consecutiveFailures: 5 }), nowMs);
    expect(said).toMatchObject({ condition: 'inactive', isStale: false });
  });

  test('without a connection it says what is missing', () => {
    const choice = { kind: 'none', reason: 'No credentials are stored.' } as const;
    const said = describeSync(facts({ choice, lastSucceededAt: null }), nowMs);
    expect(said).toEqual({ condition: 'not_connected', isStale: false, summary: 'No credentials are stored.' });
  });

  test('failures in a row are counted and named', () => {
    const said = describeSync(facts({ lastRun: failed, consecutiveFailures: 3 }), nowMs);
    expect(said).toEqual({
      condition: 'failing',
      isStale: false,
      summary:
        '3 runs in a row have failed (LOGIN_FAILED: The portal refused the password). The last good run ended 12 minutes ago.',
    });
    const never = describeSync(facts({ lastRun: failed, consecutiveFailures: 1, lastSucceededAt: null }), nowMs);
    expect(never.isStale).toBe(true);
    expect(never.summary).toMatch(/^The last run has failed .* None has succeeded yet\.$/);
    expect(describeSync(facts({ consecutiveFailures: 100 }), nowMs).summary).toMatch(/^At least 100 runs/);
  });

  test('connected and never finished waits; old is stale; recent is fresh', () => {
    expect(describeSync(facts({ lastSucceededAt: null }), nowMs)).toMatchObject({
      condition: 'waiting',
      isStale: true,
    });
    expect(describeSync(facts({ lastSucceededAt: minutesAgo(361) }), nowMs)).toMatchObject({
      condition: 'stale',
      isStale: true,
      summary: 'The last good run ended 6 hours ago.',
    });
    expect(describeSync(facts(), nowMs).condition).toBe('fresh');
  });
});

test('durations in words', () => {
  const minute = 60_000;
  expect([-5, 0, 59_999, minute, 119 * minute].map(durationInWords)).toEqual([
    '0 minutes',
    '0 minutes',
    '0 minutes',
    '1 minute',
    '119 minutes',
  ]);
  expect(durationInWords(120 * minute)).toBe('2 hours');
  expect(durationInWords(47 * 60 * minute)).toBe('47 hours');
  expect(durationInWords(48 * 60 * minute)).toBe('2 days');
});
