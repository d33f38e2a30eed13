/** What a test needs to stand in front of the real Worker: tenants, people, tokens, trucks, and a way to call. */
import { env, exports } from 'cloudflare:workers';
import { eq } from 'drizzle-orm';
import type { Permission, Role } from '#contracts/roles';
import { permissionsOf } from '#contracts/roles';
import { openDatabase } from '#worker/db/client';
import {
  alerts,
  apiKeys,
  apiKeySecrets,
  auditLog,
  auditOutbox,
  dealerLinks,
  faults,
  sessions,
  tenants,
  users,
  vehicles,
} from '#worker/db/schema/index';
import { hashToken, newOpaqueToken, signAccessToken } from '#worker/http/tokens';
import { newId } from '#worker/ids';

export const origin = 'http://truckiq.test';
export const db = openDatabase(env.DB);

export interface TestTenant {
  id: string;
  name: string;
}

let counter = 0;
const next = (): number => (counter += 1);

/** A tenant of its own per test: storage is shared within a file. */
export async function tenant(kind: 'dealer' | 'fleet' = 'fleet', settings = {}, called?: string): Promise<TestTenant> {
  const id = newId();
  const name = called ?? `${kind} ${next()}`;
  const at = new Date().toISOString();
  await db.insert(tenants).values({ id, name, kind, settings, createdAt: at, updatedAt: at });
  return { id, name };
}

export async function link(dealer: TestTenant, fleet: TestTenant): Promise<string> {
  const id = newId();
  const at = new Date().toISOString();
  await db.insert(dealerLinks).values({
    id,
    dealerTenantId: dealer.id,
    fleetTenantId: fleet.id,
    status: 'active',
    createdAt: at,
    acceptedAt: at,
  });
  return id;
}

export interface TestPerson {
  userId: string;
  sessionId: string;
  email: string;
  token: string;
}

/** A signed-in person; `issuedAt` in the past gives an expired token. */
export async function person(
  of: TestTenant | null,
  role: Role,
  options: { issuedAt?: Date; passwordHash?: string; name?: string } = {},
): Promise<TestPerson> {
  const userId = newId();
  const sessionId = newId();
  const now = new Date();
  const at = now.toISOString();
  const email = `person${next()}@tenant.example`;
  await db.insert(users).values({
    id: userId,
    tenantId: of?.id ?? null,
    email,
    name: options.name ?? `Person ${role}`,
    role,
    passwordHash: options.passwordHash ?? null,
    createdAt: at,
    updatedAt: at,
  });
  await db.insert(sessions).values({
    id: sessionId,
    userId,
    createdAt: at,
    lastUsedAt: at,
    expiresAt: new Date(now.getTime() + 7 * 86_400_000).toISOString(),
  });
  const token = await signAccessToken(
    env,
    { userId, sessionId, tenantId: of?.id ?? null, role, permissions: permissionsOf[role] },
    options.issuedAt ?? now,
  );
  return { userId, sessionId, email, token };
}

/** An API key as the door knows it; `key` goes where a person's token goes. */
export async function apiKey(
  of: TestTenant,
  scopes: readonly Permission[],
  options: Partial<typeof apiKeys.$inferInsert> & { expiresAt?: Date } = {},
): Promise<{ id: string; key: string }> {
  const { expiresAt = new Date(Date.now() + 90 * 86_400_000), ...fields } = options;
  const id = newId();
  const createdAt = new Date().toISOString();
  const key = newOpaqueToken('tk_live_');
  await db.insert(apiKeys).values({
    id,
    tenantId: of.id,
    name: `key ${next()}`,
    scopes: [...scopes],
    lifetimeSeconds: 90 * 86_400,
    createdBy: newId(),
    createdAt,
    ...fields,
  });
  await db.insert(apiKeySecrets).values({
    secretHash: await hashToken(key),
    apiKeyId: id,
    hint: key.slice(-4),
    createdAt,
    expiresAt: expiresAt.toISOString(),
  });
  return { id, key };
}

export async function truck(of: TestTenant, fields: Partial<typeof vehicles.$inferInsert> = {}): Promise<string> {
  const id = fields.id ?? newId();
  const at = new Date().toISOString();
  const serial = String(next()).padStart(6, '0');
  await db.insert(vehicles).values({
    id,
    tenantId: of.id,
    vin: `1XKYDP9X0RJ${serial}`,
    unitNumber: `U-${serial}`,
    make: 'Kenworth',
    model: 'T680',
    year: 2024,
    firstSeenAt: at,
    updatedAt: at,
    ...fields,
  });
  return id;
}

export async function fault(
  of: TestTenant,
  vehicleId: string,
  fields: Partial<typeof faults.$inferInsert> = {},
): Promise<string> {
  const id = newId();
  const at = new Date().toISOString();
  await db.insert(faults).values({
    id,
    tenantId: of.id,
    vehicleId,
    sourceAddress: 0,
    spn: 110,
    fmi: 0,
    description: 'Engine coolant temperature',
    system: 'cooling',
    severity: 'critical',
    isActive: true,
    isPortalActive: fields.isActive ?? true,
    firstSeenAt: at,
    lastSeenAt: at,
    occurrenceCount: 1,
    ...fields,
  });
  return id;
}

export async function alert(
  of: TestTenant,
  vehicleId: string | null,
  fields: Partial<typeof alerts.$inferInsert> = {},
): Promise<string> {
  const id = newId();
  const at = new Date().toISOString();
  await db.insert(alerts).values({
    id,
    tenantId: of.id,
    vehicleId,
    type: 'fault',
    severity: 'major',
    status: 'open',
    title: 'Coolant level low',
    message: 'Top up.',
    cause: `test:${id}`,
    occurrenceCount: 1,
    openedAt: at,
    lastSeenAt: at,
    updatedAt: at,
    ...fields,
  });
  return id;
}

export interface Answer {
  status: number;
  headers: Headers;
  // Tests look into whatever came back; the schemas have their own tests.
  body: { data: never; meta: never; error: { code: string; message: string; requestId: string; details?: never } };
  text: string;
}

/** Calls the real Worker. `body` objects are sent as JSON; strings as they are. */
export async function call(
  method: string,
  path: string,
  options: { token?: string; body?: unknown; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const headers = new Headers(options.headers);
  if (options.token !== undefined) headers.set('authorization', `Bearer ${options.token}`);
  const raw = typeof options.body === 'string';
  if (options.body !== undefined && !headers.has('content-type')) headers.set('content-type', 'application/json');
  const response = await exports.default.fetch(
    new Request(path.startsWith('/api/') || path.startsWith('/.') ? `${origin}${path}` : `${origin}/api/v1${path}`, {
      method,
      headers,
      ...(options.body === undefined ? {} : { body: raw ? (options.body as string) : JSON.stringify(options.body) }),
    }),
  );
  const text = await response.text();
  let body: unknown = null;
  try {
    body = JSON.parse(text);
  } catch {
    // Not every answer has a body.
  }
  return { status: response.status, headers: response.headers, body: body as Answer['body'], text };
}

/** Whole audit entries of a chain in their order, chained already or still waiting to be. */
export async function auditEntriesOf(chain: string): Promise<(typeof auditOutbox.$inferSelect)[]> {
  const [chained, waiting] = await db.batch([
    db.select().from(auditLog).where(eq(auditLog.chain, chain)).orderBy(auditLog.seq),
    db.select().from(auditOutbox).where(eq(auditOutbox.chain, chain)).orderBy(auditOutbox.id),
  ]);
  return [...chained, ...waiting];
}

/** A role that lacks the permission, so that a route can be tried from outside. */
export function roleWithout(permission: Permission): Role {
  const found = (Object.keys(permissionsOf) as Role[]).find((role) => !permissionsOf[role].includes(permission));
  if (found === undefined) throw new Error(`every role has ${permission}`);
  return found;
}
