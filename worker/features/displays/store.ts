/** Wall displays in D1. An unpaired one exists for nobody but the door, which still knows why it refuses its token. */
import { and, asc, eq, gt, isNull, sql } from 'drizzle-orm';
import type { DisplayCommand, DisplayLayout, UpdateDisplayInput } from '#contracts/displays';
import type { AuditTrail } from '../../audit/trail.ts';
import type { Database } from '../../db/client.ts';
import { commitGuarded, requireChanged, requireThat } from '../../db/guard.ts';
import { displayCodes, displays } from '../../db/schema/index.ts';
import { inTenants } from '../../db/scoped.ts';
import { pageWindow } from '../../http/routes.ts';
import type { ReadScope, TenantScope } from '../../http/tenant-scope.ts';
import { newId } from '../../ids.ts';
import { claimedKeptSeconds, maxDisplaysPerTenant } from './rules.ts';

export type DisplayRow = typeof displays.$inferSelect;

const visible = (scope: ReadScope) => and(inTenants(displays.tenantId, scope), isNull(displays.deletedAt));

/** One of the scope's paired displays, to be changed. */
const paired = (scope: TenantScope, id: string) =>
  and(eq(displays.id, id), eq(displays.tenantId, scope.tenantId), isNull(displays.deletedAt));

/** A page of paired displays, by name. */
export async function listDisplays(
  scope: ReadScope,
  db: Database,
  query: { page?: number | undefined; pageSize?: number | undefined },
): Promise<{ rows: DisplayRow[]; total: number }> {
  const { limit, offset } = pageWindow(query);
  const [rows, [count]] = await db.batch([
    db
      .select()
      .from(displays)
      .where(visible(scope))
      .orderBy(asc(displays.name), asc(displays.id))
      .limit(limit)
      .offset(offset),
    db
      .select({ total: sql<number>`count(*)` })
      .from(displays)
      .where(visible(scope)),
  ]);
  return { rows, total: count?.total ?? 0 };
}

export async function getDisplay(scope: ReadScope, db: Database, id: string): Promise<DisplayRow | null> {
  const [row] = await db
    .select()
    .from(displays)
    .where(and(eq(displays.id, id), visible(scope)));
  return row ?? null;
}

const actionOn = (tenantId: string, resourceId: string | null, action: string) => ({
  tenantId,
  action,
  resourceType: 'display',
  resourceId,
});

const isWaiting = (userCode: string, nowIso: string) =>
  and(eq(displayCodes.userCode, userCode), eq(displayCodes.status, 'pending'), gt(displayCodes.expiresAt, nowIso));

/**
 * Pairs the screen that shows this code. However many claim it at once, one gets it: to the others it is `unknown`, like
 * one that has run out or never was. `full`: the tenant has as many displays as it may.
 */
export async function claimDisplay(
  scope: TenantScope,
  db: Database,
  trail: AuditTrail,
  input: { userCode: string; name: string; locationName: string; layout: DisplayLayout; createdBy: string | null },
  now: Date,
): Promise<DisplayRow | 'unknown' | 'full'> {
  const { tenantId } = scope;
  const { userCode, createdBy, ...fields } = input;
  const id = newId(now.getTime());
  const nowIso = now.toISOString();
  const keptUntil = new Date(now.getTime() + claimedKeptSeconds * 1_000).toISOString();
  const done = await commitGuarded(db, [
    requireThat(
      db,
      sql`(SELECT count(*) FROM displays WHERE tenant_id = ${tenantId} AND deleted_at IS NULL) < ${maxDisplaysPerTenant}`,
    ),
    db.insert(displays).values({ id, tenantId, ...fields, createdBy, createdAt: nowIso, updatedAt: nowIso }),
    db
      .update(displayCodes)
      .set({ status: 'claimed', displayId: id, expiresAt: sql`max(${displayCodes.expiresAt}, ${keptUntil})` })
      .where(isWaiting(userCode, nowIso)),
    requireChanged(db),
    trail.entry(db, { ...actionOn(tenantId, id, 'display.pair'), after: fields }),
    db.select().from(displays).where(paired(scope, id)),
  ]);
  const row = done?.[5][0];
  if (row !== undefined) return row;
  const [waiting] = await db
    .select({ status: displayCodes.status })
    .from(displayCodes)
    .where(isWaiting(userCode, nowIso));
  return waiting === undefined ? 'unknown' : 'full';
}

/** Refuses the screen that shows this code; false when no screen waits with it. */
export async function denyDisplay(
  scope: TenantScope,
  db: Database,
  trail: AuditTrail,
  userCode: string,
  now: Date,
): Promise<boolean> {
  const [denied] = await db.batch([
    db
      .update(displayCodes)
      .set({ status: 'denied' })
      .where(isWaiting(userCode, now.toISOString()))
      .returning({ status: displayCodes.status }),
    trail.entry(
      db,
      { ...actionOn(scope.tenantId, null, 'display.deny'), after: { userCode } },
      { onlyIfChanged: true },
    ),
  ]);
  return denied.length > 0;
}

/**
 * Changes what people say of a display; null when it was unpaired, or with `unchangedSince` changed by somebody else,
 * meanwhile.
 */
export async function updateDisplay(
  scope: TenantScope,
  db: Database,
  trail: AuditTrail,
  before: DisplayRow,
  input: UpdateDisplayInput,
  { now, unchangedSince }: { now: Date; unchangedSince: string | null },
): Promise<DisplayRow | null> {
  const changes = changesOf(before, input);
  const [[row]] = await db.batch([
    db
      .update(displays)
      .set({ ...changes, updatedAt: now.toISOString() })
      .where(
        and(paired(scope, before.id), unchangedSince === null ? undefined : eq(displays.updatedAt, unchangedSince)),
      )
      .returning(),
    trail.entry(
      db,
      {
        ...actionOn(scope.tenantId, before.id, 'display.update'),
        before: Object.fromEntries(Object.keys(changes).map((field) => [field, before[field as keyof DisplayRow]])),
        after: { ...changes },
      },
      { onlyIfChanged: true },
    ),
  ]);
  return row ?? null;
}

function changesOf(before: DisplayRow, input: UpdateDisplayInput): UpdateDisplayInput {
  const entries = Object.entries(input) as [keyof UpdateDisplayInput, string | undefined][];
  return Object.fromEntries(entries.filter(([field, value]) => value !== undefined && value !== before[field]));
}

export const isUnchanged = (before: DisplayRow, input: UpdateDisplayInput): boolean =>
  Object.keys(changesOf(before, input)).length === 0;

/** Unpairs a display: its token is refused from the next request on. False when it was unpaired already. */
export async function deleteDisplay(
  scope: TenantScope,
  db: Database,
  trail: AuditTrail,
  { id, name, locationName }: DisplayRow,
  now: Date,
): Promise<boolean> {
  const at = now.toISOString();
  const [gone] = await db.batch([
    db.update(displays).set({ deletedAt: at, updatedAt: at }).where(paired(scope, id)).returning({ id: displays.id }),
    trail.entry(
      db,
      { ...actionOn(scope.tenantId, id, 'display.unpair'), before: { name, locationName } },
      { onlyIfChanged: true },
    ),
  ]);
  return gone.length > 0;
}

/** Writes a command down, and what it changes for good; false when the display was unpaired meanwhile. */
export async function recordCommand(
  scope: TenantScope,
  db: Database,
  trail: AuditTrail,
  { id, name }: DisplayRow,
  { command, layout }: { command: DisplayCommand; layout: DisplayLayout | undefined },
  now: Date,
): Promise<boolean> {
  const lasting = {
    ...(command === 'layout' && layout !== undefined ? { layout } : {}),
    ...(command === 'sleep' || command === 'wake' ? { isAsleep: command === 'sleep' } : {}),
  };
  const isLasting = Object.keys(lasting).length > 0;
  const [found] = await db.batch([
    db
      .update(displays)
      // A command that lasts for nothing changes nothing, but is written down with a display that is there.
      .set(isLasting ? { ...lasting, updatedAt: now.toISOString() } : { updatedAt: sql`${displays.updatedAt}` })
      .where(paired(scope, id))
      .returning({ id: displays.id }),
    trail.entry(
      db,
      { ...actionOn(scope.tenantId, id, 'display.command'), after: { name, command, ...lasting } },
      { onlyIfChanged: true },
    ),
  ]);
  return found.length > 0;
}
