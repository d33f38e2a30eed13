import { describe, expect, test } from 'vitest';
import { apiKeyScopes, peopleOnlyPermissions } from '#contracts/api-keys';
import { permissions, type Permission } from '#contracts/roles';
import { judgeInput, rotationTimes } from './rules.ts';

const now = new Date('2026-11-20T12:00:00.000Z');
const inDays = (days: number) => new Date(now.getTime() + days * 86_400_000).toISOString();
const input = (fields: Partial<Parameters<typeof judgeInput>[0]> = {}) => ({
  scopes: ['vehicles:read'] as Permission[],
  ...fields,
});
const issuesOf = (fields: Partial<Parameters<typeof judgeInput>[0]>) => {
  const judged = judgeInput(input(fields), now);
  return 'issues' in judged ? judged.issues.map((issue) => issue.path) : [];
};

describe('what a key may be given', () => {
  test.each(peopleOnlyPermissions)('%s is for people', (scope) => {
    const judged = judgeInput(input({ scopes: ['vehicles:read', scope] }), now);
    expect(judged).toEqual({
      issues: [{ path: 'scopes.1', message: `${scope} is for people alone: no API key may hold it` }],
    });
  });

  test('every other permission is a scope', () => {
    expect(issuesOf({ scopes: [...apiKeyScopes] })).toEqual([]);
    expect([...apiKeyScopes, ...peopleOnlyPermissions].toSorted()).toEqual([...permissions].toSorted());
  });

  test('an expiry lies ahead, at most 366 days', () => {
    expect(issuesOf({ expiresAt: now.toISOString() })).toEqual(['expiresAt']);
    expect(issuesOf({ expiresAt: inDays(-1) })).toEqual(['expiresAt']);
    expect(issuesOf({ expiresAt: inDays(366.1) })).toEqual(['expiresAt']);
    expect(issuesOf({ expiresAt: inDays(366) })).toEqual([]);
    expect(issuesOf({ expiresAt: new Date(now.getTime() + 1).toISOString() })).toEqual([]);
  });

  test('everything that is wrong is named at once', () => {
    const wrong = {
      scopes: ['users:manage'] as Permission[],
      ipAllowList: ['10.0.0.0/8', 'here'],
      expiresAt: inDays(-1),
    };
    expect(issuesOf(wrong)).toEqual(['scopes.0', 'ipAllowList.1', 'expiresAt']);
  });

  test('what is left out: ninety days, every address; an address list keeps one spelling of each', () => {
    expect(judgeInput(input(), now)).toEqual({
      key: {
        scopes: ['vehicles:read'],
        ipAllowList: null,
        expiresAt: new Date(inDays(90)),
        lifetimeSeconds: 90 * 86_400,
      },
    });
    const judged = judgeInput(input({ ipAllowList: ['10.1.2.3/8', '10.0.0.0/8'] }), now);
    expect('key' in judged && judged.key.ipAllowList).toEqual(['10.0.0.0/8']);
  });
});

test('a rotated key lives as long again as it once did; its old secret for the overlap', () => {
  expect(rotationTimes({ lifetimeSeconds: 3600 }, 0, now)).toEqual({
    expiresAt: new Date('2026-11-20T13:00:00.000Z'),
    previousEndsAt: now,
  });
  expect(rotationTimes({ lifetimeSeconds: 3600 }, 0.5, now).previousEndsAt).toEqual(
    new Date('2026-11-20T12:30:00.000Z'),
  );
});
