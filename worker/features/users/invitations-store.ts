/** Invitations into a tenant: at most one open per address. Only the hash of what is mailed is kept. */
import { and, desc, eq, isNull, sql } from 'drizzle-orm';
import type { InvitationListQuery } from '#contracts/users';
import type { AuditTrail } from '../../audit/trail.ts';
import type { Database } from '../../db/client.ts';
import { invitations } from '../../db/schema/index.ts';
import { inTenants } from '../../db/scoped.ts';
import { pageWindow } from '../../http/routes.ts';
import type { ReadScope, TenantScope } from '../../http/tenant-scope.ts';

export type InvitationRow = typeof invitations.$inferSelect;

const isOpen = and(isNull(invitations.acceptedAt), isNull(invitations.revokedAt));

/** Open invitations, newest first; one that has run out is still open, and may be sent again. */
export async function listInvitations(
  scope: ReadScope,
  db: Database,
  query: InvitationListQuery,
): Promise<{ rows: InvitationRow[]; total: number }> {
  const where = and(inTenants(invitations.tenantId, scope), isOpen);
  const { limit, offset } = pageWindow(query);
  const [rows, [count]] = await db.batch([
    db
      .select()
      .from(invitations)
      .where(where)
      .orderBy(desc(invitations.createdAt), desc(invitations.id))
      .limit(limit)
      .offset(offset),
    db
      .select({ total: sql<number>`count(*)` })
      .from(invitations)
      .where(where),
  ]);
  return { rows, total: count?.total ?? 0 };
}

export async function getInvitation(scope: ReadScope, db: Database, id: string): Promise<InvitationRow | null> {
  const [row] = await db
    .select()
    .from(invitations)
    .where(and(eq(invitations.id, id), inTenants(invitations.tenantId, scope), isOpen));
  return row ?? null;
}

/** The statement that revokes the open invitation of an address. */
export const revokeOpen = (scope: TenantScope, db: Database, email: string, now: Date) =>
  db
    .update(invitations)
    .set({ revokedAt: now.toISOString() })
    .where(and(eq(invitations.tenantId, scope.tenantId), eq(invitations.email, email), isOpen));

/** Revokes one; false when it was no longer open. */
export async function revokeInvitation(
  scope: TenantScope,
  db: Database,
  trail: AuditTrail,
  { id, email, role }: InvitationRow,
  now: Date,
): Promise<boolean> {
  const [revoked] = await db.batch([
    db
      .update(invitations)
      .set({ revokedAt: now.toISOString() })
      .where(and(eq(invitations.id, id), eq(invitations.tenantId, scope.tenantId), isOpen))
      .returning({ id: invitations.id }),
    trail.entry(
      db,
      {
        tenantId: scope.tenantId,
        action: 'invitation.revoke',
        resourceType: 'invitation',
        resourceId: id,
        before: { email, role },
      },
      { onlyIfChanged: true },
    ),
  ]);
  return revoked.length > 0;
}
