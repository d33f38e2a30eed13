import { fireEvent, render, screen, waitFor } from '@testing-library/svelte';
import { describe, expect, it, vi } from 'vitest';
import type { DealerLink } from '#contracts/dealer-links';
import { idOf } from '../../../test/builders.ts';
import { ApiFailure } from '../api/failure.ts';
import { askForm } from './forms.ts';
import LinkDialog from './LinkDialog.svelte';
import LinkList from './LinkList.svelte';
import { endedBy, viewFrom } from './sides.ts';

const dealer = { id: idOf(1), name: 'Summit Kenworth' };
const fleet = { id: idOf(2), name: 'Blue Ridge Freight' };
const link = (rest: Partial<DealerLink> = {}): DealerLink => ({
  id: idOf(3),
  dealer,
  fleet,
  status: 'active',
  requestedByTenantId: dealer.id,
  createdAt: '2026-11-01T09:00:00.000Z',
  acceptedAt: '2026-11-02T09:00:00.000Z',
  endedAt: null,
  endedByTenantId: null,
  ...rest,
});
const pending = link({ status: 'pending', acceptedAt: null });

describe('a link as its sides see it', () => {
  it('shows each the other, and asks only the one that has not asked', () => {
    expect(viewFrom(fleet.id, pending)).toMatchObject({ other: dealer, otherKind: 'dealer', isAsked: true });
    expect(viewFrom(dealer.id, pending)).toMatchObject({ other: fleet, otherKind: 'fleet', isAsked: false });
    expect(viewFrom(fleet.id, link()).isAsked).toBe(false);
  });

  it('tells who ended it', () => {
    const by = (endedByTenantId: string | null): string =>
      endedBy(viewFrom(fleet.id, link({ status: 'ended', endedByTenantId })), fleet.id);
    expect([by(fleet.id), by(dealer.id), by(null)]).toEqual(['by you', 'by Summit Kenworth', 'by the operator']);
  });

  it('can be accepted by who was asked, and taken back by who asked', () => {
    render(LinkList, { title: 'Waiting', views: [viewFrom(dealer.id, pending)], ownId: dealer.id, end: vi.fn() });
    expect(screen.getByRole('button', { name: 'Withdraw: Blue Ridge Freight' })).toBeTruthy();
    expect(screen.queryByRole('button', { name: /Accept/ })).toBeNull();
  });
});

describe('before anything is shared or lost', () => {
  const ask = (what: 'accept' | 'end', of: DealerLink, side: string) => {
    const confirm = vi.fn(() => Promise.resolve());
    const close = vi.fn();
    render(LinkDialog, { what, view: viewFrom(side, of), confirm, close });
    return { confirm, close };
  };

  it('a fleet reads what the dealer will see', async () => {
    const { confirm, close } = ask('accept', pending, fleet.id);
    const dialog = await screen.findByRole('dialog');
    expect(dialog.textContent).toContain('Summit Kenworth sees your trucks');
    expect(dialog.textContent).toContain('Your people, settings and keys stay yours alone');
    expect(confirm).not.toHaveBeenCalled();
    await fireEvent.click(screen.getByRole('button', { name: 'Accept' }));
    await waitFor(() => expect(close).toHaveBeenCalledOnce());
  });

  it('both read what ending takes away, and that there is no undo', async () => {
    ask('end', link(), dealer.id);
    const dialog = await screen.findByRole('dialog');
    expect(dialog.textContent).toContain('You no longer see the trucks of Blue Ridge Freight');
    expect(dialog.textContent).toContain('There is no undo');
  });
});

describe('asking for a link', () => {
  it('refuses what is no id, and says so when nobody has it', async () => {
    const send = vi.fn(() => Promise.reject(new ApiFailure({ code: 'NOT_FOUND', status: 404, message: 'x' })));
    const form = askForm(send);
    form.values.tenantId = 'Summit';
    expect(await form.submit()).toBe(false);
    expect(send).not.toHaveBeenCalled();
    expect(form.errorOf('tenantId')).toBe('This is no organisation id; it looks like 019b12ab-…');
    form.values.tenantId = ` ${dealer.id.toUpperCase()} `;
    expect(await form.submit()).toBe(false);
    expect(send).toHaveBeenCalledExactlyOnceWith(dealer.id);
    expect(form.message).toContain('No organisation has this id.');
  });
});
