/** The list of sealed columns against the schema: a new one that nobody registers fails here, not in a rotation. */
import { env } from 'cloudflare:workers';
import { expect, test } from 'vitest';
import { sealedColumns } from './sealed-columns.ts';

/** Why a sealed column need not be sealed anew. */
const leftOut = ['idempotency_keys.response_sealed'];

test('every sealed column of the schema is registered, with its key and its owner', async () => {
  const { results: tables } = await env.DB.prepare(
    `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name NOT LIKE '\\_cf%' ESCAPE '\\'`,
  ).all<{ name: string }>();
  const existing = new Set<string>();
  const keys = new Set<string>();
  for (const { name: table } of tables) {
    const { results } = await env.DB.prepare(`PRAGMA table_info(${table})`).all<{ name: string; pk: number }>();
    for (const { name, pk } of results) {
      existing.add(`${table}.${name}`);
      if (pk === 1) keys.add(`${table}.${name}`);
    }
  }
  const registered = sealedColumns.map(({ table, column }) => `${table}.${column}`);
  expect([...existing].filter((column) => column.endsWith('_sealed')).toSorted()).toEqual(
    [...registered, ...leftOut].toSorted(),
  );
  for (const { table, idColumn, ownerColumn } of sealedColumns) {
    expect(keys).toContain(`${table}.${idColumn}`);
    expect(existing.has(`${table}.tenant_id`) && table !== 'mail_outbox').toBe(ownerColumn !== null);
  }
});
