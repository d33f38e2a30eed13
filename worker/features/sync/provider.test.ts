import { describe, expect, it } from 'vitest';
import { chooseProvider, timerMayStart, type ProviderOption } from './provider.ts';

const paccar: ProviderOption = {
  provider: 'paccar',
  isActive: true,
  hasBaseUrl: true,
  hasUsername: true,
  hasPassword: true,
  hasApiToken: false,
};
const decisiv: ProviderOption = { ...paccar, provider: 'decisiv', hasApiToken: true };

describe('the way in', () => {
  it('is the portal while the official API cannot be read yet', () => {
    expect(chooseProvider([paccar])).toEqual({ kind: 'chosen', provider: 'paccar' });
    expect(chooseProvider([decisiv, paccar])).toEqual({ kind: 'chosen', provider: 'paccar' });
    expect(chooseProvider([decisiv])).toEqual({ kind: 'none', reason: 'Reading from decisiv is not available yet.' });
    expect(chooseProvider([decisiv, paccar], 'decisiv')).toEqual({
      kind: 'none',
      reason: 'Reading from decisiv is not available yet.',
    });
  });

  it('says what is missing', () => {
    const reason = (options: ProviderOption[], named?: 'paccar') => {
      const choice = chooseProvider(options, named);
      return choice.kind === 'none' ? choice.reason : choice.provider;
    };
    expect(reason([])).toBe('No credentials are stored: add the portal sign-in first.');
    expect(reason([], 'paccar')).toBe('No credentials are stored for paccar.');
    expect(reason([{ ...paccar, isActive: false }])).toBe('The paccar connection is switched off.');
    expect(reason([{ ...paccar, hasPassword: false }], 'paccar')).toBe(
      'The paccar connection has no user name and password.',
    );
    expect(reason([{ ...paccar, hasBaseUrl: false }])).toBe('The paccar connection has no portal address.');
  });
});

describe('the timer', () => {
  const at = (hour: number) => `2026-11-20T${String(hour).padStart(2, '0')}:00:00.000Z`;
  const refused = (...hours: number[]) => hours.map((hour) => ({ errorCode: 'LOGIN_FAILED', startedAt: at(hour) }));
  const now = Date.parse(at(10));

  it('backs off after three refused sign-ins, until the credentials change or six hours pass', () => {
    expect(timerMayStart(refused(9, 8, 7), at(0), now)).toBe(false);
    expect(timerMayStart(refused(9, 8), at(0), now)).toBe(true);
    expect(timerMayStart(refused(9, 8, 7), at(8), now)).toBe(true);
    expect(timerMayStart(refused(4, 3, 2), at(0), now)).toBe(true);
    expect(timerMayStart([{ errorCode: null, startedAt: at(9) }, ...refused(8, 7, 6)], at(0), now)).toBe(true);
    expect(timerMayStart([{ errorCode: 'TIMED_OUT', startedAt: at(9) }, ...refused(8, 7, 6)], at(0), now)).toBe(true);
  });
});
