/** A dump of D1, R2 and every Durable Object after secrets went in everywhere: none of them is in it. */
import { listDurableObjectIds, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect, test } from 'vitest';
import { base32Canary, bytesCanary, canariesIn, textCanary, utf8Bytes, type Canary } from '#test/canaries/canaries';
import { plantCanaries } from '#test/canaries/planted';
import { idempotencyKeys, signingKeys, tenantKeys } from '#worker/db/schema/index';
import { fromBase64, fromBase64Url } from '#worker/encoding';
import { configOf } from '#worker/env';
import { getCredentials, keepSession } from '#worker/features/sync/credentials-store';
import { scopeForJob } from '#worker/http/tenant-scope';
import { rotateKeys } from '#worker/jobs/rotate-keys';
import { openMasterKeys, unwrapDataKey } from '#worker/secrets/master-keys';
import { placeIn, sealedColumns } from '#worker/secrets/sealed-columns';
import { openVault, platformOwner } from '#worker/secrets/vault';
import { account } from './accounts.ts';
import { call, db } from './harness.ts';
import { mailedToken } from './mail.ts';

const internal = /^(sqlite|_cf)/;
const cell = (value: unknown): string =>
  value instanceof ArrayBuffer
    ? String.fromCharCode(...new Uint8Array(value))
    : Array.isArray(value)
      ? String.fromCharCode(...(value as number[]))
      : utf8Bytes(String(value));
const rowsAsText = (rows: readonly object[]): string =>
  rows.map((row) => Object.values(row).map(cell).join('\n')).join('\n');

async function dumpOfD1(): Promise<Map<string, string>> {
  const { results } = await env.DB.prepare(`SELECT name, sql FROM sqlite_master WHERE type = 'table'`).all<{
    name: string;
  }>();
  const dump = new Map<string, string>();
  for (const { name } of results.filter((table) => !internal.test(table.name))) {
    dump.set(`D1 ${name}`, rowsAsText((await env.DB.prepare(`SELECT * FROM "${name}"`).all()).results));
  }
  return dump;
}

async function dumpOfObjects(): Promise<Map<string, string>> {
  const dump = new Map<string, string>();
  for (const [name, namespace] of Object.entries(env)) {
    if ((namespace as object).constructor.name !== 'DurableObjectNamespace') continue;
    for (const id of await listDurableObjectIds(namespace as DurableObjectNamespace)) {
      const text = await runInDurableObject((namespace as DurableObjectNamespace).get(id), async (_object, state) => {
        const { sql } = state.storage;
        const tables = sql.exec<{ name: string }>(`SELECT name FROM sqlite_master WHERE type = 'table'`).toArray();
        const rows = tables
          .filter((table) => !internal.test(table.name))
          .map((table) => rowsAsText(sql.exec(`SELECT * FROM "${table.name}"`).toArray()));
        return [...rows, utf8Bytes(JSON.stringify([...(await state.storage.list())]))].join('\n');
      });
      dump.set(`${name} ${id.toString()}`, text);
    }
  }
  return dump;
}

async function dumpOfR2(): Promise<Map<string, string>> {
  const dump = new Map<string, string>();
  for (const { key } of (await env.ARTIFACTS.list()).objects) {
    const bytes = new Uint8Array((await (await env.ARTIFACTS.get(key))?.arrayBuffer()) ?? new ArrayBuffer(0));
    dump.set(`R2 ${key}`, utf8Bytes(key) + [...bytes].map((byte) => String.fromCharCode(byte)).join(''));
  }
  return dump;
}

/** The keys themselves: raw data keys, the private halves that sign, the Worker's own secrets. */
async function keyCanaries(): Promise<Canary[]> {
  const masters = await openMasterKeys(configOf(env));
  const canaries = [
    ...(['MASTER_KEY', 'AUDIT_KEY'] as const).flatMap((name) => [
      textCanary(name, env[name]),
      bytesCanary(`${name} in bytes`, fromBase64(env[name])),
    ]),
  ];
  for (const row of await db.select().from(tenantKeys)) {
    canaries.push(bytesCanary(`data key ${row.tenantId}/${row.version}`, await unwrapDataKey(masters, row)));
  }
  const vault = await openVault(db, configOf(env), platformOwner);
  const column = sealedColumns.find(({ table }) => table === 'signing_keys');
  if (column === undefined) throw new Error('signing keys are not registered');
  for (const { kid, privateSealed } of await db.select().from(signingKeys)) {
    const { d } = JSON.parse(await vault.open(privateSealed, placeIn(column, kid))) as { d: string };
    canaries.push(textCanary(`private half of ${kid}`, d), bytesCanary(`private half of ${kid}`, fromBase64Url(d)));
  }
  return canaries;
}

async function findings(canaries: readonly Canary[]): Promise<string[]> {
  const dump = new Map([...(await dumpOfD1()), ...(await dumpOfObjects()), ...(await dumpOfR2())]);
  return [...dump].flatMap(([where, text]) => canariesIn(text, canaries).map((found) => `${where}: ${found}`));
}

test('no secret lies in clear, in base64 or in hex in D1, in R2 or in an object', async () => {
  const { email } = await account({ of: null, role: 'super_admin' });
  const signedIn = await call('POST', '/auth/login', { body: { email, password: 'Right-Word-2026!' } });
  const superAdmin = (signedIn.body.data as { accessToken: string }).accessToken;
  const { canaries, tenantId, inClear } = await plantCanaries({ send: call, mailedToken }, superAdmin);
  const cookies = `portal-session-${crypto.randomUUID()}`;
  canaries.push(textCanary('portal session', cookies), textCanary('password of a test', 'Right-Word-2026!'));
  const scope = scopeForJob(tenantId);
  const vault = await openVault(db, configOf(env), tenantId);
  const credentials = await getCredentials(scope, db, 'paccar');
  await keepSession(scope, db, vault, credentials?.id ?? '', JSON.stringify([{ name: 'sid', value: cookies }]));
  canaries.push(...(await keyCanaries()));
  expect(canaries.length).toBeGreaterThan(45);

  // The dump is one: it holds what lies there in clear, in a table and in an object.
  expect((await findings([textCanary('name', inClear)])).join()).toContain('D1 tenants');
  expect((await findings([textCanary('tenant', tenantId)])).join()).toMatch(/FLEET_ROOM|AUDIT_CHAIN/);
  await env.ARTIFACTS.put('marker', `in clear: ${inClear}`);
  expect((await findings([textCanary('name', inClear)])).join()).toContain('R2 marker');

  expect(await findings(canaries)).toEqual([]);
  // Nor after a rotation, with its new keys and newly sealed values.
  const later = new Date(Date.now() + 100 * 86_400_000);
  expect(await rotateKeys(env, later)).toMatchObject({ signingKeysMade: 1, failed: 0 });
  expect(await findings([...canaries, ...(await keyCanaries())])).toEqual([]);
}, 120_000);

test('the search would find a secret that was stored as it is', async () => {
  const seed = base32Canary('seed', 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP');
  const responseSealed = btoa('..JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP');
  const at = new Date().toISOString();
  await db
    .insert(idempotencyKeys)
    .values({ ownerId: 'o', key: 'k', route: 'r', bodyHash: 'h', responseSealed, createdAt: at });
  await env.ARTIFACTS.put('leak', fromBase64(responseSealed));
  expect((await findings([seed])).map((found) => found.split(':')[0])).toEqual(['D1 idempotency_keys', 'R2 leak']);
});
