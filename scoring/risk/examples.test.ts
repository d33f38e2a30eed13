import { describe, expect, it } from 'vitest';
import { vehicleScoreSchema } from '#contracts/risk';
import { exampleFeatures, exampleModels } from './examples.ts';
import { explain } from './explain.ts';
import { untrainedModels } from './models.ts';
import { scoreVehicle } from './score-vehicle.ts';

const now = new Date('2026-11-20T09:00:00.000Z');

describe('the example', () => {
  it('is a valid score that explains itself, with a forecast by the prior', () => {
    const result = scoreVehicle(exampleFeatures(), exampleModels(), now);
    expect(() => vehicleScoreSchema.parse(result)).not.toThrow();
    expect(result).toMatchObject({ riskLevel: 'high', confidence: 'medium', dataStatus: 'ok' });
    expect(result.modelVersion).toMatch(/^prior-/);
    const { failureProbability: chance, daysToFailure: days } = result;
    expect(chance?.days90).toBeGreaterThanOrEqual(chance?.days7 ?? 1);
    expect(days?.p90).toBeGreaterThan(days?.p10 ?? 0);
    const lines = explain(result);
    expect(lines[0]).toContain('drive to the dealer');
    // Verdict, chances, range; then what the forecast rests on, what is unknown, and confidence.
    expect(lines).toHaveLength(result.contributors.length + 6);
  });

  it('is the same without trained parts, except for what these say', () => {
    const result = scoreVehicle(exampleFeatures(), untrainedModels(), now);
    expect(result).toMatchObject({ modelVersion: 'faults-1', riskLevel: 'high', confidence: 'high' });
    expect(result.riskScore + result.healthScore).toBeCloseTo(100, 9);
    expect(explain(result)).toHaveLength(result.contributors.length + 3);
  });

  it('leaves what it was given untouched and answers the same again', () => {
    const features = exampleFeatures();
    const first = scoreVehicle(features, exampleModels(), now);
    expect(features).toEqual(exampleFeatures());
    expect(scoreVehicle(features, exampleModels(), now)).toEqual(first);
  });
});
