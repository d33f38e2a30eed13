/** Every statement about an account, for the test that holds statements against their plans. */
import type { env } from 'cloudflare:workers';
import { Secret, TOTP } from 'otpauth';
import { trailOfJob } from '#worker/audit/trail';
import { openDatabase } from '#worker/db/client';
import { invitations } from '#worker/db/schema/index';
import { requestPasswordReset } from '#worker/features/auth/password-changes';
import { hashToken } from '#worker/http/tokens';
import { newId } from '#worker/ids';
import { account, password } from './accounts.ts';
import { mailedToken } from './mail.ts';

type Ask = (method: string, path: string, token: string, body?: unknown) => Promise<Response>;

/** Everything that becomes of an account: signing up and in, passwords, second factor, sessions. */
export async function askAboutAccount(bindings: typeof env, ask: Ask): Promise<void> {
  const db = openDatabase(bindings.DB);
  const { email, of } = await account();
  const dataOf = async (answer: Response) => (await answer.json<{ data: Record<string, string> }>()).data;
  const { accessToken = '', refreshToken } = await dataOf(await ask('POST', '/auth/login', '', { email, password }));
  await ask('POST', '/auth/refresh', '', { refreshToken });
  const { secret = '' } = await dataOf(await ask('POST', '/auth/mfa/setup', accessToken));
  const codeAt = (step: number) =>
    new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: Date.now() + step * 30_000 });
  const codes = await ask('POST', '/auth/mfa/enable', accessToken, { code: codeAt(-1) });
  const { recoveryCodes } = (await codes.json<{ data: { recoveryCodes: string[] } }>()).data;
  await ask('POST', '/auth/login', '', { email, password, totp: codeAt(0) });
  await ask('POST', '/auth/login', '', { email, password, totp: recoveryCodes[0] });
  await ask('POST', '/auth/mfa/recovery-codes', accessToken, { code: codeAt(1) });
  await ask('DELETE', '/auth/mfa', accessToken, { code: recoveryCodes[1] });
  const trail = trailOfJob(new Date());
  await requestPasswordReset(bindings, db, trail, email, new Date());
  const newPassword = `${password}2`;
  await ask('POST', '/auth/password', accessToken, { currentPassword: password, newPassword });
  await requestPasswordReset(bindings, db, trail, email, new Date());
  const token = await mailedToken(email, 'password_reset');
  await ask('POST', '/auth/password-reset/confirm', '', { token, newPassword });
  await ask('POST', '/auth/refresh', '', { refreshToken });
  const person = { name: 'New', email: 'new-person@tenant.example', password };
  await ask('POST', '/auth/sign-up', '', { ...person, company: 'New Fleet' });
  await ask('POST', '/setup', '', { token: bindings.SETUP_TOKEN, password, email: 'first@platform.example' });
  const invitation = 'inv_for-the-index-test';
  const at = new Date().toISOString();
  await db.insert(invitations).values({
    ...{ id: newId(), tenantId: of?.id ?? '', email: 'invited@tenant.example', role: 'viewer', invitedBy: newId() },
    ...{ tokenHash: await hashToken(invitation), createdAt: at, expiresAt: '2030-01-01T00:00:00.000Z' },
  });
  await ask('GET', '/auth/options', '');
  await ask('POST', '/auth/invitation-preview', '', { token: invitation });
  const accepted = await ask('POST', '/auth/accept-invitation', '', { token: invitation, name: 'I', password });
  const { accessToken: theirs = '' } = await dataOf(accepted);
  await ask('DELETE', `/auth/sessions/${newId()}`, theirs);
  await ask('POST', '/auth/logout-all', theirs);
}
