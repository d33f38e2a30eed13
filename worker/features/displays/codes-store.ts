/**
 * Codes of displays that are being paired (RFC 8628). Of the device code only its SHA-256 is kept.
 * @unscoped a screen that waits belongs to nobody yet: its own secret is what finds its row
 */
import { and, eq, gt, sql } from 'drizzle-orm';
import { displayLimits } from '#contracts/displays';
import type { AuditTrail } from '../../audit/trail.ts';
import { bulk } from '../../db/batch.ts';
import type { Database } from '../../db/client.ts';
import { commitGuarded, isTaken, requireChanged } from '../../db/guard.ts';
import { displayCodes, displays, tenants } from '../../db/schema/index.ts';
import { maxWaitingCodes, type WaitingCode } from './rules.ts';

export interface CodeRow extends WaitingCode {
  deviceCodeHash: string;
  display: { id: string; tenantId: string; name: string } | null;
}

/** Enters a pair of codes. `taken`: another screen waits with this user code; `full`: too many screens wait. */
export async function createCode(
  db: Database,
  { deviceCodeHash, userCode }: { deviceCodeHash: string; userCode: string },
  now: Date,
): Promise<'made' | 'taken' | 'full'> {
  const nowIso = now.toISOString();
  const expiresAt = new Date(now.getTime() + displayLimits.deviceCodeSeconds * 1_000).toISOString();
  try {
    const { meta } = await bulk(
      db,
      sql`INSERT INTO display_codes (device_code_hash, user_code, status, interval_seconds, created_at, expires_at)
        SELECT ${deviceCodeHash}, ${userCode}, 'pending', ${displayLimits.pollEverySeconds}, ${nowIso}, ${expiresAt}
        WHERE (SELECT count(*) FROM (
          SELECT 1 FROM display_codes WHERE expires_at > ${nowIso} LIMIT ${maxWaitingCodes})) < ${maxWaitingCodes}`,
    );
    return meta.changes > 0 ? 'made' : 'full';
  } catch (cause) {
    if (isTaken(cause, 'display_codes.user_code')) return 'taken';
    throw cause;
  }
}

/** The code a screen asks with; null for one that never was, or is long over. */
export async function getCode(db: Database, deviceCodeHash: string): Promise<CodeRow | null> {
  const [row] = await db
    .select({ code: displayCodes, display: displays, isTenantActive: tenants.isActive })
    .from(displayCodes)
    .leftJoin(displays, eq(displays.id, displayCodes.displayId))
    .leftJoin(tenants, eq(tenants.id, displays.tenantId))
    .where(eq(displayCodes.deviceCodeHash, deviceCodeHash));
  if (row === undefined) return null;
  const { code, display, isTenantActive } = row;
  return {
    deviceCodeHash,
    status: code.status,
    intervalSeconds: code.intervalSeconds,
    lastAskedAt: code.lastAskedAt,
    expiresAt: code.expiresAt,
    isWithdrawn: display !== null && (display.deletedAt !== null || isTenantActive !== true),
    display: display === null ? null : { id: display.id, tenantId: display.tenantId, name: display.name },
  };
}

/** Notes a question and the pace from here on; false when another question with the same code was noted meanwhile. */
export async function noteAsked(
  db: Database,
  { deviceCodeHash, lastAskedAt }: Pick<CodeRow, 'deviceCodeHash' | 'lastAskedAt'>,
  intervalSeconds: number,
  now: Date,
): Promise<boolean> {
  const noted = await db
    .update(displayCodes)
    .set({ intervalSeconds, lastAskedAt: now.toISOString() })
    .where(
      and(
        eq(displayCodes.deviceCodeHash, deviceCodeHash),
        eq(displayCodes.status, 'pending'),
        sql`${displayCodes.lastAskedAt} is ${lastAskedAt}`,
      ),
    )
    .returning({ status: displayCodes.status });
  return noted.length > 0;
}

/** Hands a claimed display its token, once: of two questions at the same moment one finds the code used. */
export async function handOutToken(
  db: Database,
  trail: AuditTrail,
  { deviceCodeHash, display }: CodeRow & { display: NonNullable<CodeRow['display']> },
  tokenHash: string,
  now: Date,
): Promise<typeof displays.$inferSelect | null> {
  const nowIso = now.toISOString();
  const { id, tenantId } = display;
  const done = await commitGuarded(db, [
    db
      .update(displayCodes)
      .set({ status: 'used', lastAskedAt: nowIso })
      .where(
        and(
          eq(displayCodes.deviceCodeHash, deviceCodeHash),
          eq(displayCodes.status, 'claimed'),
          eq(displayCodes.displayId, id),
          gt(displayCodes.expiresAt, nowIso),
        ),
      ),
    requireChanged(db),
    db
      .update(displays)
      .set({ tokenHash })
      .where(and(eq(displays.id, id), sql`${displays.deletedAt} is null`)),
    requireChanged(db),
    trail.entry(db, {
      tenantId,
      action: 'display.connect',
      resourceType: 'display',
      resourceId: id,
      after: { name: display.name },
    }),
    db.select().from(displays).where(eq(displays.id, id)),
  ]);
  return done?.[5][0] ?? null;
}
