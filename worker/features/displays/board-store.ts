/** What a board needs besides the live picture, read from D1. Nothing here names a person. */
import { sql } from 'drizzle-orm';
import { z } from 'zod';
import { wallText } from '#contracts/wall-text';
import type { Database } from '../../db/client.ts';
import type { ReadScope } from '../../http/tenant-scope.ts';

/** More trucks than any screen pages through. */
const reasonsShown = 50;

const contributorsSchema = z.array(z.object({ points: z.number(), text: z.string() }));

/** The strongest reason of the newest prediction, by vehicle, of the trucks at high or critical risk: the worst first. */
export async function readReasons(scope: ReadScope, db: Database): Promise<Record<string, string>> {
  // Each tenant's worst by its index, then the worst of those: however large the fleets are, some rows of each are read.
  const worst = await db.all<{ id: string }>(sql`
    SELECT v.id AS id FROM json_each(${JSON.stringify(scope.readableTenantIds)}) AS t
    JOIN vehicles v ON v.id IN (SELECT w.id FROM vehicles w WHERE w.tenant_id = t.value AND w.risk_score > 0
      ORDER BY w.risk_score DESC LIMIT ${reasonsShown})
    WHERE v.risk_level IN ('high', 'critical') ORDER BY v.risk_score DESC LIMIT ${reasonsShown}`);
  if (worst.length === 0) return {};
  const rows = await db.all<{ id: string; contributors: string | null }>(sql`
    SELECT r.value AS id, (SELECT p.score -> '$.contributors' FROM predictions p
      WHERE p.vehicle_id = r.value ORDER BY p.created_at DESC LIMIT 1) AS contributors
    FROM json_each(${JSON.stringify(worst.map(({ id }) => id))}) AS r`);
  return Object.fromEntries(
    rows.flatMap(({ id, contributors }) => {
      const reason = contributors === null ? null : strongestReason(JSON.parse(contributors));
      return reason === null ? [] : [[id, reason] as const];
    }),
  );
}

/** The reason that adds most to the risk, as a wall may show it; null when nothing does. */
export function strongestReason(contributors: unknown): string | null {
  const parsed = contributorsSchema.safeParse(contributors);
  if (!parsed.success) return null;
  const strongest = parsed.data.filter(({ points }) => points > 0).toSorted((a, b) => b.points - a.points)[0];
  // How long and how often is true at the time of scoring only, and stands behind a comma.
  return strongest === undefined ? null : wallText(strongest.text.split(', ')[0] ?? strongest.text);
}
