import { describe, expect, it, test } from 'vitest';
import { permissionsOf } from '#contracts/roles';
import {
  decidePerson,
  entraIssuer,
  judgeClaims,
  refuseDefaultRole,
  safeNext,
  type Claims,
  type KnownPerson,
  type Situation,
} from './rules.ts';

describe('where the dashboard may be sent afterwards', () => {
  test.each(['/', '/alerts', '/alerts?status=open&page=2', '/vehicles/01#faults', '/a%2Fb', '/x?next=//y'])(
    '%s is a path of ours',
    (path) => expect(safeNext(path)).toBe(path),
  );

  test.each([
    '',
    'alerts',
    'https://evil.example',
    '//evil.example',
    '/\\evil.example',
    '/a\\b',
    '\\/evil.example',
    '/..//evil.example',
    '/./\t/evil.example',
    '/a b',
    '/a\nSet-Cookie: x=1',
    '/é',
    'javascript:alert(1)',
    `/${'x'.repeat(600)}`,
  ])('%j is not', (text) => expect(safeNext(text)).toBeNull());
});

const terms = { preset: 'oidc', issuer: 'https://id.example', provenDomains: ['fleet.example'] } as const;
const honest: Claims = { sub: 'u1', email: 'Ann@Fleet.example', email_verified: true, name: 'Ann' };

describe('what a provider vouches for', () => {
  it('is a verified address in an allowed domain, in lower case', () => {
    expect(judgeClaims(terms, honest)).toEqual({
      ok: true,
      person: { subject: 'u1', email: 'ann@fleet.example', name: 'Ann' },
    });
  });

  test.each<[string, Claims, string]>([
    ['no subject', { sub: undefined }, 'no_subject'],
    ['an empty subject', { sub: '' }, 'no_subject'],
    ['a subject of another type', { sub: 7 }, 'no_subject'],
    ['an endless subject', { sub: 'x'.repeat(256) }, 'no_subject'],
    ['no address', { email: undefined }, 'no_email'],
    ['an address of another type', { email: ['ann@fleet.example'] }, 'no_email'],
    ['what is no address', { email: 'ann' }, 'no_email'],
    ['an endless address', { email: `${'x'.repeat(300)}@fleet.example` }, 'no_email'],
    ['an unverified address', { email_verified: false }, 'email_not_verified'],
    ['an address nobody says is verified', { email_verified: undefined }, 'email_not_verified'],
    ['the word "true"', { email_verified: 'true' }, 'email_not_verified'],
    ['another domain', { email: 'ann@elsewhere.example' }, 'domain_not_allowed'],
    ['a subdomain', { email: 'ann@sub.fleet.example' }, 'domain_not_allowed'],
    ['a longer domain', { email: 'ann@fleet.example.evil.example' }, 'domain_not_allowed'],
    ['a look-alike ending', { email: 'ann@notfleet.example' }, 'domain_not_allowed'],
  ])('is not %s', (_name, change, refusal) => {
    expect(judgeClaims(terms, { ...honest, ...change })).toEqual({ ok: false, refusal });
  });

  test.each([undefined, '', 7, 'two\nlines', '\u202e', 'x'.repeat(300)])(
    'the name %j is replaced by what stands before the @',
    (name) => {
      const judged = judgeClaims(terms, { ...honest, name });
      expect(judged).toMatchObject({ ok: true, person: { name: 'ann' } });
    },
  );
});

describe('Microsoft Entra', () => {
  const directoryId = '72f988bf-86f1-41af-91ab-2d7cd011db47';
  const elsewhere = '11111111-2222-3333-4444-555555555555';
  const entra = {
    preset: 'entra',
    issuer: entraIssuer(directoryId.toUpperCase()),
    provenDomains: ['fleet.example'],
  } as const;
  const claims: Claims = { sub: 's', tid: directoryId, preferred_username: 'ann@fleet.example', name: 'Ann' };
  const judged = (change: Claims) => judgeClaims(entra, { ...claims, ...change });

  it('vouches with the sign-in name of the very directory, without email_verified', () => {
    expect(judged({})).toMatchObject({ ok: true, person: { email: 'ann@fleet.example' } });
    expect(judged({ idp: `https://sts.windows.net/${directoryId}/`, acct: 0 })).toMatchObject({ ok: true });
  });

  it('prefers the sign-in name, whose domain the directory has proven, to the address that anybody can write', () => {
    expect(judged({ email: 'boss@fleet.example' })).toMatchObject({ ok: true, person: { email: 'ann@fleet.example' } });
    const named = { preferred_username: 'ann@fleet.onmicrosoft.com', email: 'ann@fleet.example' };
    expect(judged(named)).toMatchObject({ ok: true, person: { email: 'ann@fleet.example' } });
  });

  test.each<[string, Claims, string]>([
    ['another directory', { tid: elsewhere }, 'another_directory'],
    ['no directory', { tid: undefined }, 'another_directory'],
    ['a guest by idp', { idp: `https://sts.windows.net/${elsewhere}/` }, 'guest_of_directory'],
    ['a guest with a personal account', { idp: 'live.com' }, 'guest_of_directory'],
    ['an idp of another type', { idp: [directoryId] }, 'guest_of_directory'],
    ['a guest by acct', { acct: 1 }, 'guest_of_directory'],
    ['a guest by acct as text', { acct: '1' }, 'guest_of_directory'],
    ['no address at all', { preferred_username: undefined }, 'no_email'],
    ['a phone number', { preferred_username: '+1 555 0100' }, 'no_email'],
    ['another domain', { preferred_username: 'ann@elsewhere.example' }, 'domain_not_allowed'],
  ])('refuses %s', (_name, change, refusal) => {
    expect(judged(change)).toEqual({ ok: false, refusal });
  });

  it('refuses everybody when its issuer is not one directory', () => {
    const common = { ...entra, issuer: 'https://login.microsoftonline.com/common/v2.0' };
    expect(judgeClaims(common, claims)).toEqual({ ok: false, refusal: 'another_directory' });
  });
});

describe('who a vouched-for person is', () => {
  const known = (changes: Partial<KnownPerson> = {}): KnownPerson => ({
    ...{ id: 'u1', tenantId: 't1', isDeactivated: false, deletedAt: null },
    ...changes,
  });
  const nobody: Situation = {
    ...{ tenantId: 't1', isProviderActive: true, isTenantActive: true, defaultRole: 'viewer' },
    ...{ bySubject: null, byEmail: null, wasDeleted: false, invitation: null },
  };
  const deleted = known({ deletedAt: '2026-01-01T00:00:00.000Z' });
  const invitation = { id: 'i1', role: 'technician' } as const;

  test.each<[string, Partial<Situation>, object]>([
    ['known by subject', { bySubject: known() }, { kind: 'sign_in', userId: 'u1', isNewIdentity: false }],
    [
      'known by subject, whatever the address is today',
      { bySubject: known(), byEmail: known({ id: 'u2', tenantId: 't2' }) },
      { kind: 'sign_in', userId: 'u1', isNewIdentity: false },
    ],
    ['known by address', { byEmail: known() }, { kind: 'sign_in', userId: 'u1', isNewIdentity: true }],
    ['new', {}, { kind: 'create', role: 'viewer' }],
    ['invited', { invitation }, { kind: 'create', role: 'technician' }],
    ['invited where nobody else is made', { invitation, defaultRole: null }, { kind: 'create', role: 'technician' }],
    ['deleted and invited again', { bySubject: deleted, wasDeleted: true, invitation }, { kind: 'create' }],
    [
      'deleted and entered again',
      { bySubject: deleted, wasDeleted: true, byEmail: known({ id: 'u3' }) },
      { kind: 'sign_in', userId: 'u3', isNewIdentity: true },
    ],
  ])('%s', (_name, change, decision) => {
    expect(decidePerson({ ...nobody, ...change })).toMatchObject(decision);
  });

  test.each<[string, Partial<Situation>, string, string]>([
    ['the provider is off', { isProviderActive: false, bySubject: known() }, 'deactivated', 'switched_off'],
    ['the tenant is off', { isTenantActive: false, bySubject: known() }, 'deactivated', 'switched_off'],
    ['suspended', { bySubject: known({ isDeactivated: true }) }, 'deactivated', 'suspended'],
    ['suspended, by address', { byEmail: known({ isDeactivated: true }) }, 'deactivated', 'suspended'],
    ['of another tenant', { byEmail: known({ tenantId: 't2' }) }, 'not_allowed', 'another_tenant'],
    [
      'of another tenant and suspended there',
      { byEmail: known({ tenantId: 't2', isDeactivated: true }) },
      'not_allowed',
      'another_tenant',
    ],
    [
      'of another tenant and invited here',
      { byEmail: known({ tenantId: 't2' }), invitation },
      'not_allowed',
      'another_tenant',
    ],
    ['the operator', { byEmail: known({ tenantId: null }) }, 'not_allowed', 'another_tenant'],
    ['known by subject elsewhere', { bySubject: known({ tenantId: 't2' }) }, 'not_allowed', 'another_tenant'],
    ['deleted', { bySubject: deleted, wasDeleted: true }, 'not_allowed', 'deleted'],
    ['deleted before they ever came this way', { wasDeleted: true }, 'not_allowed', 'deleted'],
    ['unknown where nobody is made', { defaultRole: null }, 'not_allowed', 'no_account'],
  ])('is refused: %s', (_name, change, reason, why) => {
    expect(decidePerson({ ...nobody, ...change })).toEqual({ kind: 'refuse', reason, why });
  });
});

test('a default role exists in that kind of tenant and is no more than the giver holds', () => {
  const held = permissionsOf.fleet_admin;
  expect(refuseDefaultRole('viewer', 'fleet', held)).toBeNull();
  expect(refuseDefaultRole(null, 'fleet', [])).toBeNull();
  expect(refuseDefaultRole(undefined, 'fleet', [])).toBeNull();
  expect(refuseDefaultRole('dealer_admin', 'fleet', held)).toEqual({ kind: 'not_here' });
  expect(refuseDefaultRole('super_admin', 'fleet', permissionsOf.super_admin)).toEqual({ kind: 'not_here' });
  expect(refuseDefaultRole('fleet_admin', 'fleet', ['vehicles:read'])).toMatchObject({ kind: 'more_than_held' });
});
