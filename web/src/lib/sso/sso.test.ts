import { fireEvent, render, screen, waitFor } from '@testing-library/svelte';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { OidcProvider, OidcTest } from '#contracts/oidc';
import { idOf, tenantId } from '../../../test/builders.ts';
import { ApiFailure } from '../api/failure.ts';
import { Providers } from '../state/providers.svelte.ts';
import { toasts } from '../state/toasts.svelte.ts';
import DomainProof from './DomainProof.svelte';
import { newProviderForm, providerForm } from './forms.ts';
import ProviderDialog from './ProviderDialog.svelte';
import { shownSteps } from './test-steps.ts';
import TestSteps from './TestSteps.svelte';

const provider: OidcProvider = {
  id: idOf(1),
  tenantId,
  name: 'Company login',
  preset: 'oidc',
  issuer: 'https://login.company.example',
  clientId: 'truckiq',
  hasClientSecret: true,
  allowedDomains: ['company.example', 'company.test'],
  domains: ['company.example', 'company.test'].map((domain, at) => ({
    domain,
    verifiedAt: at === 0 ? '2026-11-02T00:00:00.000Z' : null,
    txtName: `_truckiq.${domain}`,
    txtValue: `truckiq-verification=${at}`,
  })),
  logoutIpAllowList: null,
  defaultRole: null,
  isActive: true,
  redirectUri: 'https://truckiq.example/api/v1/auth/oidc/x/callback',
  backchannelLogoutUri: 'https://truckiq.example/api/v1/auth/oidc/x/backchannel-logout',
  createdAt: '2026-11-01T00:00:00.000Z',
  updatedAt: '2026-11-01T00:00:00.000Z',
};
const failed: OidcTest = {
  ok: false,
  steps: [
    { name: 'address', ok: true, detail: 'It may be called.' },
    { name: 'discovery', ok: false, detail: 'Nobody answers there.' },
  ],
  error: { code: 'discovery', message: 'Nobody answers there.' },
};

beforeEach(() => {
  toasts.items = [];
});

describe('the form of a provider', () => {
  it('sends what the preset needs and nothing of the other', async () => {
    const send = vi.fn(() => Promise.resolve());
    const form = newProviderForm(send);
    render(ProviderDialog, { form, choices: ['viewer'], isNew: true, done: vi.fn(), close: vi.fn() });
    await fireEvent.click(await screen.findByRole('button', { name: 'Add and test' }));
    expect(screen.getByText(/Enter the directory \(tenant\) id/)).toBeTruthy();
    expect(send).not.toHaveBeenCalled();
    Object.assign(form.values, {
      directoryId: '8f2c1e9a-1111-4222-8333-444455556666',
      issuer: 'https://left.behind.example',
      clientId: 'abc',
      allowedDomains: 'Company.example, @company.test jo@third.example',
    });
    await fireEvent.click(screen.getByRole('button', { name: 'Add and test' }));
    await waitFor(() => expect(send).toHaveBeenCalledOnce());
    expect(send).toHaveBeenCalledWith({
      preset: 'entra',
      name: 'Microsoft',
      directoryId: '8f2c1e9a-1111-4222-8333-444455556666',
      clientId: 'abc',
      allowedDomains: ['company.example', 'company.test', 'third.example'],
      defaultRole: null,
      logoutIpAllowList: null,
      isActive: true,
    });
  });

  it('keeps the stored secret when none is typed', async () => {
    const send = vi.fn(() => Promise.resolve());
    const form = providerForm(provider, send);
    form.values.name = 'Login';
    expect(await form.submit()).toBe(true);
    expect(send).toHaveBeenCalledExactlyOnceWith({
      name: 'Login',
      clientId: 'truckiq',
      allowedDomains: ['company.example', 'company.test'],
      defaultRole: null,
      logoutIpAllowList: null,
    });
  });
});

describe('a test of a provider', () => {
  it('shows every step, those behind the failure as not reached', () => {
    expect(shownSteps(failed).map(({ state }) => state)).toEqual([
      'passed',
      'failed',
      'not_reached',
      'not_reached',
      'not_reached',
    ]);
    render(TestSteps, { test: failed });
    expect(screen.getByRole('alert').textContent).toContain('Signing in would fail: Nobody answers there.');
    expect(screen.getAllByRole('listitem').map((item) => item.textContent?.trim().split(':', 1)[0])).toEqual([
      'Passed',
      'Failed',
      'Not reached',
      'Not reached',
      'Not reached',
    ]);
  });

  it('runs right after a provider is added, and a switch can be taken back', async () => {
    const update = vi.fn((_id: string, changes: object) => Promise.resolve({ ...provider, ...changes }));
    const providers = new Providers({
      list: () => Promise.resolve({ data: [] }),
      create: () => Promise.resolve(provider),
      update,
      remove: vi.fn(),
      test: () => Promise.resolve(failed),
      verifyDomain: vi.fn(),
    });
    await providers.load();
    await providers.create({ ...provider, preset: 'oidc' });
    expect(providers.tests.get(provider.id)).toEqual(failed);
    expect(providers.newId).toBe(provider.id);
    await providers.switchTo(provider, false);
    expect(providers.all?.[0]?.isActive).toBe(false);
    toasts.items[0]?.undo?.();
    await waitFor(() => expect(providers.all?.[0]?.isActive).toBe(true));
    expect(update.mock.calls.map(([, changes]) => changes)).toEqual([{ isActive: false }, { isActive: true }]);
  });
});

describe('the proof of a domain', () => {
  const [proven, open] = provider.domains;
  const show = (rest: { failure?: string; approve?: () => void } = {}) => {
    if (open === undefined) throw new Error('there are two domains');
    const check = vi.fn();
    render(DomainProof, { domain: open, failure: null, isBusy: false, check, ...rest });
    return check;
  };

  it('is a record to copy and to look for; the operator alone may approve without one', async () => {
    const check = show({ failure: 'No such record was found.' });
    expect(screen.getByText('_truckiq.company.test')).toBeTruthy();
    expect(screen.getByText('truckiq-verification=1')).toBeTruthy();
    expect(screen.getByRole('alert').textContent).toBe('No such record was found.');
    expect(screen.queryByRole('button', { name: /Approve/ })).toBeNull();
    await fireEvent.click(screen.getByRole('button', { name: 'Check now: the record of company.test' }));
    expect(check).toHaveBeenCalledOnce();
  });

  it('is done with once it was found', () => {
    if (proven === undefined) throw new Error('there are two domains');
    render(DomainProof, { domain: proven, failure: null, isBusy: false, check: vi.fn(), approve: vi.fn() });
    expect(document.body.textContent).toContain('Verified');
    expect(screen.queryAllByRole('button')).toEqual([]);
  });

  it('says beside the domain why it was not found, and forgets it when it is', async () => {
    const verifyDomain = vi
      .fn<() => Promise<OidcProvider>>()
      .mockRejectedValueOnce(new ApiFailure({ code: 'CONFLICT', status: 409, message: 'The record is not there yet.' }))
      .mockRejectedValueOnce(new ApiFailure({ code: 'UPSTREAM_FAILED', status: 502, message: 'x' }))
      .mockResolvedValueOnce({ ...provider, name: 'Proven now' });
    const unused = vi.fn();
    const providers = new Providers({
      list: () => Promise.resolve({ data: [provider] }),
      create: unused,
      update: unused,
      remove: unused,
      test: unused,
      verifyDomain,
    });
    await providers.load();
    const key = `${provider.id} company.test`;
    await providers.verifyDomain(provider.id, 'company.test');
    expect(providers.domainFailures.get(key)).toBe('The record is not there yet.');
    await providers.verifyDomain(provider.id, 'company.test');
    expect(providers.domainFailures.get(key)).toContain('could not be asked');
    await providers.verifyDomain(provider.id, 'company.test');
    expect(providers.domainFailures.has(key)).toBe(false);
    expect(providers.all?.[0]?.name).toBe('Proven now');
  });
});
