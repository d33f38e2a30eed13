import { fireEvent, render, screen, waitFor } from '@testing-library/svelte';
import { createRawSnippet } from 'svelte';
import { describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { ApiFailure } from '../api/failure.ts';
import { Form, issuesOf } from '../state/form.svelte.ts';
import ConfirmDialog from './ConfirmDialog.svelte';
import Pager from './Pager.svelte';
import SecretOnce from './SecretOnce.svelte';

const refusal = (details: unknown, message = 'name: is taken') =>
  new ApiFailure({ code: 'VALIDATION_FAILED', status: 400, message, details });
const text = (words: string) => createRawSnippet(() => ({ render: () => `<span>${words}</span>` }));

describe('a form', () => {
  const make = (send: (input: { name: string; limits: { perMinute: number } }) => Promise<void>) =>
    new Form({
      values: { name: 'a', limits: { perMinute: 1 } },
      schema: z.object({ name: z.string().min(1), limits: z.object({ perMinute: z.number().int() }) }),
      send,
      words: { name: 'Enter a name.' },
    });

  it('lays what the API names at its field, nested ones at the field on screen', async () => {
    const issues = [{ path: 'limits.perMinute', message: 'must be less than 100' }];
    const form = make(() => Promise.reject(refusal({ issues })));
    expect(await form.submit()).toBe(false);
    expect(form.errorOf('limits')).toBe('Must be less than 100.');
    expect(form.errorOf('limits.perMinute')).toBe('Must be less than 100.');
    expect(form.errorOf('name')).toBeNull();
    expect(form.message).toBeNull();
  });

  it('says above the form what belongs to no field of it', async () => {
    const form = make(() => Promise.reject(refusal({ issues: [{ path: 'secret', message: 'is too old' }] })));
    await form.submit();
    expect(form.message).toBe('Is too old.');
  });

  it('keeps the sentence of a refusal that names no field, whatever shape its details have', async () => {
    for (const details of [undefined, null, 'x', { issues: 'x' }, { issues: [null, { path: 1 }] }]) {
      const form = make(() => Promise.reject(refusal(details)));
      await form.submit();
      expect(form.message).toBe('name: is taken');
      expect(issuesOf(refusal(details))).toEqual([]);
    }
  });

  it('gives the request id of what is broken only', async () => {
    const broken = new ApiFailure({ code: 'INTERNAL', status: 500, message: 'x', requestId: 'req-1' });
    const form = make(() => Promise.reject(broken));
    await form.submit();
    expect(form.requestId).toBe('req-1');
  });

  it('forgets its errors and goes back to where it began', async () => {
    const form = make(() => Promise.resolve());
    form.values.name = '';
    form.values.limits.perMinute = 7;
    expect(await form.submit()).toBe(false);
    expect(form.errorOf('name')).toBe('Enter a name.');
    form.reset();
    expect(form.errorOf('name')).toBeNull();
    expect(form.values).toEqual({ name: 'a', limits: { perMinute: 1 } });
    expect(await form.submit()).toBe(true);
  });
});

describe('a dialog that asks first', () => {
  it('does nothing when it is left', async () => {
    const [confirm, close] = [vi.fn(() => Promise.resolve()), vi.fn()];
    render(ConfirmDialog, { title: 'Revoke?', confirmWord: 'Revoke', confirm, close, children: text('It ends.') });
    await fireEvent.click(await screen.findByRole('button', { name: 'Cancel' }));
    expect(close).toHaveBeenCalledOnce();
    expect(confirm).not.toHaveBeenCalled();
  });

  it('closes when it is done, asks the server once, stays with the reason when it is refused', async () => {
    const confirm = vi
      .fn<() => Promise<void>>()
      .mockRejectedValueOnce(new ApiFailure({ code: 'CONFLICT', status: 409, message: 'Still in use.' }))
      .mockResolvedValueOnce();
    const close = vi.fn();
    render(ConfirmDialog, { title: 'Revoke?', confirmWord: 'Revoke', confirm, close, children: text('It ends.') });
    await fireEvent.click(await screen.findByRole('button', { name: 'Revoke' }));
    expect((await screen.findByRole('alert')).textContent).toContain('Still in use.');
    expect(close).not.toHaveBeenCalled();
    await fireEvent.click(screen.getByRole('button', { name: 'Revoke' }));
    await waitFor(() => expect(close).toHaveBeenCalledOnce());
  });
});

describe('a secret that is shown once', () => {
  it('shows it whole, copies it, and warns', async () => {
    const writeText = vi.fn(() => Promise.resolve());
    vi.stubGlobal('navigator', { ...navigator, clipboard: { writeText } });
    render(SecretOnce, { label: 'API key', value: 'tk_live_abc' });
    expect(screen.getByText('tk_live_abc')).toBeTruthy();
    await fireEvent.click(screen.getByRole('button', { name: 'Copy: API key' }));
    expect(writeText).toHaveBeenCalledExactlyOnceWith('tk_live_abc');
    expect(document.body.textContent).toContain('It is shown only now.');
  });
});

describe('the pager', () => {
  it('says which part is shown and leads to the next and the one before', async () => {
    const go = vi.fn();
    render(Pager, { meta: { total: 45, page: 2, pageSize: 20 }, go });
    expect(screen.getByRole('status').textContent?.trim()).toBe('21–40 of 45');
    await fireEvent.click(screen.getByRole('button', { name: 'Next' }));
    await fireEvent.click(screen.getByRole('button', { name: 'Previous' }));
    expect(go.mock.calls).toEqual([[3], [1]]);
  });

  it('stops at the ends, and is not there for what fits on one page', async () => {
    const { rerender, container } = render(Pager, { meta: { total: 45, page: 3, pageSize: 20 }, go: vi.fn() });
    expect(screen.getByRole<HTMLButtonElement>('button', { name: 'Next' }).disabled).toBe(true);
    expect(screen.getByRole('status').textContent?.trim()).toBe('41–45 of 45');
    await rerender({ meta: { total: 20, page: 1, pageSize: 20 } });
    expect(container.textContent?.trim()).toBe('');
  });
});
