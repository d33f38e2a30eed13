/**
 * Dealer links in D1. At most one lives per pair (a unique index decides, whoever asks at once); ended ones stay as
 * history. Every change stands in the logs of both sides.
 */
import { and, desc, eq, inArray, or, sql, type SQL } from 'drizzle-orm';
import { alias } from 'drizzle-orm/sqlite-core';
import { dealerLinkStatuses, type DealerLinkListQuery } from '#contracts/dealer-links';
import type { AuditTrail, AuditedAction } from '../../audit/trail.ts';
import type { Database } from '../../db/client.ts';
import { commitGuarded, requireThat } from '../../db/guard.ts';
import { dealerLinks, tenants } from '../../db/schema/index.ts';
import { inTenants } from '../../db/scoped.ts';
import { pageWindow } from '../../http/routes.ts';
import type { ReadScope, TenantScope } from '../../http/tenant-scope.ts';
import { newId } from '../../ids.ts';
import { dayMs, hasRoom, noRoom, type MailLimit } from '../../mail/limits.ts';
import type { MailEntry } from '../../mail/outbox.ts';
import { otherSideOf } from './rules.ts';

export type LinkRow = typeof dealerLinks.$inferSelect & { dealerName: string; fleetName: string };

const dealer = alias(tenants, 'dealer');
const fleet = alias(tenants, 'fleet');

const linkColumns = {
  id: dealerLinks.id,
  dealerTenantId: dealerLinks.dealerTenantId,
  fleetTenantId: dealerLinks.fleetTenantId,
  status: dealerLinks.status,
  requestedByTenantId: dealerLinks.requestedByTenantId,
  createdAt: dealerLinks.createdAt,
  acceptedAt: dealerLinks.acceptedAt,
  endedAt: dealerLinks.endedAt,
  endedByTenantId: dealerLinks.endedByTenantId,
  // Rows of a batch come back by column name, so the two names need names of their own.
  dealerName: sql<string>`${dealer.name}`.as('dealer_name'),
  fleetName: sql<string>`${fleet.name}`.as('fleet_name'),
};

/** @unscoped only the beginning of a statement: every use of it adds the sides of a scope */
const selectLinks = (db: Database) =>
  db
    .select(linkColumns)
    .from(dealerLinks)
    .innerJoin(dealer, eq(dealer.id, dealerLinks.dealerTenantId))
    .innerJoin(fleet, eq(fleet.id, dealerLinks.fleetTenantId));

/** Links of either side; both indexes begin where the other ends, so each side is searched by its own. */
const ofEitherSide = (scope: ReadScope): SQL | undefined =>
  scope.ownTenantId === null && scope.readableTenantIds.length !== 1
    ? undefined
    : or(inTenants(dealerLinks.dealerTenantId, scope), inTenants(dealerLinks.fleetTenantId, scope));

/** A page of links of any status, newest first. */
export async function listLinks(
  scope: ReadScope,
  db: Database,
  query: DealerLinkListQuery,
): Promise<{ rows: LinkRow[]; total: number }> {
  const where = and(
    ofEitherSide(scope),
    inArray(dealerLinks.status, query.status === undefined ? [...dealerLinkStatuses] : [query.status]),
  );
  const { limit, offset } = pageWindow(query);
  const [rows, [count]] = await db.batch([
    selectLinks(db).where(where).orderBy(desc(dealerLinks.createdAt), desc(dealerLinks.id)).limit(limit).offset(offset),
    db
      .select({ total: sql<number>`count(*)` })
      .from(dealerLinks)
      .where(where),
  ]);
  return { rows, total: count?.total ?? 0 };
}

export async function getLink(scope: ReadScope, db: Database, id: string): Promise<LinkRow | null> {
  const [row] = await selectLinks(db).where(and(eq(dealerLinks.id, id), ofEitherSide(scope)));
  return row ?? null;
}

/**
 * The link between two that has not ended.
 * @unscoped the route has judged both sides; a pair is looked for before a link exists
 */
export async function getLiveLink(
  db: Database,
  pair: { dealerTenantId: string; fleetTenantId: string },
): Promise<typeof dealerLinks.$inferSelect | null> {
  const [row] = await db
    .select()
    .from(dealerLinks)
    .where(
      and(
        eq(dealerLinks.dealerTenantId, pair.dealerTenantId),
        eq(dealerLinks.fleetTenantId, pair.fleetTenantId),
        sql`${dealerLinks.status} <> 'ended'`,
      ),
    );
  return row ?? null;
}

/**
 * A tenant that may be asked.
 * @unscoped asking begins with naming a tenant that no scope holds
 */
export async function getAskableTenant(db: Database, id: string) {
  const [row] = await db
    .select({ id: tenants.id, name: tenants.name, kind: tenants.kind })
    .from(tenants)
    .where(and(eq(tenants.id, id), eq(tenants.isActive, true)));
  return row ?? null;
}

interface Pair {
  dealerTenantId: string;
  fleetTenantId: string;
}

/**
 * The entries of one change in both sides' logs, each written only if the statement before them changed a row.
 * @unscoped writes only beside a statement that was scoped
 */
function entriesFor(
  db: Database,
  trail: AuditTrail,
  { pair, actingTenantId }: { pair: Pair; actingTenantId: string | null },
  action: Omit<AuditedAction, 'tenantId' | 'resourceType'>,
) {
  const inLogOf = (tenantId: string) =>
    trail.entry(
      db,
      {
        ...action,
        tenantId,
        resourceType: 'dealer_link',
        after: { ...pair, byTenantId: actingTenantId, ...action.after },
      },
      { onlyIfChanged: true },
    );
  return [inLogOf(pair.dealerTenantId), inLogOf(pair.fleetTenantId)] as const;
}

/** Whoever asks, and whatever became of it: a request that is declined or taken back can be made again, with its mails. */
const requestLimit = ({ dealerTenantId, fleetTenantId }: Pair): MailLimit => ({
  ...{ most: 3, withinMs: dayMs },
  rows: sql`FROM dealer_links WHERE dealer_tenant_id = ${dealerTenantId} AND fleet_tenant_id = ${fleetTenantId}`,
});

/**
 * Asks for a link. Null when one lives already: of two who ask each other at the same moment the second is told so.
 * RATE_LIMITED, and nothing written, after three requests of a pair in a day.
 */
export async function askForLink(
  scope: TenantScope,
  db: Database,
  trail: AuditTrail,
  { pair, mail }: { pair: Pair; mail: readonly MailEntry[] },
  now: Date,
): Promise<LinkRow | null> {
  const id = newId(now.getTime());
  const limits = [requestLimit(pair)];
  const isLinked = async () => (await getLiveLink(db, pair)) !== null;
  let written;
  try {
    written = await commitGuarded(db, [
      requireThat(db, hasRoom(limits, now)),
      db.insert(dealerLinks).values({
        id,
        ...pair,
        status: 'pending',
        requestedByTenantId: scope.tenantId,
        createdAt: now.toISOString(),
      }),
      ...entriesFor(
        db,
        trail,
        { pair, actingTenantId: scope.tenantId },
        {
          action: 'dealer_link.create',
          resourceId: id,
        },
      ),
      selectLinks(db).where(eq(dealerLinks.id, id)),
      ...mail,
    ]);
  } catch (cause) {
    // The unique index has refused the whole batch; whatever else went wrong is no conflict.
    if (await isLinked()) return null;
    throw cause;
  }
  if (written !== null) return written[4][0] ?? null;
  if (await isLinked()) return null;
  throw await noRoom(db, limits, now);
}

/** Accepts a pending link; false when it is no longer pending. `actingTenantId` is null for the operator. */
export async function acceptLink(
  scope: ReadScope,
  db: Database,
  trail: AuditTrail,
  link: LinkRow,
  actingTenantId: string | null,
  now: Date,
): Promise<boolean> {
  const acceptedAt = now.toISOString();
  const [accepted] = await db.batch([
    db
      .update(dealerLinks)
      .set({ status: 'active', acceptedAt })
      .where(and(eq(dealerLinks.id, link.id), eq(dealerLinks.status, 'pending'), ofEitherSide(scope)))
      .returning({ id: dealerLinks.id }),
    ...entriesFor(
      db,
      trail,
      { pair: pairOfRow(link), actingTenantId },
      {
        action: 'dealer_link.accept',
        resourceId: link.id,
      },
    ),
  ]);
  return accepted.length > 0;
}

/** Ends a link, a pending one too (declined, or withdrawn); false when it has ended already. */
export async function endLink(
  scope: ReadScope,
  db: Database,
  trail: AuditTrail,
  link: LinkRow,
  actingTenantId: string | null,
  now: Date,
): Promise<boolean> {
  const [ended] = await db.batch([
    db
      .update(dealerLinks)
      .set({ status: 'ended', endedAt: now.toISOString(), endedByTenantId: actingTenantId })
      .where(and(eq(dealerLinks.id, link.id), sql`${dealerLinks.status} <> 'ended'`, ofEitherSide(scope)))
      .returning({ id: dealerLinks.id }),
    ...entriesFor(
      db,
      trail,
      { pair: pairOfRow(link), actingTenantId },
      {
        action: 'dealer_link.end',
        resourceId: link.id,
        before: { status: link.status },
      },
    ),
  ]);
  return ended.length > 0;
}

const pairOfRow = ({ dealerTenantId, fleetTenantId }: LinkRow): Pair => ({ dealerTenantId, fleetTenantId });

/** The side that has not asked. */
export const askedSideOf = (link: LinkRow): string =>
  link.requestedByTenantId === null ? link.fleetTenantId : otherSideOf(link, link.requestedByTenantId);
