/**
 * Plants a canary through the real API wherever a secret is accepted or made: passwords, links, tokens, keys, seeds, codes.
 * Used inside workerd (dump of D1, R2 and objects) and against the running platform (its files).
 */
import { TOTP, Secret } from 'otpauth';
import { base32Canary, textCanary, type Canary } from './canaries.ts';

export interface PlantingAnswer {
  status: number;
  body: unknown;
}

export interface Platform {
  send(
    method: string,
    path: string,
    options: { token?: string; body?: unknown; headers?: Record<string, string> },
  ): Promise<PlantingAnswer>;
  /** The token in the link last mailed to an address with that template. */
  mailedToken(address: string, template: 'invitation' | 'password_reset'): Promise<string>;
}

export interface Planted {
  canaries: Canary[];
  tenantId: string;
  /** Stored in clear, and known to be: a dump that lacks it was not read. */
  inClear: string;
  adminToken: string;
}

const random = (): string => crypto.randomUUID().replaceAll('-', '').slice(0, 16);
/** Meets every password rule. */
const newSecret = (name: string): string => `Canary-${name}-${random()}!Aa1`;
const newSeed = (): string =>
  [...crypto.getRandomValues(new Uint8Array(32))].map((byte) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'[byte % 32]).join('');

/** Plants everything in a tenant of its own, made by the super admin whose token is given. */
export async function plantCanaries(platform: Platform, superAdminToken: string): Promise<Planted> {
  const canaries: Canary[] = [];
  const plant = (name: string, secret: string): string => {
    canaries.push(textCanary(name, secret));
    return secret;
  };
  const ask = async (
    method: string,
    path: string,
    expected: number,
    options: Parameters<Platform['send']>[2],
  ): Promise<Record<string, never>> => {
    const answer = await platform.send(method, path, options);
    if (answer.status !== expected) {
      throw new Error(`${method} ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    }
    return ((answer.body as { data?: unknown } | null)?.data ?? {}) as Record<string, never>;
  };

  // Some mail is written after the answer.
  const mailedToken: Platform['mailedToken'] = async (address, template) => {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await platform.mailedToken(address, template);
      } catch (cause) {
        if (attempt === 100) throw cause;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  };

  // A tenant, its administrator by invitation.
  const tag = random();
  const inClear = `Canary Freight ${tag}`;
  const adminEmail = `admin.${tag}@canary.example`;
  const tenant = await ask('POST', '/admin/tenants', 201, {
    token: superAdminToken,
    body: { name: inClear, kind: 'fleet', adminEmail },
  });
  const invitation = plant('invitation', await mailedToken(adminEmail, 'invitation'));
  const password = plant('password chosen on an invitation', newSecret('accepted'));
  const accepted = await platform.send('POST', '/auth/accept-invitation', {
    body: { token: invitation, name: 'Canary Admin', password },
  });
  if (accepted.status >= 300) throw new Error(`accept-invitation answered ${JSON.stringify(accepted.body)}`);
  const signedIn = await ask('POST', '/auth/login', 200, { body: { email: adminEmail, password } });
  plant('refresh token, used', signedIn['refreshToken'] ?? '');
  const refreshed = await ask('POST', '/auth/refresh', 200, { body: { refreshToken: signedIn['refreshToken'] } });
  plant('refresh token', refreshed['refreshToken'] ?? '');
  const token: string = plant('access token', refreshed['accessToken'] ?? '');

  // What outside systems are signed in to with.
  const seed = newSeed();
  canaries.push(base32Canary('TOTP seed of a portal', seed));
  await ask('PUT', '/sync/credentials/paccar', 200, {
    token,
    body: {
      ...{ baseUrl: 'https://portal.canary.example', username: 'canary', consent: true, isActive: false },
      password: plant('portal password', newSecret('portal')),
      totpSecret: seed,
    },
  });
  await ask('PUT', '/sync/credentials/samsara', 200, {
    token,
    body: { consent: true, isActive: false, apiToken: plant('API token of a source', newSecret('samsara')) },
  });
  await ask('POST', '/oidc-providers', 201, {
    token,
    headers: { 'idempotency-key': `oidc-${tag}` },
    body: {
      ...{ name: 'Canary SSO', preset: 'entra', directoryId: crypto.randomUUID(), clientId: 'canary' },
      ...{ allowedDomains: [`${tag}.canary.example`] },
      clientSecret: plant('OIDC client secret', newSecret('oidc')),
    },
  });

  // Keys for machines: shown once, replayed once, rotated.
  const makeKey = {
    token,
    headers: { 'idempotency-key': `key-${tag}` },
    body: { name: 'Canary', scopes: ['vehicles:read'] },
  };
  const key = await ask('POST', '/api-keys', 201, makeKey);
  plant('API key', key['key'] ?? '');
  const replayed = await ask('POST', '/api-keys', 201, makeKey);
  if (replayed['key'] !== key['key']) throw new Error('the replay shows another key');
  const rotated = await ask('POST', `/api-keys/${key['id']}/rotate`, 201, {
    token,
    headers: { 'idempotency-key': `rotate-${tag}` },
    body: {},
  });
  plant('API key, rotated', rotated['key'] ?? '');

  // People: entered with a password, invited, on a new password by mail.
  const email = `viewer.${tag}@canary.example`;
  const first = plant('password of a person entered', newSecret('entered'));
  await ask('POST', '/users', 201, {
    token,
    headers: { 'idempotency-key': `user-${tag}` },
    body: { email, name: 'Canary Viewer', role: 'viewer', password: first },
  });
  const invited = `invited.${tag}@canary.example`;
  await ask('POST', '/users/invitations', 201, { token, body: { email: invited, role: 'viewer' } });
  plant('invitation, open', await mailedToken(invited, 'invitation'));
  await ask('POST', '/auth/password-reset', 202, { body: { email } });
  const reset = plant('reset token, used', await mailedToken(email, 'password_reset'));
  const second = plant('password chosen by reset', newSecret('reset'));
  const confirmed = await platform.send('POST', '/auth/password-reset/confirm', {
    body: { token: reset, newPassword: second },
  });
  if (confirmed.status >= 300) throw new Error(`password-reset/confirm answered ${JSON.stringify(confirmed.body)}`);
  const viewer = await ask('POST', '/auth/login', 200, { body: { email, password: second } });
  const changed = await platform.send('POST', '/auth/password', {
    token: viewer['accessToken'] ?? '',
    body: { currentPassword: second, newPassword: plant('password changed', newSecret('changed')) },
  });
  if (changed.status >= 300) throw new Error(`auth/password answered ${JSON.stringify(changed.body)}`);
  await ask('POST', '/auth/password-reset', 202, { body: { email: adminEmail } });
  plant('reset token, open', await mailedToken(adminEmail, 'password_reset'));

  // The second factor of a person.
  const { secret = '' } = await ask('POST', '/auth/mfa/setup', 200, { token });
  canaries.push(base32Canary('TOTP seed of a person', secret));
  const code = new TOTP({ secret: Secret.fromBase32(secret) }).generate();
  const { recoveryCodes = [] as string[] } = (await ask('POST', '/auth/mfa/enable', 200, {
    token,
    body: { code },
  })) as { recoveryCodes?: string[] };
  if (recoveryCodes.length === 0) throw new Error('no recovery codes were shown');
  for (const [at, recoveryCode] of recoveryCodes.entries()) {
    plant(`recovery code ${at}`, recoveryCode);
    plant(`recovery code ${at} without dashes`, recoveryCode.replaceAll('-', ''));
  }
  await ask('POST', '/auth/login', 200, { body: { email: adminEmail, password, totp: recoveryCodes[0] } });

  const live = await ask('POST', '/live/tickets', 200, { token });
  plant('live ticket', String(live['ticket']).split('.').at(-1) ?? '');

  // What people type into the wrong field, and what is refused.
  const mistyped = `Canary-typed-${random()}`;
  canaries.push(textCanary('password typed as e-mail', mistyped), textCanary('the same', mistyped.toLowerCase()));
  await platform.send('POST', '/auth/login', { body: { email: `${mistyped}@canary.example`, password: 'x' } });
  await platform.send('POST', '/auth/login', {
    body: { email, password: plant('wrong password', newSecret('wrong')) },
  });
  await platform.send('POST', '/users', {
    token,
    headers: { 'idempotency-key': `refused-${tag}` },
    body: { name: 'No address', password: plant('password in a refused body', newSecret('refused')) },
  });
  await platform.send('PUT', '/sync/credentials/paccar', {
    token,
    body: { password: plant('portal password without consent', newSecret('no-consent')) },
  });
  await platform.send('GET', '/vehicles', { token: plant('a token of nobody', `tk_live_${random()}${random()}`) });
  return { canaries, tenantId: tenant['id'] ?? '', inClear, adminToken: token };
}
