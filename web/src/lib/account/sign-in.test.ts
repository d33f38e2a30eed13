import { fireEvent, render, screen, waitFor } from '@testing-library/svelte';
import { describe, expect, it, vi } from 'vitest';
import type { OidcChoice } from '#contracts/oidc';
import { ApiFailure } from '../api/failure.ts';
import { SignInForm, type SignInRequests } from '../state/sign-in-form.svelte.ts';
import SignInPanel from './SignInPanel.svelte';
import { ssoSentence } from './sso.ts';

const refusal = (
  code: ApiFailure['code'],
  status: number,
  message: string = code,
  retryAfterSeconds: number | null = null,
) => new ApiFailure({ code, status, message, requestId: 'req-9', retryAfterSeconds });
const provider = (name: string): OidcChoice => ({
  id: name,
  name,
  preset: 'oidc',
  startUrl: `http://localhost/api/v1/auth/oidc/${name}/start`,
});

function setUp(
  requests: Partial<SignInRequests>,
  rest: { notice?: { tone: 'info'; text: string }; isDevelopment?: boolean } = {},
) {
  const lookUpProviders = requests.lookUpProviders ?? vi.fn(() => Promise.resolve([]));
  const form = new SignInForm({ signIn: requests.signIn ?? vi.fn(), lookUpProviders }, () => Date.now());
  const signedIn = vi.fn();
  const leaveFor = vi.fn();
  render(SignInPanel, {
    form,
    notice: rest.notice ?? null,
    isDevelopment: rest.isDevelopment ?? false,
    signedIn,
    leaveFor,
  });
  const type = (label: string, value: string): Promise<boolean> =>
    fireEvent.input(screen.getByLabelText(label), { target: { value } });
  const press = (name: string): Promise<boolean> => fireEvent.click(screen.getByRole('button', { name }));
  const fill = async (email: string, password: string): Promise<void> => {
    await type('E-mail', email);
    await type('Password', password);
    await press('Sign in');
  };
  return { form, signedIn, leaveFor, lookUpProviders, fill, type, press };
}

describe('signing in', () => {
  it('asks for what is missing and sends nothing', async () => {
    const signIn = vi.fn();
    const { fill } = setUp({ signIn });
    await fill('', '');
    expect(screen.getByRole('alert').textContent).toContain('Enter your e-mail and your password.');
    expect(signIn).not.toHaveBeenCalled();
    await waitFor(() => expect(document.activeElement).toBe(screen.getByLabelText('E-mail')));
    await fill('a@b.example', '');
    await waitFor(() => expect(document.activeElement).toBe(screen.getByLabelText('Password')));
  });

  it('says that a password is wrong, clears it, keeps the e-mail, shows no request id', async () => {
    const { fill, signedIn } = setUp({
      signIn: () =>
        Promise.reject(refusal('INVALID_CREDENTIALS', 401, 'That e-mail and password do not belong together.')),
    });
    await fill('a@b.example', 'wrong');
    const alert = await screen.findByRole('alert');
    expect(alert.textContent).toContain('do not belong together');
    expect(alert.textContent).not.toContain('req-9');
    expect(screen.getByLabelText<HTMLInputElement>('E-mail').value).toBe('a@b.example');
    expect(screen.getByLabelText<HTMLInputElement>('Password').value).toBe('');
    expect(signedIn).not.toHaveBeenCalled();
  });

  it('shows how long an account stays locked', async () => {
    const { fill, form } = setUp({
      signIn: () => Promise.reject(refusal('ACCOUNT_LOCKED', 423, 'This account is locked.', 1_742)),
    });
    await fill('a@b.example', 'wrong');
    expect((await screen.findByRole('alert')).textContent).toContain('You can try again in 29 min.');
    expect(form.secondsLeft(Date.now() + 1_800_000)).toBe(0);
  });

  it('gives the request id where something is broken', async () => {
    const { fill } = setUp({ signIn: () => Promise.reject(refusal('INTERNAL', 500)) });
    await fill('a@b.example', 'right');
    expect((await screen.findByRole('alert')).textContent).toContain('Request req-9');
  });

  it('goes on when it worked', async () => {
    const signIn = vi.fn(() => Promise.resolve());
    const { fill, signedIn } = setUp({ signIn });
    await fill('  a@b.example ', 'right');
    await waitFor(() => expect(signedIn).toHaveBeenCalledOnce());
    expect(signIn).toHaveBeenCalledExactlyOnceWith('a@b.example', 'right');
  });

  it('explains why one is here again, and hints at the demo accounts in a local copy only', () => {
    setUp({}, { notice: { tone: 'info', text: 'Your session has ended.' }, isDevelopment: true });
    expect(screen.getByRole('status').textContent).toContain('Your session has ended.');
    expect(screen.getByText(/demo accounts/)).toBeTruthy();
    expect(document.body.textContent).not.toMatch(/Demo-Truck/);
  });

  it('shows a typed password only while it is asked to', async () => {
    const { press } = setUp({});
    const field = screen.getByLabelText<HTMLInputElement>('Password');
    expect(field.type).toBe('password');
    await press('Show what is typed');
    expect(field.type).toBe('text');
    await press('Hide what is typed');
    expect(field.type).toBe('password');
  });
});

describe('the second step', () => {
  /** An account whose second factor takes "123456" and the recovery code "aaaa-bbbb". */
  const withCode = () =>
    vi.fn((_email: string, _password: string, totp?: string) => {
      if (totp === undefined) return Promise.reject(refusal('MFA_REQUIRED', 401));
      return totp === '123456' || totp === 'aaaa-bbbb'
        ? Promise.resolve()
        : Promise.reject(refusal('MFA_INVALID', 401));
    });

  it('asks for the code once the password was right, ready for a phone to fill in', async () => {
    const { fill, signedIn } = setUp({ signIn: withCode() });
    await fill('a@b.example', 'right');
    const field = await screen.findByLabelText('Six-digit code');
    expect(field.getAttribute('autocomplete')).toBe('one-time-code');
    expect(field.getAttribute('inputmode')).toBe('numeric');
    expect(document.activeElement).toBe(field);
    expect(screen.queryByRole('alert')).toBeNull();
    expect(screen.queryByLabelText('Password')).toBeNull();
    expect(signedIn).not.toHaveBeenCalled();
  });

  it('sends the code by itself when the sixth digit is there, not before, and takes a pasted gap', async () => {
    const signIn = withCode();
    const { fill, type, signedIn } = setUp({ signIn });
    await fill('a@b.example', 'right');
    await screen.findByLabelText('Six-digit code');
    await type('Six-digit code', '12345');
    expect(signIn).toHaveBeenCalledTimes(1);
    await type('Six-digit code', '123 456');
    await waitFor(() => expect(signedIn).toHaveBeenCalledOnce());
    expect(signIn).toHaveBeenLastCalledWith('a@b.example', 'right', '123456');
  });

  it('says that a code is wrong, clears it and stays', async () => {
    const { fill, type, signedIn } = setUp({ signIn: withCode() });
    await fill('a@b.example', 'right');
    await screen.findByLabelText('Six-digit code');
    await type('Six-digit code', '000000');
    expect((await screen.findByRole('alert')).textContent).toContain('That code is not right.');
    expect(screen.getByLabelText<HTMLInputElement>('Six-digit code').value).toBe('');
    expect(signedIn).not.toHaveBeenCalled();
  });

  it('takes a recovery code instead, and sends that only when asked', async () => {
    const signIn = withCode();
    const { fill, type, press, signedIn } = setUp({ signIn });
    await fill('a@b.example', 'right');
    await screen.findByLabelText('Six-digit code');
    await press('Use a recovery code');
    await type('Recovery code', '123456');
    expect(signIn).toHaveBeenCalledTimes(1);
    await type('Recovery code', ' aaaa-bbbb ');
    await press('Continue');
    await waitFor(() => expect(signedIn).toHaveBeenCalledOnce());
    expect(signIn).toHaveBeenLastCalledWith('a@b.example', 'right', 'aaaa-bbbb');
  });

  it('asks for a code that was left out', async () => {
    const signIn = withCode();
    const { fill, press } = setUp({ signIn });
    await fill('a@b.example', 'right');
    await screen.findByLabelText('Six-digit code');
    await press('Continue');
    expect(screen.getByRole('alert').textContent).toContain('Enter the code from your app.');
    expect(signIn).toHaveBeenCalledTimes(1);
  });

  it('goes back to the password, and forgets it, when wrong codes have locked the account', async () => {
    const signIn = vi
      .fn<SignInRequests['signIn']>()
      .mockRejectedValueOnce(refusal('MFA_REQUIRED', 401))
      .mockRejectedValueOnce(refusal('ACCOUNT_LOCKED', 423, 'This account is locked.', 1_800));
    const { fill, type } = setUp({ signIn });
    await fill('a@b.example', 'right');
    await screen.findByLabelText('Six-digit code');
    await type('Six-digit code', '000000');
    expect((await screen.findByLabelText<HTMLInputElement>('Password')).value).toBe('');
    expect(screen.getByRole('alert').textContent).toContain('You can try again in 30 min.');
  });

  it('lets somebody else sign in from there', async () => {
    const { fill, press, form } = setUp({ signIn: withCode() });
    await fill('a@b.example', 'right');
    await screen.findByLabelText('Six-digit code');
    await press('Another account');
    expect(screen.getByLabelText<HTMLInputElement>('E-mail').value).toBe('a@b.example');
    expect(form.password).toBe('');
  });
});

describe('single sign-on', () => {
  it('names the provider of the address once it is typed, and asks once for each domain', async () => {
    const lookUpProviders = vi.fn(() => Promise.resolve([provider('Acme Entra')]));
    const { type, press, leaveFor } = setUp({ lookUpProviders });
    await type('E-mail', 'a@acme.example');
    await fireEvent.blur(screen.getByLabelText('E-mail'));
    await screen.findByRole('button', { name: 'Continue with Acme Entra' });
    await type('E-mail', 'b@acme.example');
    await fireEvent.blur(screen.getByLabelText('E-mail'));
    expect(lookUpProviders).toHaveBeenCalledOnce();
    await press('Continue with Acme Entra');
    expect(leaveFor).toHaveBeenCalledWith(provider('Acme Entra').startUrl);
  });

  it('forgets the provider when the domain changes', async () => {
    const lookUpProviders = vi.fn((email: string) =>
      Promise.resolve(email.endsWith('acme.example') ? [provider('Acme')] : []),
    );
    const { type } = setUp({ lookUpProviders });
    await type('E-mail', 'a@acme.example');
    await fireEvent.blur(screen.getByLabelText('E-mail'));
    await screen.findByRole('button', { name: 'Continue with Acme' });
    await type('E-mail', 'a@other.example');
    await fireEvent.blur(screen.getByLabelText('E-mail'));
    await screen.findByRole('button', { name: 'Continue with single sign-on' });
  });

  it('goes straight on when asked for with one provider, and lets one choose among several', async () => {
    const one = setUp({ lookUpProviders: () => Promise.resolve([provider('Acme')]) });
    await one.type('E-mail', 'a@acme.example');
    await one.press('Continue with single sign-on');
    await waitFor(() => expect(one.leaveFor).toHaveBeenCalledWith(provider('Acme').startUrl));
    document.body.replaceChildren();
    const two = setUp({ lookUpProviders: () => Promise.resolve([provider('East'), provider('West')]) });
    await two.type('E-mail', 'a@acme.example');
    await two.press('Continue with single sign-on');
    await screen.findByRole('button', { name: 'Continue with West' });
    expect(two.leaveFor).not.toHaveBeenCalled();
  });

  it('loses no click to the lookup that leaving the e-mail field began', async () => {
    let answer = (_found: OidcChoice[]): void => {};
    const lookUpProviders = vi.fn(() => new Promise<OidcChoice[]>((resolve) => (answer = resolve)));
    const { type, leaveFor } = setUp({ lookUpProviders });
    await type('E-mail', 'a@acme.example');
    const pressed = screen.getByRole<HTMLButtonElement>('button', { name: 'Continue with single sign-on' });
    await fireEvent.blur(screen.getByLabelText('E-mail'));
    expect(pressed.disabled).toBe(false);
    await fireEvent.click(pressed);
    answer([provider('Acme')]);
    await waitFor(() => expect(leaveFor).toHaveBeenCalledExactlyOnceWith(provider('Acme').startUrl));
    expect(screen.getByRole('button', { name: 'Continue with Acme' })).toBe(pressed);
    expect(lookUpProviders).toHaveBeenCalledOnce();
  });

  it('says what is missing: an address, or a provider for it', async () => {
    const { type, press, leaveFor } = setUp({});
    await press('Continue with single sign-on');
    expect(screen.getByRole('alert').textContent).toContain('Enter your work e-mail first');
    await type('E-mail', 'a@none.example');
    await press('Continue with single sign-on');
    await waitFor(() => expect(screen.getByRole('alert').textContent).toContain('No single sign-on is set up'));
    expect(leaveFor).not.toHaveBeenCalled();
  });

  it('offers the provider to whoever sends an address alone', async () => {
    const { fill } = setUp({ lookUpProviders: () => Promise.resolve([provider('Acme')]) });
    await fill('a@acme.example', '');
    await waitFor(() => expect(screen.getByRole('alert').textContent).toContain('or continue with Acme'));
  });

  it('leaves the password way open when the lookup fails, and asks again next time', async () => {
    const lookUpProviders = vi
      .fn<SignInRequests['lookUpProviders']>()
      .mockRejectedValueOnce(refusal('RATE_LIMITED', 429))
      .mockResolvedValueOnce([provider('Acme')]);
    const { type } = setUp({ lookUpProviders });
    await type('E-mail', 'a@acme.example');
    await fireEvent.blur(screen.getByLabelText('E-mail'));
    await waitFor(() => expect(lookUpProviders).toHaveBeenCalledOnce());
    expect(screen.queryByRole('alert')).toBeNull();
    await fireEvent.blur(screen.getByLabelText('E-mail'));
    await screen.findByRole('button', { name: 'Continue with Acme' });
  });

  it('has a sentence for every reason, and one for those it does not know', () => {
    expect(ssoSentence('cancelled')).toContain('turned back');
    expect(ssoSentence('<script>')).toBe('Single sign-on did not work. Try again, or use your password.');
  });
});
