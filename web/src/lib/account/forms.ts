/** The forms that stand before the app: the mailed links, sign-up, first setup. What they send is handed in. */
import {
  acceptInvitationInputSchema,
  changePasswordInputSchema,
  confirmPasswordResetInputSchema,
  passwordResetInputSchema,
  setupInputSchema,
  signUpInputSchema,
} from '#contracts/auth';
import type { ApiFailure } from '../api/failure.ts';
import { Form } from '../state/form.svelte.ts';

const emailWords = 'Enter an e-mail address, such as name@company.com.';
const nameWords = 'Enter your name.';

/** The API's refusals of a token that is wrong, used, replaced or too old, whichever code it answers with. */
const isTokenRefusal = ({ code }: ApiFailure): boolean =>
  [
    'UNAUTHENTICATED',
    'INVALID_CREDENTIALS',
    'TOKEN_EXPIRED',
    'TOKEN_REVOKED',
    'TOKEN_REUSED',
    'NOT_FOUND',
    'FORBIDDEN',
    'VALIDATION_FAILED',
  ].includes(code);

export type ForgotForm = ReturnType<typeof forgotForm>;
export const forgotForm = (send: (email: string) => Promise<void>) =>
  new Form({
    values: { email: '' },
    schema: passwordResetInputSchema,
    send: ({ email }) => send(email),
    words: { email: emailWords },
  });

export type ResetForm = ReturnType<typeof resetForm>;
export const resetForm = (token: string, send: (token: string, newPassword: string) => Promise<void>) =>
  new Form({
    values: { newPassword: '' },
    schema: confirmPasswordResetInputSchema,
    toInput: (values) => ({ ...values, token }),
    send: (input) => send(input.token, input.newPassword),
    explain: (failure) =>
      isTokenRefusal(failure)
        ? 'This link no longer works: it is used up, too old, or a newer one was sent. Ask for another.'
        : null,
  });

export const invitationOver =
  'This invitation no longer works: it has been used or withdrawn, or is too old. Ask whoever invited you for another.';

export type InvitationForm = ReturnType<typeof invitationForm>;
export const invitationForm = (
  token: string,
  send: (input: { token: string; name: string; password: string }) => Promise<void>,
) =>
  new Form({
    values: { name: '', password: '' },
    schema: acceptInvitationInputSchema.pick({ token: true, name: true, password: true }),
    toInput: (values) => ({ ...values, token }),
    send,
    words: { name: nameWords },
    explain: (failure) => {
      if (failure.code === 'CONFLICT') return 'There is an account for this e-mail already. Sign in with it.';
      return isTokenRefusal(failure) ? invitationOver : null;
    },
  });

export const signUpClosed =
  'New organisations cannot sign up here by themselves. Ask your administrator for an invitation, or whoever operates TruckIQ to set your organisation up.';
export const setupClosed =
  'There is nothing to set up: the operator’s account has been made already, or the secret SETUP_TOKEN is not set.';

export type SignUpForm = ReturnType<typeof signUpForm>;
export const signUpForm = (
  send: (input: { company: string; name: string; email: string; password: string }) => Promise<void>,
) =>
  new Form({
    values: { company: '', name: '', email: '', password: '' },
    schema: signUpInputSchema.pick({ company: true, name: true, email: true, password: true }),
    send,
    words: { company: 'Enter the name of your company.', name: nameWords, email: emailWords },
    explain: (failure) => {
      if (failure.code === 'CONFLICT') return 'There is an account for this e-mail already. Sign in with it.';
      return failure.code === 'FORBIDDEN' ? signUpClosed : null;
    },
  });

export type SetupForm = ReturnType<typeof setupForm>;
export const setupForm = (
  token: string,
  send: (input: { token: string; email: string; password: string }) => Promise<void>,
) =>
  new Form({
    values: { token, email: '', password: '' },
    schema: setupInputSchema,
    send,
    words: { token: 'Enter the setup token.', email: emailWords },
    explain: (failure) => {
      if (failure.code === 'INVALID_CREDENTIALS') return 'That is not the setup token of this installation.';
      return failure.code === 'FORBIDDEN'
        ? 'Setup is closed: this installation has no setup token. The operator sets the secret SETUP_TOKEN to open it.'
        : null;
    },
  });

export type PasswordForm = ReturnType<typeof passwordForm>;
export const passwordForm = (send: (currentPassword: string, newPassword: string) => Promise<void>) =>
  new Form({
    values: { currentPassword: '', newPassword: '' },
    schema: changePasswordInputSchema,
    send: ({ currentPassword, newPassword }) => send(currentPassword, newPassword),
    words: { currentPassword: 'Enter your current password.' },
    explain: (failure) =>
      failure.code === 'INVALID_CREDENTIALS' ? 'That is not your current password. Nothing was changed.' : null,
  });
