import { expect, test } from 'vitest';
import { firstLacking } from './roles.ts';

test('nobody hands out more than they hold: the first that is lacking', () => {
  expect(firstLacking(['vehicles:read'], ['vehicles:read', 'alerts:read', 'admin:manage'])).toBe('alerts:read');
  expect(firstLacking(['vehicles:read', 'alerts:read'], ['alerts:read'])).toBeNull();
  expect(firstLacking([], [])).toBeNull();
});
