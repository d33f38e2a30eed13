/**
 * Changing data keys under values that are in use, in small steps that may each be the last before a crash: keys are wrapped
 * by the current master, owners get a new data key, values are sealed under it one compare-and-set at a time, and a key goes
 * when nothing has needed it for a week. Every step finds by itself what is left to do.
 */
import { sql, type SQL } from 'drizzle-orm';
import type { AuditTrail } from '../audit/trail.ts';
import { bulk } from '../db/batch.ts';
import type { Database } from '../db/client.ts';
import { tenantKeys } from '../db/schema/index.ts';
import type { Config } from '../env.ts';
import { logFailure } from '../log.ts';
import { newWrappedKey, openMasterKeys, rewrapped, type WrappedKey } from './master-keys.ts';
import { placeIn, replacedKeyKeptDays, sealedColumns, type SealedColumn } from './sealed-columns.ts';
import { openVault, platformOwner, type Vault } from './vault.ts';

const dayMs = 86_400_000;
export const dataKeyLifeDays = 90;

export interface RotationBounds {
  /** Rows read and written at a time. */
  rowsPerChunk: number;
  /** Chunks of one step and night; what is then still left goes the next night. */
  maxChunks: number;
  /** New data keys a night: with 50, four and a half thousand owners get theirs in 90 days. */
  newKeys: number;
}

export interface RotationWork {
  db: Database;
  config: Config;
  trail: AuditTrail;
  now: Date;
  bounds: RotationBounds;
}

const tenantOf = (owner: string): string | null => (owner === platformOwner ? null : owner);
const name = (identifier: string): SQL => sql.raw(`"${identifier}"`);

/** Chunk after chunk until one is not full or the night's bound is reached. */
async function inChunks<Row>(
  { rowsPerChunk, maxChunks }: RotationBounds,
  read: (after: Row | null) => Promise<Row[]>,
  work: (rows: Row[]) => Promise<void>,
): Promise<void> {
  let after: Row | null = null;
  for (let chunk = 0; chunk < maxChunks; chunk += 1) {
    const rows: Row[] = await read(after);
    if (rows.length > 0) await work(rows);
    if (rows.length < rowsPerChunk) return;
    after = rows.at(-1) ?? null;
  }
}

/** Wraps every data key by the current master key; afterwards MASTER_KEY_PREVIOUS can go. */
export async function rewrapDataKeys({ db, config, trail, bounds }: RotationWork) {
  const masters = await openMasterKeys(config);
  const masterKeyId = masters.current.id;
  const counts = { rewrapped: 0, failed: 0 };
  const read = (after: WrappedKey | null): Promise<WrappedKey[]> =>
    db
      .select()
      .from(tenantKeys)
      .where(
        sql`(${tenantKeys.tenantId}, ${tenantKeys.version}) > (${after?.tenantId ?? ''}, ${after?.version ?? 0})
          AND ${tenantKeys.masterKeyId} IS NOT ${masterKeyId}`,
      )
      .orderBy(tenantKeys.tenantId, tenantKeys.version)
      .limit(bounds.rowsPerChunk);
  await inChunks(bounds, read, async (rows) => {
    const done: { owner: string; version: number; was: string; wrapped: string }[] = [];
    for (const row of rows) {
      try {
        const { wrappedKey } = await rewrapped(masters, row);
        done.push({ owner: row.tenantId, version: row.version, was: row.wrappedKey, wrapped: wrappedKey });
      } catch (cause) {
        counts.failed += 1;
        logFailure('data_key_not_rewrapped', cause, { owner: row.tenantId, version: row.version });
      }
    }
    if (done.length === 0) return;
    const [written] = await db.batch([
      bulk(
        db,
        sql`UPDATE tenant_keys SET wrapped_key = r.value ->> 'wrapped', master_key_id = ${masterKeyId}
          FROM json_each(${JSON.stringify(done)}) AS r
          WHERE tenant_keys.tenant_id = r.value ->> 'owner' AND tenant_keys.version = r.value ->> 'version'
            AND tenant_keys.wrapped_key = r.value ->> 'was'`,
      ),
      trail.entry(
        db,
        {
          tenantId: null,
          action: 'key.rotate',
          resourceType: 'master_key',
          resourceId: masterKeyId,
          after: { dataKeysWrapped: done.length },
        },
        { onlyIfChanged: true },
      ),
    ]);
    counts.rewrapped += written.meta.changes;
  });
  return counts;
}

/** Gives every owner whose newest data key is 90 days old the next one; new values are sealed under it from then on. */
export async function renewDataKeys({ db, config, trail, now, bounds }: RotationWork): Promise<number> {
  const masters = await openMasterKeys(config);
  const dueBefore = new Date(now.getTime() - dataKeyLifeDays * dayMs).toISOString();
  const due = await db
    .select({ owner: tenantKeys.tenantId, version: sql<number>`max(${tenantKeys.version})` })
    .from(tenantKeys)
    .groupBy(tenantKeys.tenantId)
    .having(sql`max(${tenantKeys.createdAt}) <= ${dueBefore}`)
    .orderBy(sql`max(${tenantKeys.createdAt})`)
    .limit(bounds.newKeys);
  let made = 0;
  for (const { owner, version } of due) {
    const next = await newWrappedKey(masters, owner, version + 1, now);
    const [inserted] = await db.batch([
      // Of two jobs at once one makes it.
      db.insert(tenantKeys).values(next).onConflictDoNothing(),
      trail.entry(
        db,
        {
          tenantId: tenantOf(owner),
          action: 'key.rotate',
          resourceType: 'data_key',
          resourceId: String(next.version),
          before: { version },
          after: { version: next.version },
        },
        { onlyIfChanged: true },
      ),
    ]);
    made += inserted.meta.changes;
  }
  return made;
}

interface SealedRow {
  id: string;
  owner: string;
  sealed: string;
}

/** Values of a column under a key that has a successor, by id. `owners` are those with more than one key. */
function staleValues(
  db: Database,
  column: SealedColumn,
  owners: readonly { owner: string; newest: number }[],
  afterId: string,
  limit: number,
): Promise<SealedRow[]> {
  const { table, idColumn, ownerColumn } = column;
  const [id, sealed] = [sql`t.${name(idColumn)}`, sql`t.${name(column.column)}`];
  const listed = sql`json_each(${JSON.stringify(owners.map((of) => ({ ...of, tenantId: tenantOf(of.owner) })))}) AS r`;
  const isStale = sql`${sealed} NOT LIKE 'v1.' || (r.value ->> 'newest') || '.%'`;
  // The plus keeps SQLite on the owner's index; a table of the platform's alone is read in the order of its ids.
  const isOwned =
    ownerColumn === null
      ? sql`r.value ->> 'owner' = ${platformOwner} AND ${id} > ${afterId}`
      : sql`t.${name(ownerColumn)} IS (r.value ->> 'tenantId') AND +${id} > ${afterId}`;
  return db.all<SealedRow>(
    sql`SELECT ${id} AS id, r.value ->> 'owner' AS owner, ${sealed} AS sealed
      FROM ${listed} CROSS JOIN ${name(table)} AS t
      WHERE ${isOwned} AND ${sealed} IS NOT NULL AND ${isStale} ORDER BY ${id} LIMIT ${limit}`,
  );
}

/** Seals every registered value anew that is under an older data key; one that changed meanwhile is left as it is now. */
export async function resealValues({ db, config, now, bounds }: RotationWork) {
  const owners = await db
    .select({ owner: tenantKeys.tenantId, newest: sql<number>`max(${tenantKeys.version})` })
    .from(tenantKeys)
    .groupBy(tenantKeys.tenantId)
    .having(sql`count(*) > 1`);
  const counts = { resealed: 0, failed: 0 };
  if (owners.length === 0) return counts;
  const vaults = new Map<string, Vault>();
  const vaultOf = async (owner: string): Promise<Vault> => {
    const vault = vaults.get(owner) ?? (await openVault(db, config, owner, now));
    vaults.set(owner, vault);
    return vault;
  };
  for (const column of sealedColumns) {
    const read = (after: SealedRow | null) => staleValues(db, column, owners, after?.id ?? '', bounds.rowsPerChunk);
    await inChunks(bounds, read, async (rows) => {
      const done: { id: string; was: string; sealed: string }[] = [];
      for (const { id, owner, sealed } of rows) {
        const vault = await vaultOf(owner);
        const place = placeIn(column, id);
        try {
          done.push({ id, was: sealed, sealed: await vault.seal(await vault.open(sealed, place), place) });
        } catch (cause) {
          // It keeps its key; the others go on.
          counts.failed += 1;
          logFailure('value_not_resealed', cause, { table: column.table, field: column.field, id });
        }
      }
      const [table, id, value] = [name(column.table), name(column.idColumn), name(column.column)];
      const written = await db.run(
        sql`UPDATE ${table} SET ${value} = r.value ->> 'sealed' FROM json_each(${JSON.stringify(done)}) AS r
          WHERE ${table}.${id} = r.value ->> 'id' AND ${table}.${value} = r.value ->> 'was'`,
      );
      counts.resealed += written.meta.changes;
    });
  }
  return counts;
}

/** True of a row of tenant_keys whose successor is old enough and under which nothing is sealed. */
function isUnused(replacedBefore: string): SQL {
  const usedIn = sealedColumns.map(({ table, idColumn, column, ownerColumn }) => {
    const isOwned =
      ownerColumn === null
        ? sql`tenant_keys.tenant_id = ${platformOwner} AND c.${name(idColumn)} > ''`
        : sql`c.${name(ownerColumn)} IS nullif(tenant_keys.tenant_id, ${platformOwner})`;
    return sql`EXISTS (SELECT 1 FROM ${name(table)} AS c
      WHERE ${isOwned} AND c.${name(column)} LIKE 'v1.' || tenant_keys.version || '.%')`;
  });
  return sql`(SELECT min(n.created_at) FROM tenant_keys AS n
      WHERE n.tenant_id = tenant_keys.tenant_id AND n.version > tenant_keys.version) <= ${replacedBefore}
    AND NOT (${sql.join(usedIn, sql` OR `)})`;
}

/** Deletes data keys that were replaced a week ago and that no value needs any more. */
export async function deleteUnusedKeys({ db, trail, now, bounds }: RotationWork): Promise<number> {
  const unused = isUnused(new Date(now.getTime() - replacedKeyKeptDays * dayMs).toISOString());
  let deleted = 0;
  const read = () =>
    db.all<{ owner: string; version: number }>(
      sql`SELECT tenant_id AS owner, version FROM tenant_keys WHERE ${unused} LIMIT ${bounds.rowsPerChunk}`,
    );
  await inChunks(bounds, read, async (found) => {
    for (const { owner, version } of found) {
      const [gone] = await db.batch([
        // Asked again in the same moment: a value may have come back to it.
        bulk(db, sql`DELETE FROM tenant_keys WHERE tenant_id = ${owner} AND version = ${version} AND ${unused}`),
        trail.entry(
          db,
          { tenantId: tenantOf(owner), action: 'key.delete', resourceType: 'data_key', resourceId: String(version) },
          { onlyIfChanged: true },
        ),
      ]);
      deleted += gone.meta.changes;
    }
  });
  return deleted;
}
