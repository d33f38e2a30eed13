import { describe, expect, it } from 'vitest';
import { withoutSecrets, withoutTokens } from './without-secrets.ts';

describe('a snapshot', () => {
  it('keeps everything but secrets, at any depth', () => {
    const shown = { name: 'x', count: 1, list: [1, 'a', null], mfaEnabled: true, keyName: 'gateway', apiKeyId: 'id' };
    expect(withoutSecrets(shown)).toEqual(shown);
    const secrets = {
      ...{ password: 'a', newPassword: 'a', passwordHash: 'a', totpSecret: 'a', apiToken: 'a', refreshToken: 'a' },
      ...{ key: 'a', apiKey: 'a', clientSecret: 'a', sessionSealed: 'a', recoveryCodes: ['a'], cookie: { a: 'a' } },
      ...{ credentials: [{ a: 'a' }], Authorization: 'a' },
    };
    for (const value of Object.values(withoutSecrets(secrets))) expect(value).toBe('[secret]');
    expect(withoutSecrets({ a: [{ b: { password: 'a' } }] })).toEqual({ a: [{ b: { password: '[secret]' } }] });
    // That there is one, or none, is no secret.
    expect(withoutSecrets({ hasPassword: true, password: null })).toEqual({ hasPassword: true, password: null });
  });

  it('loses tokens that stand in a text', () => {
    const random = 'Ab3-_'.repeat(9).slice(0, 43);
    for (const token of [
      `tk_live_${random}`,
      `rt_${random}`,
      `inv_${random}`,
      'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln',
    ]) {
      expect(withoutTokens(`/api/v1/x/${token}?`)).toBe('/api/v1/x/[secret]?');
      expect(withoutSecrets({ comment: [`see ${token}`] })).toEqual({ comment: ['see [secret]'] });
    }
    const plain = 'an unremarkable_text_with_underscores and 01a1f8fc-4bdc-77ff-8d3b-0050a9e70227 tk_live_short';
    expect(withoutTokens(plain)).toBe(plain);
  });
});
