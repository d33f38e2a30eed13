import { expect, test } from 'vitest';
import { limitSubjectOf } from './client-address.ts';

test('an address is counted as itself, of IPv6 as its /64, however it is written', () => {
  expect(limitSubjectOf('203.0.113.7')).toBe('203.0.113.7');
  for (const dressed of ['::ffff:203.0.113.7', '::FFFF:cb00:7107']) expect(limitSubjectOf(dressed)).toBe('203.0.113.7');
  const subject = '2001:db8:1:2::/64';
  for (const own of [
    '2001:db8:1:2::1',
    '2001:0DB8:1:2:ffff:ffff:ffff:ffff',
    '2001:db8:1:2::',
    '2001:db8:1:2::1%eth0',
  ]) {
    expect(limitSubjectOf(own)).toBe(subject);
  }
  expect(limitSubjectOf('2001:db8:1:3::1')).not.toBe(subject);
  expect(limitSubjectOf('::1')).toBe('::/64');
});

test('what is no address is a subject all the same', () => {
  expect([limitSubjectOf(null), limitSubjectOf('here')]).toEqual(['unknown', 'here']);
});
