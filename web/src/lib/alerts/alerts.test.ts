import { fireEvent, render, screen, waitFor } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Alert } from '#contracts/alerts';
import { alert, idOf, liveAlert } from '../../../test/builders.ts';
import { ApiFailure } from '../api/failure.ts';
import { inboxGroups, type InboxAlert } from '../live/inbox.ts';
import { AlertActions } from '../state/alert-actions.svelte.ts';
import { toasts } from '../state/toasts.svelte.ts';
import AlertDrawer from './AlertDrawer.svelte';
import AlertList from './AlertList.svelte';

const inboxAlert = (n: number, rest: Partial<InboxAlert> = {}): InboxAlert => ({
  ...liveAlert(n),
  detail: alert(n),
  ...rest,
});

function renderList(alerts: InboxAlert[], canManage: boolean) {
  const calls = { choose: vi.fn(), open: vi.fn(), acknowledge: vi.fn(), resolve: vi.fn() };
  render(AlertList, {
    groups: inboxGroups(alerts),
    chosenId: null,
    canManage,
    unitOf: (id: string) => (id === idOf(1) ? 'BR-101' : null),
    customerOf: () => null,
    ...calls,
  });
  return calls;
}

describe('the alert list', () => {
  it('groups alerts by truck, names it and links to it', () => {
    renderList([inboxAlert(1), inboxAlert(2), inboxAlert(3, { vehicleId: null })], true);
    const link = screen.getByRole('link', { name: 'BR-101' });
    expect(link.getAttribute('href')).toBe(`/vehicles/${idOf(1)}`);
    expect(screen.getByRole('region', { name: 'Alerts of BR-101' }).textContent).toContain('2 alerts');
    expect(screen.getByRole('region', { name: 'Alerts of no truck' })).toBeTruthy();
  });

  it('gives a person who may only read no button to decide with', () => {
    renderList([inboxAlert(1)], false);
    expect(screen.queryByRole('button', { name: 'Acknowledge' })).toBeNull();
    expect(screen.queryByRole('button', { name: 'Resolve' })).toBeNull();
    expect(screen.getByRole('button', { name: /Alert 1/ })).toBeTruthy();
  });

  it('offers no second acknowledgement, and nothing on what is resolved', () => {
    renderList([inboxAlert(1, { status: 'acknowledged' })], true);
    expect(screen.queryByRole('button', { name: 'Acknowledge' })).toBeNull();
    expect(screen.getByRole('button', { name: 'Resolve' })).toBeTruthy();
  });

  it('hands over the alert that was meant', async () => {
    const calls = renderList([inboxAlert(1), inboxAlert(2, { vehicleId: idOf(2) })], true);
    const second = screen.getAllByRole('button', { name: 'Acknowledge' })[1];
    if (second === undefined) throw new Error('two alerts expected');
    await fireEvent.click(second);
    expect(calls.acknowledge).toHaveBeenCalledWith(expect.objectContaining({ title: 'Alert 2' }));
  });

  it('shows scraped text as text', () => {
    renderList([inboxAlert(1, { title: '<img src=x onerror=alert(1)>' })], false);
    expect(document.querySelector('img')).toBeNull();
    expect(screen.getByText('<img src=x onerror=alert(1)>')).toBeTruthy();
  });
});

describe('the alert drawer', () => {
  const open = (rest: Partial<InboxAlert>, canManage = true) => {
    const calls = { close: vi.fn(), acknowledge: vi.fn(), resolve: vi.fn() };
    render(AlertDrawer, {
      alert: inboxAlert(1, rest),
      unit: 'BR-101',
      canManage,
      mode: 'resolve',
      ...calls,
    });
    return calls;
  };

  it('does not resolve a critical alert without a comment, and says so', async () => {
    const calls = open({ severity: 'critical' });
    await fireEvent.click(await screen.findByRole('button', { name: 'Resolve' }));
    expect(calls.resolve).not.toHaveBeenCalled();
    expect(screen.getByText(/Say what was done/)).toBeTruthy();
    await fireEvent.input(screen.getByRole('textbox'), { target: { value: '  Replaced the thermostat ' } });
    await fireEvent.click(screen.getByRole('button', { name: 'Resolve' }));
    expect(calls.resolve).toHaveBeenCalledWith('Replaced the thermostat');
  });

  it('resolves another without one', async () => {
    const calls = open({ severity: 'major' });
    await fireEvent.click(await screen.findByRole('button', { name: 'Resolve' }));
    expect(calls.resolve).toHaveBeenCalledWith('');
  });

  it('shows no form to somebody who may only read, nor on a resolved alert', async () => {
    open({}, false);
    await screen.findByText('Message 1');
    expect(screen.queryByRole('textbox')).toBeNull();
  });
});

describe('deciding about alerts', () => {
  const one = { id: idOf(1), title: 'Coolant hot' };
  const setUp = (requests: { acknowledge?: () => Promise<Alert>; resolve?: () => Promise<Alert> } = {}) => {
    const acknowledge = vi.fn(requests.acknowledge ?? (() => Promise.resolve(alert(1, { status: 'acknowledged' }))));
    const resolve = vi.fn(requests.resolve ?? (() => Promise.resolve(alert(1, { status: 'resolved' }))));
    return { actions: new AlertActions({ acknowledge, resolve }), acknowledge, resolve };
  };

  beforeEach(() => {
    vi.useFakeTimers();
    toasts.items = [];
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('shows an acknowledgement at once and sends it after five seconds', async () => {
    const { actions, acknowledge } = setUp();
    actions.acknowledge(one, 'on it');
    expect(actions.decided.get(one.id)).toBe('acknowledged');
    await vi.advanceTimersByTimeAsync(4_900);
    expect(acknowledge).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(200);
    expect(acknowledge).toHaveBeenCalledExactlyOnceWith(one.id, 'on it');
    await vi.advanceTimersByTimeAsync(5_000);
    expect(actions.decided.size).toBe(0);
  });

  it('sends nothing after an undo', async () => {
    const { actions, acknowledge } = setUp();
    actions.acknowledge(one);
    toasts.items[0]?.undo?.();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(acknowledge).not.toHaveBeenCalled();
    expect(actions.decided.size).toBe(0);
    expect(toasts.items).toHaveLength(0);
  });

  it('acknowledges once however often it is pressed, and at once when the page is left', async () => {
    const { actions, acknowledge } = setUp();
    actions.acknowledge(one);
    actions.acknowledge(one);
    actions.flush();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(acknowledge).toHaveBeenCalledOnce();
  });

  it('takes the alert back and says why when the server refuses', async () => {
    const { actions } = setUp({
      acknowledge: () =>
        Promise.reject(new ApiFailure({ code: 'FORBIDDEN', status: 403, message: 'Your role does not allow this.' })),
    });
    actions.acknowledge(one);
    await vi.advanceTimersByTimeAsync(5_100);
    expect(actions.decided.size).toBe(0);
    expect(toasts.items.at(-1)?.message).toBe('The alert could not be acknowledged. Your role does not allow this.');
  });

  it('resolves at once; an acknowledgement still waiting is not sent any more', async () => {
    const { actions, acknowledge, resolve } = setUp();
    actions.acknowledge(one);
    expect(await actions.resolve(one, 'fixed')).toBe(true);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(resolve).toHaveBeenCalledExactlyOnceWith(one.id, 'fixed');
    expect(acknowledge).not.toHaveBeenCalled();
  });

  it('answers false when a resolution is refused', async () => {
    const { actions } = setUp({
      resolve: () =>
        Promise.reject(new ApiFailure({ code: 'VALIDATION_FAILED', status: 400, message: 'comment is required' })),
    });
    expect(await actions.resolve(one, '')).toBe(false);
    await waitFor(() => expect(toasts.items.at(-1)?.kind).toBe('error'));
  });
});
