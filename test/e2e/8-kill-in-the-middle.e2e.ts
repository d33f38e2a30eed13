/**
 * workerd is killed in the middle of acknowledged batches, some of which come twice and out of order: what it holds in the end
 * is what an undisturbed fleet holds. A short run of bench/realtime/kill.ts, on a runtime of its own.
 */
import { expect, test } from 'vitest';
import { surviveKills } from '../../bench/realtime/kill.ts';

test('kill -9 loses nothing that was acknowledged, and doubles nothing', async () => {
  const plan = { batches: 1_500, kills: 2, seed: Number(process.env['KILL_SEED'] ?? 20_261_120) };
  const { differences, fixes, acknowledged, sentAgain } = await surviveKills(plan, false);
  expect(differences).toEqual([]);
  expect(fixes).toBe(15_000);
  // Some were sent twice on purpose, and a kill met some on their way.
  expect(acknowledged).toBeGreaterThan(plan.batches);
  expect(sentAgain).toBeGreaterThan(0);
}, 180_000);
