/** One's own account: signing in and out, the mailed links, password, second factor, sessions. Each throws ApiFailure. */
import type { AuthOptions, InvitationPreview, Session, SignedInUser, SignInResult } from '#contracts/auth';
import type { OidcChoice } from '#contracts/oidc';
import { answer, answerEmpty, api } from './client.ts';
import type { Page } from './fleet.ts';

/** `totp`: a code of the authenticator, or a recovery code. */
export const signIn = async (email: string, password: string, totp?: string): Promise<SignInResult> =>
  (
    await answer(
      api.POST('/api/v1/auth/login', {
        body: { email, password, delivery: 'cookie', ...(totp === undefined ? {} : { totp }) },
      }),
    )
  ).data;

/** Ends the session on the server; the cookie goes with it. */
export const signOut = async (): Promise<void> => {
  await api.POST('/api/v1/auth/logout', {});
};

/** Who is signed in as the server sees them now: role, permissions, second factor. */
export const getMe = async (): Promise<SignedInUser> => (await answer(api.GET('/api/v1/auth/me', {}))).data;

/** The identity providers that serve the domain of an address. */
export const lookUpProviders = async (email: string): Promise<OidcChoice[]> =>
  (await answer(api.POST('/api/v1/auth/oidc/lookup', { body: { email } }))).data;

/** Mails a link when there is such an account; the answer is the same when there is none. */
export const requestPasswordReset = (email: string): Promise<void> =>
  answerEmpty(api.POST('/api/v1/auth/password-reset', { body: { email } }));

export const confirmPasswordReset = (token: string, newPassword: string): Promise<void> =>
  answerEmpty(api.POST('/api/v1/auth/password-reset/confirm', { body: { token, newPassword } }));

/** Which ways in are open to somebody without an account. */
export const getAuthOptions = async (): Promise<AuthOptions> =>
  (await answer(api.GET('/api/v1/auth/options', {}))).data;

/** What an invitation leads to; 400 when it no longer lets anybody in. */
export const previewInvitation = async (token: string): Promise<InvitationPreview> =>
  (await answer(api.POST('/api/v1/auth/invitation-preview', { body: { token } }))).data;

/** Makes the account that the invitation is for, and signs in. */
export const acceptInvitation = async (input: {
  token: string;
  name: string;
  password: string;
}): Promise<SignInResult> =>
  (await answer(api.POST('/api/v1/auth/accept-invitation', { body: { ...input, delivery: 'cookie' } }))).data;

/** Makes an organisation and its first administrator, and signs in; 403 where sign-up is closed. */
export const signUp = async (input: {
  company: string;
  name: string;
  email: string;
  password: string;
}): Promise<SignInResult> =>
  (await answer(api.POST('/api/v1/auth/sign-up', { body: { ...input, delivery: 'cookie' } }))).data;

/** Makes the first super admin of a new installation. */
export const completeSetup = (input: { token: string; email: string; password: string }): Promise<void> =>
  answerEmpty(api.POST('/api/v1/setup', { body: input }));

/** Ends every other session of this person. */
export const changePassword = (currentPassword: string, newPassword: string): Promise<void> =>
  answerEmpty(api.POST('/api/v1/auth/password', { body: { currentPassword, newPassword } }));

/** A secret as text (`secret`, base32), as a link and as a QR code. */
export interface MfaSetup {
  secret: string;
  otpauthUrl: string;
  qrSvg: string;
}

/** A new secret; nothing changes until a code of it is confirmed. */
export const startMfaSetup = async (): Promise<MfaSetup> => (await answer(api.POST('/api/v1/auth/mfa/setup', {}))).data;

/** The recovery codes, this once. */
export const enableMfa = async (code: string): Promise<string[]> =>
  (await answer(api.POST('/api/v1/auth/mfa/enable', { body: { code } }))).data.recoveryCodes;

/** New recovery codes, this once; the old ones stop working. */
export const replaceRecoveryCodes = async (code: string): Promise<string[]> =>
  (await answer(api.POST('/api/v1/auth/mfa/recovery-codes', { body: { code } }))).data.recoveryCodes;

/** Takes a code or a recovery code; ends every other session. */
export const disableMfa = (code: string): Promise<void> =>
  answerEmpty(api.DELETE('/api/v1/auth/mfa', { body: { code } }));

/** Where this person is signed in, last used first. */
export const listSessions = (): Promise<Page<Session>> =>
  answer(api.GET('/api/v1/auth/sessions', { params: { query: { pageSize: '100' } } }));

export const endSession = (id: string): Promise<void> =>
  answerEmpty(api.DELETE('/api/v1/auth/sessions/{id}', { params: { path: { id } } }));
