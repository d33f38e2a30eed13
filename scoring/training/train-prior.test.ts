/** Training the prior: its shape is chosen on fleets it has not learned from. */
import { describe, expect, it } from 'vitest';
import { modelArtefactSchema } from '#contracts/scoring-models';
import { failureChances } from '../forecast/forecast.ts';
import { simulatedFeatures, simulateTenant } from './fixtures/simulated-tenant.ts';
import { everyLifetime, trainPrior, type PriorParams, type TrainedPrior } from './train-prior.ts';

const train = simulateTenant({ seed: 1, trucks: 120, days: 200 });
const validation = simulateTenant({ seed: 2, trucks: 60, days: 200 });
const good: PriorParams = {
  rounds: 60,
  depth: 3,
  learningRate: 0.15,
  minLeaf: 100,
  bins: 32,
  subsample: 0.7,
  l2: 5,
  periods: 8,
};
const timid: PriorParams = { ...good, rounds: 10, learningRate: 0.001 };
const fit = (candidates: readonly PriorParams[]): TrainedPrior => {
  const answer = trainPrior({ train, validation, candidates, seed: 1 }, simulatedFeatures, []);
  if ('kind' in answer) throw new Error(answer.kind);
  return answer;
};

describe('trainPrior', () => {
  it('passes on what the data refuse', () => {
    const quiet = { ...train, events: [] };
    expect(trainPrior({ train: quiet, validation, candidates: [good], seed: 1 }, simulatedFeatures, [])).toMatchObject({
      kind: 'no_events',
    });
    expect(trainPrior({ train, validation, candidates: [], seed: 1 }, simulatedFeatures, [])).toEqual({
      kind: 'no_convergence',
    });
    const broken = { ...train, landmarks: train.landmarks.map((row) => ({ ...row, x: [Infinity, 1, 1, 1] })) };
    expect(everyLifetime(broken)).toMatchObject({ kind: 'non_finite' });
  });

  it('takes the candidate and the number of trees that serve other fleets best', () => {
    const told: number[] = [];
    const answer = trainPrior(
      { train, validation, candidates: [timid, good], seed: 1, onTried: ({ loss }) => told.push(loss) },
      simulatedFeatures,
      [],
    );
    if ('kind' in answer) throw new Error(answer.kind);
    expect(answer.chosen.params).toBe(good);
    expect(answer.tried.map(({ loss }) => loss)).toEqual(told);
    expect(told[1] as number).toBeLessThan(told[0] as number);
    expect(answer.artefact.survival?.trees.sizes).toHaveLength(answer.chosen.rounds);
  });

  it('is an artefact that knows what a fault means, the same every time', () => {
    const { artefact, landmarks, failures } = fit([good]);
    expect(modelArtefactSchema.parse({ version: 'x', ...artefact })).toBeTruthy();
    expect(JSON.stringify(fit([good]).artefact)).toBe(JSON.stringify(artefact));
    expect(landmarks).toBe(train.landmarks.length);
    expect(failures).toBeGreaterThan(100);
    const { survival, calibration } = artefact;
    if (survival === null) throw new Error('no curve');
    const [well, ill] = failureChances(survival, calibration, [
      [0, 5, 400, 0.5],
      [1, 5, 400, 0.5],
    ]);
    expect(ill?.days7 ?? 0).toBeGreaterThan(2 * (well?.days7 ?? 1));
    const { days7, days30, days90 } = survival.typical;
    expect(0 < days7 && days7 < days30 && days30 < days90 && days90 < 1).toBe(true);
    expect(survival.reference[0]).toBe(0);
    expect(survival.reference[1]).toBeGreaterThan(4);
  });
});
