/** A browser's walk to the real identity provider and back, by plain requests that keep cookies. */
import { env, exports } from 'cloudflare:workers';
import { and, eq } from 'drizzle-orm';
import { expect, inject } from 'vitest';
import { z } from 'zod';
import { auditLog, auditOutbox, users } from '#worker/db/schema/index';
import { createProvider } from '#worker/features/oidc/store';
import { scopeForJob } from '#worker/http/tenant-scope';
import { openVault } from '#worker/secrets/vault';
import { trailOfJob } from '#worker/audit/trail';
import { configOf } from '#worker/env';
import { newId } from '#worker/ids';
import { call, db, origin, type TestTenant } from './harness.ts';

export const identityUrl = inject('identityUrl');
export const rotatingUrl = inject('rotatingUrl');
export const impostorUrl = inject('impostorUrl');

let honest = 0;
/** An honest person of the provider whom no other test uses: `sub` and address. */
export function somebody(): { id: string; email: string } {
  const n = honest;
  honest += 1;
  return { id: `honest-${n}`, email: `honest-${n}@sso.example` };
}

/** One of the provider's handles; see simulators/identity/start.ts. */
export async function control(path: string, input: object = {}, at = identityUrl): Promise<Record<string, unknown>> {
  const answer = await fetch(`${at}/control/${path}`, { method: 'POST', body: JSON.stringify(input) });
  if (!answer.ok) throw new Error(await answer.text());
  return z.record(z.string(), z.unknown()).parse(await answer.json());
}

export interface TestProvider {
  id: string;
  clientId: string;
}

/** A provider of a tenant, registered at the real one as a client of its own. */
export async function provider(
  of: TestTenant,
  fields: Partial<Parameters<typeof createProvider>[3]> = {},
  at = identityUrl,
): Promise<TestProvider> {
  const now = new Date();
  const vault = await openVault(db, configOf(env), of.id);
  const row = await createProvider(
    scopeForJob(of.id),
    db,
    { vault, trail: trailOfJob(now), nowIso: now.toISOString() },
    {
      name: 'Directory',
      preset: 'oidc',
      issuer: at,
      clientId: 'not-registered-yet',
      clientSecret: undefined,
      allowedDomains: ['sso.example'],
      defaultRole: 'viewer',
      logoutIpAllowList: null,
      isActive: true,
      ...fields,
    },
  );
  // As if each tenant had proven them; the proof itself is tested in domains.workers.test.ts.
  await env.DB.prepare('UPDATE oidc_provider_domains SET verified_at = ? WHERE provider_id = ?')
    .bind(now.toISOString(), row.id)
    .run();
  const registered = await fetch(`${at}/reg`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      redirect_uris: [`${origin}/api/v1/auth/oidc/${row.id}/callback`],
      grant_types: ['authorization_code'],
      response_types: ['code'],
      backchannel_logout_uri: `${origin}/api/v1/auth/oidc/${row.id}/backchannel-logout`,
      backchannel_logout_session_required: true,
    }),
  });
  const client = z.object({ client_id: z.string(), client_secret: z.string() }).parse(await registered.json());
  const sealed = await vault.seal(client.client_secret, {
    table: 'oidc_providers',
    rowId: row.id,
    field: 'client_secret',
  });
  await env.DB.prepare('UPDATE oidc_providers SET client_id = ?, client_secret_sealed = ? WHERE id = ?')
    .bind(client.client_id, sealed, row.id)
    .run();
  return { id: row.id, clientId: client.client_id };
}

/** Cookies of one browser at one place. */
export class Jar {
  readonly cookies = new Map<string, string>();

  hear(headers: Headers): void {
    for (const line of headers.getSetCookie()) {
      const [pair = '', ...attributes] = line.split(';');
      const [name = '', ...value] = pair.split('=');
      const isGone = attributes.some((attribute) => /^\s*max-age=0$/i.test(attribute)) || value.join('=') === '';
      if (isGone) this.cookies.delete(name);
      else this.cookies.set(name, value.join('='));
    }
  }

  get header(): Record<string, string> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    return cookie === '' ? {} : { cookie };
  }
}

/** Calls the Worker as a browser's navigation does. */
export async function navigate(path: string, jar: Jar): Promise<Response> {
  const url = path.startsWith('http') ? path : `${origin}/api/v1${path}`;
  const answer = await exports.default.fetch(new Request(url, { headers: jar.header, redirect: 'manual' }));
  jar.hear(answer.headers);
  return answer;
}

/** Leaves for the provider; answers its address. */
export async function leave(of: TestProvider, jar: Jar, next?: string): Promise<string> {
  const query = next === undefined ? '' : `?next=${encodeURIComponent(next)}`;
  const answer = await navigate(`/auth/oidc/${of.id}/start${query}`, jar);
  if (answer.status !== 302) throw new Error(`start answered ${answer.status} ${answer.headers.get('location')}`);
  return answer.headers.get('location') ?? '';
}

/** Chooses a person at the provider (null turns back) and answers the address that the browser is sent back to. */
export async function choose(authorizationUrl: string, personId: string | null): Promise<string> {
  const jar = new Jar();
  const base = new URL(authorizationUrl).origin;
  const step = async (url: string, init: RequestInit = {}): Promise<string> => {
    const headers = { ...jar.header, ...(init.method === 'POST' ? formType : {}) };
    const answer = await fetch(new URL(url, base), { ...init, headers, redirect: 'manual' });
    jar.hear(answer.headers);
    const location = answer.headers.get('location');
    if (location === null) throw new Error(`the provider answered ${answer.status}: ${await answer.text()}`);
    return new URL(location, base).href;
  };
  const interaction = await step(authorizationUrl);
  if (interaction.startsWith(origin)) return interaction;
  const body = personId === null ? 'cancel=yes' : `person=${encodeURIComponent(personId)}`;
  const resume = await step(interaction, { method: 'POST', body });
  return step(resume);
}

const formType = { 'content-type': 'application/x-www-form-urlencoded' };

export interface Landing {
  /** `done`, or why not. */
  sso: string | null;
  next: string | null;
  location: string;
  response: Response;
  jar: Jar;
}

/** Comes back to the Worker with what the provider said. */
export async function land(callbackUrl: string, jar: Jar): Promise<Landing> {
  const response = await navigate(callbackUrl, jar);
  const location = response.headers.get('location') ?? '';
  const query = new URL(location, origin).searchParams;
  return { sso: query.get('sso'), next: query.get('next'), location, response, jar };
}

/** The whole walk of one person. */
export async function walk(of: TestProvider, personId: string | null, next?: string): Promise<Landing> {
  const jar = new Jar();
  return land(await choose(await leave(of, jar, next), personId), jar);
}

/** Who the refresh cookie of a landing belongs to: traded for an access token as the dashboard does. */
export async function signedIn({ jar }: Landing): Promise<{ accessToken: string; user: { id: string; role: string } }> {
  const answer = await call('POST', '/auth/refresh', { headers: { ...jar.header, origin }, body: {} });
  if (answer.status !== 200) throw new Error(`refresh answered ${answer.status}: ${answer.text}`);
  return (answer.body as unknown as { data: { accessToken: string; user: { id: string; role: string } } }).data;
}

/** Sends a logout token the way a provider does. */
export const announceLogout = (of: TestProvider, token: string) =>
  call('POST', `/auth/oidc/${of.id}/backchannel-logout`, {
    body: new URLSearchParams({ logout_token: token }).toString(),
    headers: formType,
  });

/** What the audit log has of an action, or is about to take over: oldest first. */
export async function entriesOf(tenantId: string, action: string) {
  const [taken, waiting] = await db.batch([
    db
      .select()
      .from(auditLog)
      .where(and(eq(auditLog.chain, tenantId), eq(auditLog.action, action)))
      .orderBy(auditLog.seq),
    db
      .select()
      .from(auditOutbox)
      .where(and(eq(auditOutbox.chain, tenantId), eq(auditOutbox.action, action)))
      .orderBy(auditOutbox.id),
  ]);
  return [...taken, ...waiting];
}

/** A person of ours with the address of one whom the provider knows. */
export async function account(of: TestTenant | null, email: string, fields: Partial<typeof users.$inferInsert> = {}) {
  const id = newId();
  const at = new Date().toISOString();
  const row = { id, tenantId: of?.id ?? null, email, name: 'Here before', role: 'technician' as const };
  await db.insert(users).values({ ...row, createdAt: at, updatedAt: at, ...fields });
  return id;
}

/** No cookie was set, and the browser was told why. */
export function expectNobodyLetIn({ jar, sso }: Landing, reason: string): void {
  expect(sso).toBe(reason);
  expect(jar.cookies.has('truckiq_refresh')).toBe(false);
}
