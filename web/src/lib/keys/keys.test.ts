import { fireEvent, render, screen, waitFor } from '@testing-library/svelte';
import { describe, expect, it, vi } from 'vitest';
import { apiKeyScopes, createApiKeyInputSchema, type ApiKey, type IssuedApiKey } from '#contracts/api-keys';
import { permissions, permissionsOf, type Permission } from '#contracts/roles';
import { idOf, tenantId } from '../../../test/builders.ts';
import { ApiFailure } from '../api/failure.ts';
import { ApiKeys } from '../state/api-keys.svelte.ts';
import { expiryOf, timeLeft } from './expiry.ts';
import { endOf, entriesOf, keyForm } from './forms.ts';
import KeyCard from './KeyCard.svelte';
import KeyDialog from './KeyDialog.svelte';
import { mayGive, scopeGroups, scopePresets, wordsOfScope } from './scopes.ts';
import ScopePicker from './ScopePicker.svelte';
import SecretDialog from './SecretDialog.svelte';

const nowMs = Date.parse('2026-11-20T09:00:00.000Z');
const key = (rest: Partial<ApiKey> = {}): ApiKey => ({
  id: idOf(1),
  tenantId,
  name: 'Gateway',
  scopes: ['telemetry:write'],
  hint: 'wxyz',
  ipAllowList: null,
  requestsPerMinute: null,
  createdBy: idOf(2),
  createdAt: '2026-11-01T00:00:00.000Z',
  expiresAt: new Date(Date.now() + 90 * 86_400_000).toISOString(),
  previousExpiresAt: null,
  lastUsedAt: null,
  lastUsedIp: null,
  ...rest,
});
const secret = `tk_live_${'a'.repeat(43)}`;
const issued = (rest: Partial<ApiKey> = {}): IssuedApiKey => ({ ...key(rest), key: secret });
const admin = permissionsOf.fleet_admin;

describe('the scopes a key may be given', () => {
  it('stand in the groups once each, every one with words, none that is for people alone', () => {
    const grouped = scopeGroups.flatMap(({ scopes }) => scopes);
    expect(grouped.toSorted()).toEqual(apiKeyScopes.toSorted());
    expect(scopeGroups.map(({ word }) => word)).not.toContain('Other');
    for (const scope of grouped) {
      expect(wordsOfScope(scope).hint).not.toBe('');
      expect(wordsOfScope(scope).word).not.toBe(scope);
    }
    expect(scopePresets.flatMap(({ scopes }) => scopes).every((scope) => apiKeyScopes.includes(scope))).toBe(true);
  });

  it('are no more than the maker holds', () => {
    expect(permissions.filter((scope) => mayGive(permissions, scope)).toSorted()).toEqual(apiKeyScopes.toSorted());
    expect(mayGive(permissionsOf.viewer, 'vehicles:write')).toBe(false);
  });
});

describe('the scope picker', () => {
  const pick = (selected: Permission[], held: readonly Permission[]) => render(ScopePicker, { selected, held });
  const box = (name: RegExp): HTMLInputElement => screen.getByRole('checkbox', { name });

  it('offers what the maker holds and nothing else', async () => {
    pick([], permissionsOf.technician);
    expect(box(/vehicles:read/).disabled).toBe(false);
    expect(box(/telemetry:write/).disabled).toBe(true);
    expect(screen.queryByText('users:manage')).toBeNull();
    // A preset gives no more either.
    await fireEvent.click(screen.getByRole('button', { name: 'Telematics gateway' }));
    expect(box(/telemetry:write/).checked).toBe(false);
    expect(screen.getByRole('status').textContent).toContain('0 of');
  });

  it('chooses, counts and clears', async () => {
    pick(['alerts:read'], admin);
    expect(box(/alerts:read/).checked).toBe(true);
    await fireEvent.click(box(/vehicles:read/));
    expect(screen.getByRole('status').textContent).toContain('2 of');
    await fireEvent.click(screen.getByRole('button', { name: 'Read everything but audit' }));
    expect(box(/reports:read/).checked).toBe(true);
    expect(box(/audit:read/).checked).toBe(false);
    await fireEvent.click(screen.getByRole('button', { name: 'Clear' }));
    expect(screen.getByRole('status').textContent).toContain('0 of');
  });
});

describe('the form of a key', () => {
  const make = (send = vi.fn(() => Promise.resolve())) =>
    keyForm(send, { nowMs: () => nowMs, timeZone: () => 'America/Denver' });

  it('asks for a name and for scopes before it asks the server', async () => {
    const send = vi.fn(() => Promise.resolve());
    const form = make(send);
    expect(await form.submit()).toBe(false);
    expect(form.errorOf('name')).toContain('name');
    expect(form.errorOf('scopes')).toBe('Choose what the key may do.');
    expect(send).not.toHaveBeenCalled();
  });

  it('sends 90 days when nothing else is chosen, and leaves out what is empty', async () => {
    const send = vi.fn(() => Promise.resolve());
    const form = make(send);
    Object.assign(form.values, { name: 'Gateway', scopes: ['telemetry:write'] });
    expect(await form.submit()).toBe(true);
    expect(send).toHaveBeenCalledExactlyOnceWith({
      name: 'Gateway',
      scopes: ['telemetry:write'],
      expiresAt: '2027-02-18T09:00:00.000Z',
    });
  });

  it('reads addresses however they are typed, and a day as the whole day there', async () => {
    expect(entriesOf(' 203.0.113.0/24\n10.0.0.1, 2001:db8::/32;;\n')).toEqual([
      '203.0.113.0/24',
      '10.0.0.1',
      '2001:db8::/32',
    ]);
    expect(endOf('day', '2026-12-24', nowMs, 'America/Denver')).toBe('2026-12-25T06:59:59.999Z');
    const form = make();
    Object.assign(form.values, { name: 'x', scopes: ['alerts:read'], expiresAt: 'day' });
    expect(await form.submit()).toBe(false);
    expect(form.errorOf('expiresAt')).toContain('Choose a day');
    form.values.day = '2026-12-24';
    form.values.requestsPerMinute = '12.5';
    expect(await form.submit()).toBe(false);
    expect(form.errorOf('requestsPerMinute')).toContain('whole number');
  });

  it('lays the refusal of one address at the addresses', async () => {
    const issues = [{ path: 'ipAllowList.1', message: '"nonsense" is neither an IP address nor a CIDR block' }];
    const refusal = new ApiFailure({ code: 'VALIDATION_FAILED', status: 400, message: 'x', details: { issues } });
    const form = keyForm(() => Promise.reject(refusal), { nowMs: () => nowMs, timeZone: () => 'UTC' });
    Object.assign(form.values, { name: 'x', scopes: ['alerts:read'], ipAllowList: '10.0.0.1 nonsense' });
    render(KeyDialog, { form, held: admin, timeZone: 'UTC', close: vi.fn() });
    await fireEvent.click(await screen.findByRole('button', { name: 'Create key' }));
    expect(await screen.findByText('"nonsense" is neither an IP address nor a CIDR block.')).toBeTruthy();
  });

  it('cannot be made to send a scope that the contract does not know', () => {
    expect(createApiKeyInputSchema.safeParse({ name: 'x', scopes: ['root'] }).success).toBe(false);
  });
});

describe('the secret of a new key', () => {
  it('is shown whole, is not lost by Escape, and is gone once it was kept', async () => {
    const keys = new ApiKeys({
      list: () => Promise.resolve({ data: [key()], meta: { total: 1, page: 1, pageSize: 50 } }),
      create: () => Promise.resolve(issued()),
      rotate: vi.fn(),
      revoke: vi.fn(),
    });
    await keys.create({ name: 'Gateway', scopes: ['telemetry:write'] });
    expect(keys.issued?.key).toBe(secret);
    const close = vi.fn(() => keys.forgetSecret());
    render(SecretDialog, { issued: issued({ previousExpiresAt: '2026-11-21T09:00:00.000Z' }), close });
    expect((await screen.findByText(secret)).tagName).toBe('CODE');
    expect(document.body.textContent).toContain('The old secret works until');
    await fireEvent.keyDown(document.activeElement ?? document.body, { key: 'Escape' });
    expect(close).not.toHaveBeenCalled();
    expect(screen.queryByRole('button', { name: 'Close' })).toBeNull();
    await fireEvent.click(screen.getByRole('button', { name: 'I have saved it' }));
    expect(close).toHaveBeenCalledOnce();
    expect(keys.issued).toBeNull();
    expect(JSON.stringify(keys.page)).not.toContain(secret);
  });

  it('asks before the page is left', () => {
    render(SecretDialog, { issued: issued(), close: vi.fn() });
    const event = new Event('beforeunload', { cancelable: true });
    window.dispatchEvent(event);
    expect(event.defaultPrevented).toBe(true);
  });
});

describe('a list of keys', () => {
  it('says how long each works', () => {
    const ends = (days: number) => ({ expiresAt: new Date(nowMs + days * 86_400_000).toISOString() });
    expect([-1, 0, 1, 14, 15].map((days) => expiryOf(ends(days), nowMs))).toEqual([
      'expired',
      'expired',
      'soon',
      'soon',
      'fine',
    ]);
  });

  it('counts what is left to the nearest day', () => {
    const day = 86_400_000;
    expect([90 * day - 4_000, 13.4 * day, 2 * day, 1.6 * day, 1.25 * day, 3_600_000].map(timeLeft)).toEqual([
      '90 days',
      '13 days',
      '2 days',
      '2 days',
      '30 h',
      '1 h',
    ]);
    const { container } = render(KeyCard, { key: key(), rotate: vi.fn(), revoke: vi.fn() });
    expect(container.textContent).toMatch(/Expires in 90 days \(\w{3} \d+, 20\d\d\)/);
  });

  it('shows the hint, where it works from and when it was used, never more of the secret', () => {
    const { container } = render(KeyCard, {
      key: key({ ipAllowList: ['10.0.0.0/8'], lastUsedAt: '2026-11-20T08:00:00.000Z', lastUsedIp: '10.1.2.3' }),
      rotate: vi.fn(),
      revoke: vi.fn(),
    });
    expect(container.textContent).toContain('…wxyz');
    expect(container.textContent).toContain('10.0.0.0/8');
    expect(container.textContent).toContain('from 10.1.2.3');
    expect(container.textContent).toContain('Send telemetry');
  });

  it('drops an answer that comes after a newer one, and takes a key that is gone for revoked', async () => {
    const answers: ((data: ApiKey[]) => void)[] = [];
    const keys = new ApiKeys({
      list: (page) =>
        new Promise((resolve) =>
          answers.push((data) => resolve({ data, meta: { total: data.length, page, pageSize: 50 } })),
        ),
      create: vi.fn(),
      rotate: vi.fn(),
      revoke: () => Promise.reject(new ApiFailure({ code: 'NOT_FOUND', status: 404, message: 'gone' })),
    });
    const first = keys.load(1);
    const second = keys.load(2);
    answers[1]?.([]);
    await second;
    answers[0]?.([key()]);
    await first;
    expect(keys.page?.data).toEqual([]);
    const revoked = keys.revoke(idOf(1));
    await waitFor(() => expect(answers).toHaveLength(3));
    answers[2]?.([]);
    await expect(revoked).resolves.toBeUndefined();
  });
});
