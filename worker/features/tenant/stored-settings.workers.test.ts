/** One tenant's settings that cannot be read stop no job for the others. */
import { eq } from 'drizzle-orm';
import { expect, it } from 'vitest';
import { db, tenant, truck } from '#test/workers/harness';
import { at, day, predict } from '#test/workers/ledger-builders';
import { tenants } from '#worker/db/schema/index';
import { listUnchecked } from '../ledger/drift-store.ts';
import { listTrainingCandidates } from '../training/due-store.ts';

it.each(['{', '"x"'])('settings %s', async (json) => {
  const [broken, sound] = [await tenant(), await tenant()];
  for (const of of [broken, sound]) await predict(of, [{ vehicleId: await truck(of), at: 0 }]);
  const { settings } = (await db.select().from(tenants).where(eq(tenants.id, broken.id)))[0] ?? {};
  const setRaw = (text: string) =>
    db.$client.prepare('UPDATE tenants SET settings = ? WHERE id = ?').bind(text, broken.id).run();
  await setRaw(json);
  try {
    const drift = await listUnchecked(db, { now: at(60), before: day(60), atMost: 1_000 });
    expect(drift.map(({ tenantId }) => tenantId)).toContain(sound.id);
    expect(drift.map(({ tenantId }) => tenantId)).not.toContain(broken.id);
    const training = await listTrainingCandidates(db, day(60), '', 1_000);
    expect(training.find(({ id }) => id === sound.id)).toMatchObject({ hasPredictions: true });
    expect(training.find(({ id }) => id === broken.id)).toMatchObject({ hasPredictions: false });
  } finally {
    await setRaw(JSON.stringify(settings));
  }
});
