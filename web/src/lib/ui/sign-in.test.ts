import { fireEvent, render, screen, waitFor } from '@testing-library/svelte';
import { describe, expect, it, vi } from 'vitest';
import { ApiFailure } from '../api/failure.ts';
import { SignInForm } from '../state/sign-in-form.svelte.ts';
import SignInPanel from './SignInPanel.svelte';

const refusal = (code: ApiFailure['code'], status: number, message: string, retryAfterSeconds: number | null = null) =>
  new ApiFailure({ code, status, message, requestId: 'req-9', retryAfterSeconds });

function setUp(
  signIn: (email: string, password: string) => Promise<void>,
  rest: { ended?: boolean; isDevelopment?: boolean } = {},
) {
  const form = new SignInForm(signIn, () => Date.now());
  const signedIn = vi.fn();
  render(SignInPanel, { form, ended: rest.ended ?? false, isDevelopment: rest.isDevelopment ?? false, signedIn });
  const fill = async (email: string, password: string): Promise<void> => {
    await fireEvent.input(screen.getByLabelText('E-mail'), { target: { value: email } });
    await fireEvent.input(screen.getByLabelText('Password'), { target: { value: password } });
    await fireEvent.click(screen.getByRole('button'));
  };
  return { form, signedIn, fill };
}

describe('signing in', () => {
  it('asks for what is missing and sends nothing', async () => {
    const signIn = vi.fn();
    const { fill } = setUp(signIn);
    await fill('', '');
    expect(screen.getByRole('alert').textContent).toContain('Enter your e-mail and your password.');
    expect(signIn).not.toHaveBeenCalled();
  });

  it('says that a password is wrong, clears it, keeps the e-mail, shows no request id', async () => {
    const { fill, signedIn } = setUp(() =>
      Promise.reject(refusal('INVALID_CREDENTIALS', 401, 'That e-mail and password do not belong together.')),
    );
    await fill('a@b.example', 'wrong');
    const alert = await screen.findByRole('alert');
    expect(alert.textContent).toContain('do not belong together');
    expect(alert.textContent).not.toContain('req-9');
    expect(screen.getByLabelText<HTMLInputElement>('E-mail').value).toBe('a@b.example');
    expect(screen.getByLabelText<HTMLInputElement>('Password').value).toBe('');
    expect(signedIn).not.toHaveBeenCalled();
  });

  it('shows how long an account stays locked', async () => {
    const { fill, form } = setUp(() =>
      Promise.reject(refusal('ACCOUNT_LOCKED', 423, 'This account is locked.', 1_742)),
    );
    await fill('a@b.example', 'wrong');
    expect((await screen.findByRole('alert')).textContent).toContain('You can try again in 29 min.');
    expect(form.secondsLeft(Date.now() + 1_800_000)).toBe(0);
  });

  it('gives the request id where something is broken', async () => {
    const { fill } = setUp(() => Promise.reject(refusal('INTERNAL', 500, 'The server could not answer just now.')));
    await fill('a@b.example', 'right');
    expect((await screen.findByRole('alert')).textContent).toContain('Request req-9');
  });

  it('goes on when it worked', async () => {
    const signIn = vi.fn(() => Promise.resolve());
    const { fill, signedIn } = setUp(signIn);
    await fill('  a@b.example ', 'right');
    await waitFor(() => expect(signedIn).toHaveBeenCalledOnce());
    expect(signIn).toHaveBeenCalledWith('a@b.example', 'right');
  });

  it('explains why one is here again, and hints at the demo accounts in a local copy only', () => {
    setUp(() => Promise.resolve(), { ended: true, isDevelopment: true });
    expect(screen.getByRole('status').textContent).toContain('Your session has ended.');
    expect(screen.getByText(/demo accounts/)).toBeTruthy();
    expect(document.body.textContent).not.toMatch(/Demo-Truck/);
  });
});
