import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { TenantSyncStatus } from '#contracts/admin';
import type { AdminTenant } from '#contracts/tenants';
import { sessions } from '#worker/db/schema/users';
import { idOf } from '../../../test/builders.ts';
import { ApiFailure } from '../api/failure.ts';
import { Organisations } from '../state/organisations.svelte.ts';
import { SyncHealth } from '../state/sync-health.svelte.ts';
import { toasts } from '../state/toasts.svelte.ts';
import { byUrgency, isKnownReason, mayRetry, reasonRows, reasonWord } from './conditions.ts';
import { newOrganisationForm, operatorForm } from './forms.ts';

const status = (n: number, rest: Partial<TenantSyncStatus> = {}): TenantSyncStatus => ({
  tenantId: idOf(n),
  tenantName: `Tenant ${n}`,
  isActive: true,
  provider: 'paccar',
  condition: 'fresh',
  summary: 'The last good run ended 5 minutes ago.',
  isRunning: false,
  isStale: false,
  lastSucceededAt: null,
  consecutiveFailures: 0,
  lastRun: null,
  ...rest,
});
const organisation: AdminTenant = {
  id: idOf(1),
  name: 'Blue Ridge Freight',
  kind: 'fleet',
  timeZone: 'America/New_York',
  units: 'us',
  flags: { predictions: true, alerts: true },
  requireMfa: false,
  isActive: true,
  linkedTenants: [],
  createdAt: '2026-01-01T00:00:00.000Z',
  requestsPerMinute: null,
  ingestGates: 0,
  userCount: 5,
  vehicleCount: 240,
};

beforeEach(() => {
  toasts.items = [];
});

describe('the health of syncs', () => {
  it('puts first what needs somebody, and offers another try where one can help', () => {
    const all = [
      status(1),
      status(2, { condition: 'not_connected' }),
      status(3, { condition: 'stale' }),
      status(4, { condition: 'failing' }),
      status(5, { condition: 'inactive' }),
      status(6, { condition: 'failing', isRunning: true }),
    ];
    expect(byUrgency(all).map(({ tenantName }) => tenantName.at(-1))).toEqual(['4', '6', '3', '1', '2', '5']);
    expect(all.filter(mayRetry).map(({ tenantName }) => tenantName.at(-1))).toEqual(['1', '3', '4']);
  });

  it('says what was started, and why something was not', async () => {
    const trigger = vi
      .fn()
      .mockResolvedValueOnce({ started: [idOf(9)], skipped: [] })
      .mockResolvedValueOnce({ started: [], skipped: [{ tenantId: idOf(1), reason: 'A run is already on its way.' }] })
      .mockRejectedValueOnce(new ApiFailure({ code: 'UNAVAILABLE', status: 503, message: 'Not just now.' }));
    const list = vi.fn(() => Promise.resolve({ data: [status(1)], meta: { total: 1, page: 1, pageSize: 50 } }));
    const health = new SyncHealth({ list, trigger });
    for (let attempt = 0; attempt < 3; attempt += 1) await health.retry(status(1));
    expect(toasts.items.map(({ kind, message }) => [kind, message])).toEqual([
      ['success', 'The sync of Tenant 1 is on its way.'],
      ['info', 'Tenant 1: A run is already on its way.'],
      ['error', 'Not just now.'],
    ]);
    expect(health.busy.size).toBe(0);
  });
});

describe('access that was taken away', () => {
  it('is listed by reason, the most frequent first, unknown reasons as they are', () => {
    expect(reasonRows({ logout: 1 }, { logout: 3, suspended: 7 })).toEqual([
      { reason: 'suspended', day: 0, week: 7 },
      { reason: 'logout', day: 1, week: 3 },
    ]);
    expect(reasonWord('token_reused')).toContain('twice');
    // Every reason that the platform knows, and the one for none, in words of their own.
    for (const reason of [...sessions.endReason.enumValues, 'unknown']) {
      expect([reason, isKnownReason(reason)]).toEqual([reason, true]);
    }
    expect(reasonWord('something_new')).toBe('something new');
    expect(reasonWord('constructor')).toBe('constructor');
  });
});

describe('organisations', () => {
  it('are suspended with a way back, and the header hears of both', async () => {
    const heard: boolean[] = [];
    const organisations = new Organisations({
      list: () => Promise.resolve({ data: [organisation], meta: { total: 1, page: 1, pageSize: 20 } }),
      create: vi.fn(),
      update: (_id, changes) => Promise.resolve({ ...organisation, isActive: changes.isActive ?? true }),
    });
    organisations.onChange = ({ isActive }) => heard.push(isActive);
    await organisations.load({ q: '', page: 1 });
    await organisations.suspend(organisation);
    expect(organisations.page?.data[0]?.isActive).toBe(false);
    toasts.items[0]?.undo?.();
    await vi.waitFor(() => expect(organisations.page?.data[0]?.isActive).toBe(true));
    expect(heard).toEqual([false, true]);
  });

  it('need a name and a kind; an empty e-mail is none', async () => {
    const send = vi.fn(() => Promise.resolve());
    const form = newOrganisationForm(send);
    expect(await form.submit()).toBe(false);
    expect(form.errorOf('name')).toBe('Enter the name of the organisation.');
    expect(form.errorOf('kind')).toBe('Choose dealer or fleet.');
    Object.assign(form.values, { name: 'New', kind: 'dealer', adminEmail: ' ' });
    expect(await form.submit()).toBe(true);
    expect(send).toHaveBeenCalledExactlyOnceWith({
      name: 'New',
      kind: 'dealer',
      timeZone: 'America/Denver',
      units: 'us',
    });
  });

  it('lose their own limit when the field is emptied', async () => {
    const send = vi.fn(() => Promise.resolve());
    const form = operatorForm({ name: 'A', requestsPerMinute: 500 }, send);
    form.values.requestsPerMinute = '';
    expect(await form.submit()).toBe(true);
    expect(send).toHaveBeenCalledExactlyOnceWith({ name: 'A', requestsPerMinute: null });
    form.values.requestsPerMinute = 'many';
    expect(await form.submit()).toBe(false);
    expect(form.errorOf('requestsPerMinute')).toContain('whole number');
  });
});
