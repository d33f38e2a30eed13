import { expect, test } from 'vitest';
import { riskPreviewSchema } from '#contracts/scoring';
import { mostListed, previewCounter, type ScorePair } from './preview-rules.ts';

const pair = (unit: number, before: ScorePair['before'], after: ScorePair['after']): ScorePair => ({
  vehicleId: `01900000-0000-7000-8000-${String(unit).padStart(12, '0')}`,
  unitNumber: `U-${unit}`,
  before,
  after,
});
const at = (riskScore: number, riskLevel: ScorePair['before']['riskLevel']) => ({ riskScore, riskLevel });

test('levels before and after, and whose level moves, the largest move first', () => {
  const counter = previewCounter();
  counter.add([
    pair(1, at(10, 'low'), at(12, 'low')),
    pair(2, at(20, 'low'), at(30, 'medium')),
    pair(3, at(80, 'critical'), at(20, 'low')),
  ]);
  counter.add([pair(4, at(20, 'low'), at(45, 'medium'))]);
  const result = counter.result();
  expect(riskPreviewSchema.parse(result)).toEqual(result);
  expect(result).toMatchObject({
    vehicleCount: 4,
    before: { low: 3, medium: 0, high: 0, critical: 1 },
    after: { low: 2, medium: 2, high: 0, critical: 0 },
    changedCount: 3,
  });
  expect(result.changes.map(({ unitNumber }) => unitNumber)).toEqual(['U-3', 'U-4', 'U-2']);
});

test('of many changes a hundred are listed and all are counted, whatever the parts', () => {
  const pairs = Array.from({ length: 350 }, (_, unit) => pair(unit, at(20, 'low'), at(30 + (unit % 17), 'medium')));
  const [whole, parts] = [previewCounter(), previewCounter()];
  whole.add(pairs);
  for (let from = 0; from < pairs.length; from += 40) parts.add(pairs.slice(from, from + 40).reverse());
  expect(parts.result()).toEqual(whole.result());
  expect(whole.result().changedCount).toBe(350);
  expect(whole.result().changes).toHaveLength(mostListed);
});

test('an empty fleet has nothing to show', () => {
  expect(previewCounter().result()).toMatchObject({ vehicleCount: 0, changedCount: 0, changes: [] });
});
