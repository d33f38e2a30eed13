import { fireEvent, render, screen, waitFor } from '@testing-library/svelte';
import { createRawSnippet } from 'svelte';
import { describe, expect, it, vi } from 'vitest';
import { newPasswordSchema, type InvitationPreview } from '#contracts/auth';
import { ApiFailure, type FailureCode } from '../api/failure.ts';
import { safeDestination } from './destination.ts';
import {
  forgotForm,
  invitationForm,
  passwordForm,
  resetForm,
  setupForm,
  signUpClosed,
  signUpForm,
  type InvitationForm,
} from './forms.ts';
import ForgotPanel from './ForgotPanel.svelte';
import InvitationPanel from './InvitationPanel.svelte';
import { takeToken } from './mailed-token.ts';
import { passwordRules } from './password-rules.ts';
import PasswordRules from './PasswordRules.svelte';
import ResetPanel from './ResetPanel.svelte';
import SetupPanel from './SetupPanel.svelte';
import SignUpPanel from './SignUpPanel.svelte';
import WhenOpen from './WhenOpen.svelte';

const good = 'Long-Enough-1';
const refusal = (code: FailureCode, status: number, details?: unknown) =>
  new ApiFailure({ code, status, message: `says ${code}`, requestId: 'req-1', details });
const type = (label: string, value: string) => fireEvent.input(screen.getByLabelText(label), { target: { value } });
const press = (name: string) => fireEvent.click(screen.getByRole('button', { name }));

describe('the rules of a password', () => {
  it('agree with the contract: a password passes it exactly when every rule is met', () => {
    for (const password of ['', 'a', 'abcdefgh', 'Abcdefgh', 'Abcdefg1', 'Abcdef1!', 'Password1!', 'ÄÖÜäöü1€', 'AB1! '])
      expect([password, passwordRules(password).every(({ isMet }) => isMet)]).toEqual([
        password,
        newPasswordSchema.safeParse(password).success,
      ]);
  });

  it('cover each complaint of the contract about something short and plain', () => {
    const result = newPasswordSchema.safeParse('');
    expect(result.success).toBe(false);
    expect(passwordRules('').filter(({ isMet }) => !isMet)).toHaveLength(5);
  });

  it('are ticked off while one types, and said to those who do not see the ticks', async () => {
    const { rerender } = render(PasswordRules, { password: '' });
    expect(screen.getAllByText('Not met yet:')).toHaveLength(5);
    await rerender({ password: 'abcdefgh' });
    expect(screen.getByText('At least 8 characters').textContent).toBe('Met: At least 8 characters');
    expect(screen.getByText('A digit').textContent).toBe('Not met yet: A digit');
    expect(screen.getByRole('status').textContent).toContain('3 of 5 rules not met yet.');
    await rerender({ password: good });
    expect(screen.getByRole('status').textContent).toContain('meets every rule');
  });
});

describe('a forgotten password', () => {
  it('answers the same whatever there is behind the address', async () => {
    const send = vi.fn(() => Promise.resolve());
    render(ForgotPanel, { form: forgotForm(send) });
    await type('E-mail', ' Somebody@B.example ');
    await press('Send the link');
    expect((await screen.findByRole('status')).textContent).toContain('If there is an account for Somebody@B.example');
    expect(send).toHaveBeenCalledExactlyOnceWith('somebody@b.example');
  });

  it('sends nothing for what is no address, and says so at the field', async () => {
    const send = vi.fn(() => Promise.resolve());
    render(ForgotPanel, { form: forgotForm(send) });
    await type('E-mail', 'nobody');
    await press('Send the link');
    const field = screen.getByLabelText('E-mail');
    expect(field.getAttribute('aria-invalid')).toBe('true');
    expect(document.getElementById(field.getAttribute('aria-describedby') ?? '')?.textContent).toContain(
      'name@company.com',
    );
    await waitFor(() => expect(document.activeElement).toBe(field));
    expect(send).not.toHaveBeenCalled();
  });
});

describe('a new password out of a mail', () => {
  it('goes with the token, and on', async () => {
    const send = vi.fn(() => Promise.resolve());
    const done = vi.fn();
    render(ResetPanel, { form: resetForm('pr_1', send), done });
    await type('New password', good);
    await press('Set the new password');
    await waitFor(() => expect(done).toHaveBeenCalledOnce());
    expect(send).toHaveBeenCalledExactlyOnceWith('pr_1', good);
  });

  it('does not leave the browser while a rule is broken', async () => {
    const send = vi.fn(() => Promise.resolve());
    render(ResetPanel, { form: resetForm('pr_1', send), done: vi.fn() });
    await type('New password', 'short');
    await press('Set the new password');
    expect(screen.getByText('Must have at least 8 characters.')).toBeTruthy();
    expect(send).not.toHaveBeenCalled();
  });

  it('says that a link is used up, however the API puts it', async () => {
    const issues = [{ path: 'token', message: 'This link is not valid.' }];
    for (const failure of [refusal('VALIDATION_FAILED', 400, { issues }), refusal('NOT_FOUND', 404)]) {
      const form = resetForm('pr_old', () => Promise.reject(failure));
      form.values.newPassword = good;
      expect(await form.submit()).toBe(false);
      expect(form.message).toContain('This link no longer works');
      expect(form.errorOf('newPassword')).toBeNull();
    }
  });

  it('puts what the API says of the password at the password', async () => {
    const issues = [{ path: 'newPassword', message: 'is not the old one' }];
    const form = resetForm('pr_1', () => Promise.reject(refusal('VALIDATION_FAILED', 400, { issues })));
    form.values.newPassword = good;
    await form.submit();
    expect(form.errorOf('newPassword')).toBe('Is not the old one.');
    expect(form.message).toBeNull();
  });
});

const preview: InvitationPreview = {
  email: 'jo@b.example',
  tenantName: 'Blue Ridge Freight',
  role: 'technician',
  invitedBy: 'Robin Alvarez',
  name: null,
  needsName: true,
};
const look = () => Promise.resolve(preview);
/** An invitation that has been read. */
async function showInvitation(form: InvitationForm, done: () => void = vi.fn()): Promise<void> {
  render(InvitationPanel, { form, look, done });
  await screen.findByLabelText('Your name');
}

describe('an invitation', () => {
  it('says what it leads to, and takes the name that is known already', async () => {
    const form = invitationForm('inv_1', vi.fn());
    render(InvitationPanel, {
      form,
      look: () => Promise.resolve({ ...preview, name: 'Jo Reyes', needsName: false }),
      done: vi.fn(),
    });
    for (const words of ['Blue Ridge Freight', 'Technician', 'Robin Alvarez', 'jo@b.example'])
      expect(await screen.findByText(words)).toBeTruthy();
    expect(screen.getByLabelText<HTMLInputElement>('Your name').value).toBe('Jo Reyes');
  });

  it('that is over says so at once, and asks for nothing', async () => {
    render(InvitationPanel, {
      form: invitationForm('inv_1', vi.fn()),
      look: () => Promise.reject(refusal('VALIDATION_FAILED', 400)),
      done: vi.fn(),
    });
    expect(await screen.findByText(/Ask whoever invited you for another\./)).toBeTruthy();
    expect(screen.queryByLabelText('Your name')).toBeNull();
  });

  it('that could not be read is read again', async () => {
    const answers = [() => Promise.reject(refusal('UNAVAILABLE', 503)), look];
    render(InvitationPanel, {
      form: invitationForm('inv_1', vi.fn()),
      look: () => answers.shift()?.() ?? look(),
      done: vi.fn(),
    });
    await fireEvent.click(await screen.findByRole('button', { name: 'Try again' }));
    expect(await screen.findByText('Blue Ridge Freight')).toBeTruthy();
  });

  it('needs a name and a password', async () => {
    const send = vi.fn(() => Promise.resolve());
    await showInvitation(invitationForm('inv_1', send));
    await type('Password', good);
    await press('Join');
    expect(screen.getByText('Enter your name.')).toBeTruthy();
    await type('Your name', ' Jo Reyes ');
    await press('Join');
    await waitFor(() =>
      expect(send).toHaveBeenCalledExactlyOnceWith({ token: 'inv_1', name: 'Jo Reyes', password: good }),
    );
  });

  it.each([
    ['no longer works', refusal('VALIDATION_FAILED', 400, { issues: [{ path: 'token', message: 'x' }] })],
    ['There is an account for this e-mail already.', refusal('CONFLICT', 409)],
    ['says UNAVAILABLE', refusal('UNAVAILABLE', 503)],
  ])('says why it was refused: %s', async (words, failure) => {
    await showInvitation(invitationForm('inv_1', () => Promise.reject(failure)));
    await type('Your name', 'Jo');
    await type('Password', good);
    await press('Join');
    expect((await screen.findByRole('alert')).textContent).toContain(words);
  });

  it('is sent once, however often the button is pressed', async () => {
    let finish = (): void => {};
    const send = vi.fn(() => new Promise<void>((resolve) => (finish = resolve)));
    const done = vi.fn();
    await showInvitation(invitationForm('inv_1', send), done);
    await type('Your name', 'Jo');
    await type('Password', good);
    await press('Join');
    await fireEvent.submit(screen.getByRole('button', { name: 'Joining…' }));
    finish();
    await waitFor(() => expect(done).toHaveBeenCalledOnce());
    expect(send).toHaveBeenCalledOnce();
  });
});

describe('signing up and setting up', () => {
  it('explains a closed door', async () => {
    render(SignUpPanel, { form: signUpForm(() => Promise.reject(refusal('FORBIDDEN', 403))), done: vi.fn() });
    await type('Company', 'Acme');
    await type('Your name', 'Jo');
    await type('Work e-mail', 'jo@acme.example');
    await type('Password', good);
    await press('Sign up');
    expect((await screen.findByRole('alert')).textContent).toContain('Ask your administrator for an invitation');
  });

  it('asks for the setup token and says when it is wrong', async () => {
    const send = vi.fn(() => Promise.reject(refusal('INVALID_CREDENTIALS', 401)));
    render(SetupPanel, { form: setupForm('', send), done: vi.fn() });
    await type('Your e-mail', 'op@acme.example');
    await type('Password', good);
    await press('Set up TruckIQ');
    expect(screen.getByText('Enter the setup token.')).toBeTruthy();
    expect(send).not.toHaveBeenCalled();
    await type('Setup token', 'a-token-of-twenty-characters');
    await press('Set up TruckIQ');
    expect((await screen.findByRole('alert')).textContent).toContain('not the setup token');
  });
});

describe('changing a password', () => {
  it('tells a wrong current password from a session that has ended', async () => {
    const form = passwordForm(() => Promise.reject(refusal('INVALID_CREDENTIALS', 401)));
    form.values.currentPassword = 'x';
    form.values.newPassword = good;
    await form.submit();
    expect(form.message).toBe('That is not your current password. Nothing was changed.');
  });

  it('says how long a lock lasts', async () => {
    const locked = new ApiFailure({
      code: 'ACCOUNT_LOCKED',
      status: 423,
      message: 'Locked.',
      retryAfterSeconds: 1_800,
    });
    const form = passwordForm(() => Promise.reject(locked));
    form.values.currentPassword = 'x';
    form.values.newPassword = good;
    await form.submit();
    expect(form.message).toBe('Locked. Try again in 30 min.');
  });
});

describe('a mailed token', () => {
  const place = (href: string) => ({
    location: { href },
    history: { state: { router: 1 }, replaceState: vi.fn() },
  });

  it('leaves the address at once and keeps the rest of it, and the router’s state', () => {
    const there = place('http://localhost/reset-password?a=1&token=pr_secret#x');
    expect(takeToken(there)).toBe('pr_secret');
    expect(there.history.replaceState).toHaveBeenCalledExactlyOnceWith({ router: 1 }, '', '/reset-password?a=1#x');
  });

  it('is null when it is missing or empty; an empty one is cleared away too', () => {
    const without = place('http://localhost/reset-password');
    expect(takeToken(without)).toBeNull();
    expect(without.history.replaceState).not.toHaveBeenCalled();
    const empty = place('http://localhost/reset-password?token=');
    expect(takeToken(empty)).toBeNull();
    expect(empty.history.replaceState).toHaveBeenCalledOnce();
  });
});

describe('where to go after signing in', () => {
  it.each([
    ['/vehicles?q=7&page=2', 'vehicles?q=7&page=2'],
    ['/vehicles/01931b2c-0000-7000-8000-000000000001', 'vehicles/01931b2c-0000-7000-8000-000000000001'],
    ['/settings/api-keys', 'settings/api-keys'],
    ['/profile', 'profile'],
  ])('%s is a place of ours', (wanted, destination) => {
    expect(safeDestination(wanted)).toBe(destination);
  });

  it.each([
    null,
    '',
    '/',
    '//evil.example/vehicles',
    '/\\evil.example',
    'https://evil.example/vehicles',
    'javascript:alert(1)',
    '/vehicles/../../evil',
    '/vehicles/..',
    '/sign-in?next=/vehicles',
    '/api/v1/auth/logout',
    '/vehiclesx',
    '/vehicles\n',
  ])('%j leads home', (wanted) => {
    expect(safeDestination(wanted)).toBe('');
  });
});

describe('a way in', () => {
  const children = createRawSnippet(() => ({ render: () => '<form aria-label="The form"></form>' }));
  const show = (ask: () => Promise<boolean>) => render(WhenOpen, { ask, closed: signUpClosed, children });

  it('that is closed says so before anything is filled in', async () => {
    show(() => Promise.resolve(false));
    expect((await screen.findByText(/cannot sign up here/)).textContent).toContain('Ask your administrator');
    expect(screen.queryByRole('form')).toBeNull();
  });

  it('that is open, or of which nothing is known, shows its form', async () => {
    const { unmount } = show(() => Promise.resolve(true));
    expect(await screen.findByRole('form')).toBeTruthy();
    unmount();
    show(() => Promise.reject(refusal('UNAVAILABLE', 503)));
    expect(await screen.findByRole('form')).toBeTruthy();
  });
});
