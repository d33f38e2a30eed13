import { fireEvent, render, screen, waitFor } from '@testing-library/svelte';
import { describe, expect, it, vi } from 'vitest';
import type { Tenant } from '#contracts/tenants';
import { tenantId } from '../../../test/builders.ts';
import { ApiFailure } from '../api/failure.ts';
import { organisationForm, zoneChoices } from './organisation-form.ts';
import OrganisationPanel from './OrganisationPanel.svelte';
import UnsavedGuard from '../ui/UnsavedGuard.svelte';
import { session } from '../state/session.svelte.ts';
import { unsaved } from '../state/unsaved.svelte.ts';
import { tryToLeave, wentTo } from '../../../test/app-navigation.ts';

const tenant: Tenant = {
  id: tenantId,
  name: 'Blue Ridge Freight',
  kind: 'fleet',
  timeZone: 'America/New_York',
  units: 'us',
  flags: { predictions: true, alerts: true },
  requireMfa: false,
  isActive: true,
  linkedTenants: [],
  createdAt: '2026-01-01T00:00:00.000Z',
};

function setUp(send: (changes: unknown) => Promise<void>, rest: { isChanged?: boolean; ownMfaMissing?: boolean } = {}) {
  const form = organisationForm(tenant, send);
  const calls = { done: vi.fn(), discard: vi.fn() };
  render(OrganisationPanel, { form, isChanged: true, ownMfaMissing: false, ...calls, ...rest });
  return { form, ...calls };
}

describe('changes that are not saved', () => {
  const guard = (isChanged: boolean) => {
    session.phase = 'signed_in';
    wentTo.length = 0;
    return render(UnsavedGuard, { isChanged, what: 'settings' });
  };
  const press = (name: string) => fireEvent.click(screen.getByRole('button', { name }));

  it('are asked about before another page, and kept by whoever stays', async () => {
    guard(true);
    expect(tryToLeave('/vehicles')).toBe(false);
    expect(await screen.findByText('The settings you have changed here are not saved yet.')).toBeTruthy();
    await press('Keep editing');
    await waitFor(() => expect(screen.queryByText('Leave without saving?')).toBeNull());
    expect(wentTo).toEqual([]);
    expect(tryToLeave('/vehicles')).toBe(false);
  });

  it('go when somebody says so, and the way is free', async () => {
    guard(true);
    tryToLeave('/vehicles?q=7');
    await screen.findByText('Leave without saving?');
    await press('Discard and leave');
    expect(wentTo).toEqual(['/vehicles?q=7']);
    expect(tryToLeave('/vehicles?q=7')).toBe(true);
  });

  it('hold back the closing of the page, about which the browser asks', () => {
    guard(true);
    expect(tryToLeave('/elsewhere', { willUnload: true })).toBe(false);
    expect(screen.queryByText('Leave without saving?')).toBeNull();
  });

  it('hold back nobody when there are none, nobody who is signed out, and nothing once the form is gone', () => {
    const { unmount } = guard(false);
    expect(tryToLeave('/vehicles')).toBe(true);
    unmount();
    const changed = guard(true);
    session.phase = 'signed_out';
    expect(tryToLeave('/sign-in')).toBe(true);
    changed.unmount();
    const go = vi.fn();
    unsaved.leave(go);
    expect(go).toHaveBeenCalledOnce();
  });

  it('are asked about when the operator picks another organisation', async () => {
    guard(true);
    const go = vi.fn();
    unsaved.leave(go);
    await screen.findByText('Leave without saving?');
    expect(go).not.toHaveBeenCalled();
    await press('Discard and leave');
    expect(go).toHaveBeenCalledOnce();
  });
});

describe('the settings of an organisation', () => {
  it('send what is on screen, whole', async () => {
    const send = vi.fn(() => Promise.resolve());
    const { done, form } = setUp(send);
    await fireEvent.input(screen.getByLabelText('Name'), { target: { value: ' Blue Ridge ' } });
    await fireEvent.click(screen.getByLabelText('Alerts'));
    form.values.units = 'metric';
    await fireEvent.click(screen.getByRole('button', { name: 'Save' }));
    await waitFor(() => expect(done).toHaveBeenCalledOnce());
    expect(send).toHaveBeenCalledExactlyOnceWith({
      name: 'Blue Ridge',
      timeZone: 'America/New_York',
      units: 'metric',
      flags: { predictions: true, alerts: false },
      requireMfa: false,
    });
  });

  it('have nothing to save or to discard while nothing is changed', () => {
    setUp(vi.fn(), { isChanged: false });
    expect(screen.getByRole<HTMLButtonElement>('button', { name: 'Save' }).disabled).toBe(true);
    expect(screen.queryByRole('button', { name: 'Discard changes' })).toBeNull();
  });

  it('warn whoever requires a second step that they do not use themselves', async () => {
    setUp(vi.fn(), { ownMfaMissing: true });
    expect(screen.queryByRole('status')).toBeNull();
    await fireEvent.click(screen.getByLabelText('Require two-step sign-in'));
    expect(screen.getByRole('link', { name: 'Set yours up first' }).getAttribute('href')).toBe('/profile');
  });

  it('refuse an empty name at the field, and show what the API refuses', async () => {
    const { form } = setUp(() =>
      Promise.reject(
        new ApiFailure({ code: 'CONFLICT', status: 409, message: 'Set up your own two-step sign-in first.' }),
      ),
    );
    await fireEvent.input(screen.getByLabelText('Name'), { target: { value: '  ' } });
    await fireEvent.click(screen.getByRole('button', { name: 'Save' }));
    expect(screen.getByText('Enter the name of your organisation.')).toBeTruthy();
    form.values.name = 'Blue Ridge';
    await fireEvent.click(screen.getByRole('button', { name: 'Save' }));
    expect((await screen.findByRole('alert')).textContent).toContain('Set up your own two-step sign-in first.');
  });

  it('offer every zone, the near ones first, and never lose the one that is set', () => {
    const { near, others } = zoneChoices('Europe/Kyiv');
    expect(near[0]).toBe('America/New_York');
    expect(others).toContain('Europe/Kyiv');
    expect(others).toContain('UTC');
    expect(others.some((zone) => near.includes(zone))).toBe(false);
    expect(zoneChoices('Mars/Olympus').others).toContain('Mars/Olympus');
  });
});
