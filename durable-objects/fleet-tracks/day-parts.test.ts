import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PartPlan, type Start } from './day-parts.ts';

/** Vehicles in order of their ids, each with some fixes in some of the four quarters of a day. */
const fleet = fc
  .array(fc.uniqueArray(fc.tuple(fc.nat(3), fc.integer({ min: 1, max: 40 })), { selector: ([bucket]) => bucket }), {
    maxLength: 30,
  })
  .map((vehicles) =>
    vehicles.map((quarters, n) => ({
      id: `v${String(n).padStart(2, '0')}`,
      heads: quarters.sort(([a], [b]) => a - b).map(([bucket, fixes]) => ({ bucket, fixes })),
    })),
  );
const isBefore = ([idA, bucketA]: Start, [idB, bucketB]: Start): boolean =>
  idA === idB ? bucketA < bucketB : idA < idB;

test('parts hold everything once, whole vehicles, and no more than the limit where that can be', () => {
  fc.assert(
    fc.property(fleet, fc.integer({ min: 1, max: 200 }), (vehicles, limit) => {
      const plan = new PartPlan(limit);
      for (const { id, heads } of vehicles) plan.add(id, heads);
      const { starts } = plan;
      for (let n = 1; n < starts.length; n += 1)
        expect(isBefore(starts[n - 1] as Start, starts[n] as Start)).toBe(true);
      const sizes = starts.map(() => ({ fixes: 0, pieces: 0 }));
      for (const { id, heads } of vehicles) {
        const parts = heads.map(({ bucket, fixes }) => {
          const part = starts.findLastIndex((start) => !isBefore([id, bucket], start));
          // Nothing lies before the first part.
          const size = sizes[part] as { fixes: number; pieces: number };
          size.fixes += fixes;
          size.pieces += 1;
          return part;
        });
        const all = heads.reduce((sum, { fixes }) => sum + fixes, 0);
        if (all <= limit) expect(new Set(parts).size).toBeLessThanOrEqual(1);
      }
      for (const { fixes, pieces } of sizes) {
        expect(pieces).toBeGreaterThan(0);
        if (pieces > 1) expect(fixes).toBeLessThanOrEqual(limit);
      }
    }),
  );
});
