/**
 * What of a prediction is kept for ever, and what goes. Row, levels, chances, outcome and feature vector stay: reports,
 * training and late corrections of the ledger read them. The reasons in full are for those who look at a truck today.
 */
import { sql } from 'drizzle-orm';
import type { VehicleScore } from '#contracts/risk';
import type { Database } from '../../db/client.ts';

/** Contributors of no more points than this are not among the reasons of an old prediction. */
const leastPoints = 0.5;

/** The score of an old prediction: its reasons in words, without what they were concluded from. */
export const shortScore = (score: VehicleScore): VehicleScore => ({
  ...score,
  contributors: score.contributors
    .filter(({ points }) => points > leastPoints)
    .map((contributor) => ({ ...contributor, evidence: {} })),
  anomalies: [],
});

/** `shortScore` over a stored one, to the byte. */
const shortened = sql`json_set(predictions.score, '$.contributors', json((
    SELECT json_group_array(json_set(c.value, '$.evidence', json('{}')) ORDER BY c.key)
    FROM json_each(predictions.score, '$.contributors') AS c WHERE c.value ->> 'points' > ${leastPoints})),
  '$.anomalies', json('[]'))`;

/** What a shortened score never contains. Quotes within its texts are escaped. */
const isWhole = sql`(instr(p.score, '"evidence":{"') > 0 OR instr(p.score, '"anomalies":[{') > 0)`;

/**
 * Shortens settled predictions made from `from` until before `to`, `atMost` of them; answers how many. The newest of a
 * vehicle stays whole however old it is: it says how the vehicle stands.
 * @unscoped the nightly clean-up goes through all tenants
 */
export async function shortenScores(
  db: Database,
  { from, to, atMost }: { from: string; to: string; atMost: number },
): Promise<number> {
  const { meta } = await db.run(sql`
    UPDATE predictions SET score = ${shortened} WHERE id IN (
      SELECT p.id FROM tenants CROSS JOIN predictions p
      WHERE p.tenant_id = tenants.id AND p.created_at >= ${from} AND p.created_at < ${to}
        AND p.settled_at IS NOT NULL AND ${isWhole}
        AND EXISTS (SELECT 1 FROM predictions n WHERE n.vehicle_id = p.vehicle_id AND n.created_at > p.created_at)
      LIMIT ${atMost})`);
  return meta.changes;
}

/**
 * When the first prediction was kept; null while there is none.
 * @unscoped the nightly clean-up goes through all tenants
 */
export async function firstPredictionAt(db: Database): Promise<string | null> {
  const [row] = await db.all<{ at: string | null }>(sql`
    SELECT min((SELECT min(p.created_at) FROM predictions p WHERE p.tenant_id = tenants.id)) AS at FROM tenants`);
  return row?.at ?? null;
}
