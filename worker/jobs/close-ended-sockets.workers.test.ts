import { env } from 'cloudflare:workers';
import { eq } from 'drizzle-orm';
import { describe, expect, test } from 'vitest';
import { apiKey, db, person, tenant, type TestPerson } from '#test/workers/harness';
import { connect } from '#test/workers/live-socket';
import { openStream, streamTicket } from '#test/workers/stream-socket';
import { trailOfJob } from '#worker/audit/trail';
import { apiKeys, apiKeySecrets, sessions } from '#worker/db/schema/index';
import { updateTenant } from '#worker/features/tenant/change';
import { getTenantRow } from '#worker/features/tenant/store';
import { updatePerson } from '#worker/features/users/change';
import { getPerson } from '#worker/features/users/store';
import { scopeForJob } from '#worker/http/tenant-scope';
import { closeEndedSockets } from './close-ended-sockets.ts';

const isOpen = ({ socket }: { socket: WebSocket }) => socket.readyState === WebSocket.READY_STATE_OPEN;
const minutesAfter = (now: Date, minutes: number) => new Date(now.getTime() + minutes * 60_000);
const change = (sessionId: string, fields: Partial<typeof sessions.$inferInsert>) =>
  db.update(sessions).set(fields).where(eq(sessions.id, sessionId));

/** Changes a role as it is when the room did not hear of it: in D1 alone. */
async function demoteUnheard(homeId: string, { userId }: TestPerson, now: Date): Promise<void> {
  const scope = scopeForJob(homeId);
  const row = await getPerson(scope, db, userId);
  if (row === null) throw new Error('nobody to demote');
  const input = { name: row.name, role: 'viewer' } as const;
  const result = await updatePerson(scope, db, trailOfJob(now), row, input, { now, unchangedSince: null });
  expect(result.kind).toBe('changed');
}

describe('what its room did not hear of', () => {
  test('the end of a session: its socket is closed by the sweep, and others stay', async () => {
    const fleet = await tenant();
    const [ends, stays, operator] = [
      await person(fleet, 'viewer'),
      await person(fleet, 'viewer'),
      await person(null, 'super_admin'),
    ];
    const [ending, staying] = [await connect(ends.token), await connect(stays.token)];
    const operators = await connect(operator.token, `?tenantId=${fleet.id}`);
    const now = new Date();
    const before = await closeEndedSockets(env, now);
    for (const { sessionId } of [ends, operator]) {
      await change(sessionId, { endedAt: now.toISOString(), endReason: 'suspended' });
    }
    const both = { ...before, sessions: before.sessions + 2 };
    expect(await closeEndedSockets(env, minutesAfter(now, 1))).toEqual(both);
    expect([await ending.closed, await operators.closed]).toEqual([4410, 4410]);
    expect(isOpen(staying)).toBe(true);
    // Again and again: what is closed is closed.
    expect(await closeEndedSockets(env, minutesAfter(now, 2))).toEqual(both);
    expect(await closeEndedSockets(env, minutesAfter(now, 16))).toEqual({ sessions: 0, people: 0, keys: 0 });
    staying.socket.close();
  });

  test('a session that ran out', async () => {
    const fleet = await tenant();
    const [ends, stays] = [await person(fleet, 'viewer'), await person(fleet, 'viewer')];
    const [ending, staying] = [await connect(ends.token), await connect(stays.token)];
    await change(ends.sessionId, { expiresAt: new Date().toISOString() });
    await closeEndedSockets(env, minutesAfter(new Date(), 1));
    expect(await ending.closed).toBe(4410);
    expect(isOpen(staying)).toBe(true);
    staying.socket.close();
  });

  test('a changed role: what was opened with the old one is closed, and what was opened since stays', async () => {
    const fleet = await tenant();
    const [them, other] = [await person(fleet, 'dispatcher'), await person(fleet, 'dispatcher')];
    const [old, others] = [await connect(them.token), await connect(other.token)];
    const now = new Date();
    await demoteUnheard(fleet.id, them, now);
    const fresh = await connect(them.token);
    expect((await closeEndedSockets(env, minutesAfter(now, 1))).people).toBe(1);
    expect(await old.closed).toBe(4410);
    await closeEndedSockets(env, minutesAfter(now, 6));
    expect([isOpen(fresh), isOpen(others)]).toEqual([true, true]);
    for (const { socket } of [fresh, others]) socket.close();
  });

  test('a key revoked, or given a new secret: its streams are closed, and what was opened since stays', async () => {
    const fleet = await tenant();
    const [revoked, rotated, other] = [
      await apiKey(fleet, ['telemetry:write']),
      await apiKey(fleet, ['telemetry:write']),
      await apiKey(fleet, ['telemetry:write']),
    ];
    const open = async ({ key }: { key: string }) => openStream(await streamTicket(key));
    const now = new Date();
    // Keys that are older than what the sweep looks at.
    await db.update(apiKeySecrets).set({ createdAt: minutesAfter(now, -60).toISOString() });
    const [first, second, others] = [await open(revoked), await open(rotated), await open(other)];
    expect(await closeEndedSockets(env, now)).toMatchObject({ keys: 0 });
    await db.update(apiKeys).set({ revokedAt: now.toISOString() }).where(eq(apiKeys.id, revoked.id));
    const [secret] = await db.select().from(apiKeySecrets).where(eq(apiKeySecrets.apiKeyId, rotated.id));
    if (secret === undefined) throw new Error('no secret');
    await db.insert(apiKeySecrets).values({ ...secret, secretHash: 'x', createdAt: now.toISOString() });
    const fresh = await open(rotated);
    expect(await closeEndedSockets(env, minutesAfter(now, 1))).toMatchObject({ keys: 2 });
    expect([await first.closed, await second.closed]).toEqual([4410, 4410]);
    await closeEndedSockets(env, minutesAfter(now, 6));
    expect([isOpen(fresh), isOpen(others)]).toEqual([true, true]);
    for (const { socket } of [fresh, others]) socket.close();
  });

  test('a second factor that became a duty: only people without one, who came with a password', async () => {
    const fleet = await tenant();
    const [them, single, gone] = [
      await person(fleet, 'viewer'),
      await person(fleet, 'viewer'),
      await person(fleet, 'viewer'),
    ];
    await change(single.sessionId, { method: 'oidc' });
    await change(gone.sessionId, { expiresAt: '2026-01-01T00:00:00.000Z' });
    const [theirs, singles] = [await connect(them.token), await connect(single.token)];
    const scope = scopeForJob(fleet.id);
    const known = await getTenantRow(scope, db);
    if (known === null) throw new Error('no tenant');
    const now = new Date();
    const options = { now, unchangedSince: null };
    const changed = await updateTenant(scope, db, trailOfJob(now), known, { requireMfa: true }, options);
    expect(changed?.lackingFactor).toEqual([them.userId]);
    await closeEndedSockets(env, minutesAfter(now, 1));
    expect(await theirs.closed).toBe(4410);
    expect(isOpen(singles)).toBe(true);
    singles.socket.close();
  });
});
