import { fireEvent, render, screen } from '@testing-library/svelte';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import {
  modelRecipes,
  modelStatuses,
  trainingRunStatuses,
  type ActiveModel,
  type TrainingRun,
} from '#contracts/scoring';
import { activeModel, idOf, modelQuality, scoringModel, trainingRun } from '../../../test/builders.ts';
import { ApiFailure } from '../api/failure.ts';
import { ScoringModels, type ModelRequests } from '../state/scoring-models.svelte.ts';
import { toasts } from '../state/toasts.svelte.ts';
import ActiveModelPanel from './ActiveModelPanel.svelte';
import RunList from './RunList.svelte';
import VersionTable from './VersionTable.svelte';
import {
  horizonFrom,
  horizonRows,
  isOver,
  modelStatusLook,
  qualityRows,
  qualitySentence,
  recipeWords,
  runLook,
  runSentence,
} from './words.ts';

const over = (n: number, rest: Partial<TrainingRun> = {}): TrainingRun =>
  trainingRun(n, {
    status: 'succeeded',
    finishedAt: '2026-11-20T09:04:00.000Z',
    outcome: { kind: 'promoted', reason: 'At least as good out of time.', modelId: idOf(1) },
    ...rest,
  });
const refusal = (code: 'CONFLICT' | 'UNAVAILABLE', status: number, message: string, details?: unknown): ApiFailure =>
  new ApiFailure({ code, status, message, details });

beforeEach(() => {
  toasts.items = [];
});

describe('models and trainings', () => {
  it('have a word and a shape for whatever they may be', () => {
    expect(new Set(modelStatuses.map((status) => modelStatusLook(status).shape)).size).toBe(modelStatuses.length);
    for (const recipe of modelRecipes) expect(recipeWords[recipe]).not.toBe('');
    for (const status of trainingRunStatuses) expect(runLook({ status, outcome: null }).word).not.toBe('');
    expect(trainingRunStatuses.filter((status) => isOver({ status }))).toEqual(['succeeded', 'refused', 'failed']);
    expect(runSentence(over(1))).toBe('New model in use: At least as good out of time.');
    expect(runSentence(trainingRun(1, { status: 'failed', error: 'It broke.' }))).toBe(
      'The training failed. It broke.',
    );
    expect(
      runSentence(
        trainingRun(1, { status: 'refused', outcome: { kind: 'refused', reason: '8 failures of 20.', modelId: null } }),
      ),
    ).toBe('Too little data: 8 failures of 20.');
  });

  it('are as good as their numbers, lower or higher being better as it is for each', () => {
    expect(qualityRows(modelQuality()).map(({ word, isBetter }) => [word, isBetter])).toEqual([
      ['Concordance', true],
      ['Integrated Brier score', true],
    ]);
    const worse = modelQuality({ concordance: 0.4, integratedBrier: 0.2, baselineIntegratedBrier: null });
    expect(qualityRows(worse).map(({ isBetter }) => isBetter)).toEqual([false, null]);
    expect(horizonRows(modelQuality()).map(({ days, brier, auc }) => [days, brier.own, auc.baseline])).toEqual([
      [7, '0.080', '0.500'],
      [30, '0.080', '0.500'],
      [90, '0.080', '0.500'],
    ]);
  });

  it('say in a sentence what that means, and that nothing could be measured', () => {
    expect(qualitySentence(modelQuality())).toBe(
      'On times it had not seen, of two trucks it names the one that fails first 78 times in 100, and its chances are 20 % closer to what happened than the fleet’s average is.',
    );
    expect(qualitySentence(modelQuality({ integratedBrier: 0.12 }))).toContain('no closer to what happened');
    expect(qualitySentence(modelQuality({ concordance: null, integratedBrier: null }))).toContain(
      'could not be measured',
    );
  });

  it('take their horizon from the URL', () => {
    expect([horizonFrom('7'), horizonFrom('90'), horizonFrom('31'), horizonFrom(null)]).toEqual([7, 90, 30, 30]);
  });
});

describe('the models of an organisation', () => {
  const setUp = (requests: Partial<ModelRequests> = {}) => {
    const choose = vi.fn((modelId: string | null, isPinned: boolean): Promise<ActiveModel> =>
      Promise.resolve(activeModel({ model: modelId === null ? null : scoringModel(1, { id: modelId }), isPinned })),
    );
    const models = new ScoringModels({
      active: () => Promise.resolve(activeModel({ model: scoringModel(1, { status: 'active' }) })),
      list: () =>
        Promise.resolve({ data: [scoringModel(1), scoringModel(2)], meta: { total: 2, page: 1, pageSize: 20 } }),
      choose,
      train: () => Promise.resolve(idOf(1)),
      run: () => Promise.resolve(over(1)),
      runs: () => Promise.resolve([over(9)]),
      ...requests,
    });
    return { models, choose };
  };

  it('are taken back to with one click, which can be taken back itself', async () => {
    const { models, choose } = setUp();
    await models.load();
    await models.choose(scoringModel(2).id, 'fleet-2');
    expect(choose.mock.lastCall).toEqual([scoringModel(2).id, true]);
    expect(toasts.items[0]?.message).toContain('made with fleet-2');
    toasts.items[0]?.undo?.();
    await vi.waitFor(() => expect(choose).toHaveBeenCalledTimes(2));
    expect(choose.mock.lastCall).toEqual([scoringModel(1).id, false]);
  });

  it('are pinned and let go without being changed', async () => {
    const { models, choose } = setUp();
    await models.load();
    await models.pin(true);
    expect(choose.mock.lastCall).toEqual([scoringModel(1).id, true]);
    await models.pin(false);
    expect(choose.mock.lastCall).toEqual([scoringModel(1).id, false]);
  });

  it('stay as they are when the server refuses', async () => {
    const { models } = setUp({ choose: () => Promise.reject(refusal('CONFLICT', 409, 'It is too old.')) });
    await models.load();
    await models.choose(null, 'prior-1');
    expect(models.active?.model?.id).toBe(scoringModel(1).id);
    expect(toasts.items.map(({ kind, message }) => [kind, message])).toEqual([
      ['error', 'The model could not be changed. It is too old.'],
    ]);
  });

  it('are trained, followed, and read again when it is over', async () => {
    vi.useFakeTimers();
    const run = vi
      .fn<ModelRequests['run']>()
      .mockResolvedValueOnce(trainingRun(1, { progress: { step: 'Reading', share: 0.1 } }))
      .mockRejectedValueOnce(refusal('UNAVAILABLE', 503, 'Not just now.'))
      .mockResolvedValueOnce(trainingRun(1, { progress: { step: 'Fitting', share: 0.6 } }))
      .mockResolvedValueOnce(over(1));
    const active = vi.fn(() => Promise.resolve(activeModel()));
    const { models } = setUp({ run, active });
    await models.load();
    await models.train();
    expect(models.running?.progress.step).toBe('Reading');
    await vi.advanceTimersByTimeAsync(1_500);
    expect(models.isLost).toBe(true);
    await vi.advanceTimersByTimeAsync(6_000);
    expect([models.isLost, models.running?.progress.step]).toEqual([false, 'Fitting']);
    await vi.advanceTimersByTimeAsync(1_500);
    expect(models.running).toBeNull();
    expect(active).toHaveBeenCalledTimes(2);
    expect(toasts.items.map(({ message }) => message)).toEqual(['New model in use: At least as good out of time.']);
    vi.useRealTimers();
  });

  it('follow the training that somebody else has started', async () => {
    vi.useFakeTimers();
    const run = vi.fn(() => Promise.resolve(trainingRun(5)));
    const { models } = setUp({
      run,
      train: () => Promise.reject(refusal('CONFLICT', 409, 'One is under way.', { id: idOf(5) })),
    });
    await models.load();
    await models.train();
    expect(run).toHaveBeenCalledExactlyOnceWith(idOf(5));
    expect(models.running?.id).toBe(trainingRun(5).id);
    models.stop();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(run).toHaveBeenCalledOnce();
    vi.useRealTimers();
  });

  it('say why a training could not be started', async () => {
    const { models } = setUp({
      train: () => Promise.reject(refusal('CONFLICT', 409, 'Predictions are switched off.')),
    });
    await models.load();
    await models.train();
    expect([models.running, models.isStarting]).toEqual([null, false]);
    expect(toasts.items[0]?.message).toContain('Predictions are switched off.');
  });

  it('go on following a training that was under way when the page was opened', async () => {
    const { models } = setUp({ runs: () => Promise.resolve([trainingRun(3), over(2)]) });
    await models.load();
    expect(models.running?.id).toBe(trainingRun(3).id);
    models.stop();
  });
});

describe('the model page', () => {
  it('offers every model but the one in use and those whose artefact is gone, and the prior', async () => {
    const choose = vi.fn();
    const current = scoringModel(1, { status: 'active' });
    render(VersionTable, {
      models: [current, scoringModel(2), scoringModel(3, { artefactBytes: 0 })],
      active: activeModel({ model: current }),
      isBusy: false,
      choose,
    });
    expect(screen.getAllByRole('button', { name: /^Use/ }).map((button) => button.getAttribute('aria-label'))).toEqual([
      'Use fleet-2',
      'Use prior-1',
    ]);
    await fireEvent.click(screen.getByRole('button', { name: 'Use prior-1' }));
    expect(choose).toHaveBeenCalledExactlyOnceWith(null, 'prior-1');
  });

  it('says what scores are made with while nothing was trained', async () => {
    const pin = vi.fn();
    render(ActiveModelPanel, { active: activeModel(), isBusy: false, pin });
    expect(document.body.textContent).toContain('The general model that comes with TruckIQ');
    const button = screen.getByRole('button', { name: /Pin it/ });
    expect(button.getAttribute('aria-pressed')).toBe('false');
    await fireEvent.click(button);
    expect(pin).toHaveBeenCalledExactlyOnceWith(true);
  });

  it('lists trainings with their outcome in words', () => {
    render(RunList, { runs: [trainingRun(1), over(2), trainingRun(3, { status: 'failed', error: 'It broke.' })] });
    expect(screen.getAllByRole('listitem').map((item) => item.textContent?.replace(/\s+/g, ' ').trim())).toEqual([
      expect.stringContaining('Fitting'),
      expect.stringContaining('New model in use At least as good out of time.'),
      expect.stringContaining('It broke.'),
    ]);
  });
});
