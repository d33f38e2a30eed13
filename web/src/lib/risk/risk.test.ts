import fc from 'fast-check';
import { fireEvent, render, screen } from '@testing-library/svelte';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import {
  adjustableWeights,
  riskSettingsInputSchema,
  type RiskPreview,
  type RiskSettings,
  type RiskSettingsInput,
} from '#contracts/scoring';
import { idOf } from '../../../test/builders.ts';
import { ApiFailure } from '../api/failure.ts';
import { RiskSettingsEditor, type RiskSettingsRequests } from '../state/risk-settings.svelte.ts';
import { toasts } from '../state/toasts.svelte.ts';
import { bandsError, inputFrom, isSameRisk, levelSpans, valuesFrom, weightError, weightNames } from './values.ts';
import WeightField from './WeightField.svelte';
import { weightOrder, weightScale, weightWords } from './weights.ts';
import WhatIfPanel from './WhatIfPanel.svelte';

const defaults: RiskSettings['defaults'] = {
  riskBands: { medium: 25, high: 50, critical: 75 },
  weights: {
    ...{ serviceIntervalMiles: 30_000, survivalMax: 25, anomalyMax: 12, serviceOverdueMax: 10, repairsMax: 6 },
    ...{ lampRedStop: 20, lampAmberWarning: 6 },
  },
};
const settings = (rest: Partial<RiskSettings> = {}): RiskSettings => ({
  ...structuredClone(defaults),
  defaults,
  updatedAt: '2026-11-01T00:00:00.000Z',
  ...rest,
});
const preview = (rest: Partial<RiskPreview> = {}): RiskPreview => ({
  vehicleCount: 40,
  before: { low: 20, medium: 10, high: 8, critical: 2 },
  after: { low: 20, medium: 10, high: 8, critical: 2 },
  changedCount: 0,
  changes: [],
  ...rest,
});

beforeEach(() => {
  toasts.items = [];
});

describe('the values on screen', () => {
  it('are a setting only when all are there and in their ranges; a default is sent as null', () => {
    const values = valuesFrom(defaults);
    expect(inputFrom(values, defaults)?.riskBands).toBeNull();
    expect(Object.values(inputFrom(values, defaults)?.weights ?? {}).every((value) => value === null)).toBe(true);
    values.weights.survivalMax = 30;
    values.riskBands.high = 55;
    expect(inputFrom(values, defaults)).toMatchObject({
      riskBands: { medium: 25, high: 55, critical: 75 },
      weights: { survivalMax: 30, anomalyMax: null },
    });
    values.weights.anomalyMax = null;
    expect(inputFrom(values, defaults)).toBeNull();
    values.weights.anomalyMax = 26;
    expect(inputFrom(values, defaults)).toBeNull();
    expect(isSameRisk(values, valuesFrom(defaults))).toBe(false);
  });

  it('are refused here exactly where the contract refuses them', () => {
    const number = fc.option(fc.oneof(fc.integer({ min: -5, max: 110 }), fc.constant(Number.NaN)), { nil: null });
    fc.assert(
      fc.property(number, number, number, number, (medium, high, critical, survivalMax) => {
        const values = valuesFrom(defaults);
        values.riskBands = { medium, high, critical };
        values.weights.survivalMax = survivalMax;
        const input = inputFrom(values, defaults);
        const isGood = bandsError(values.riskBands) === null && weightError('survivalMax', survivalMax) === null;
        expect(input !== null).toBe(isGood);
        if (input !== null) expect(riskSettingsInputSchema.safeParse(input).success).toBe(true);
      }),
    );
  });

  it('make levels that cover 0 to 100 without a gap, whatever the edges are', () => {
    const edge = fc.option(fc.integer({ min: -50, max: 150 }), { nil: null });
    fc.assert(
      fc.property(edge, edge, edge, (medium, high, critical) => {
        const spans = levelSpans({ medium, high, critical });
        expect([spans[0]?.from, spans.at(-1)?.to]).toEqual([0, 100]);
        spans.forEach(({ from, to }, index) => {
          expect(to).toBeGreaterThanOrEqual(from);
          expect(spans[index + 1]?.from ?? 100).toBe(to);
        });
      }),
    );
  });
});

describe('a weight', () => {
  it('has words and a place on the page', () => {
    expect(weightOrder.toSorted()).toEqual(weightNames.toSorted());
    for (const name of weightNames) expect(weightWords[name].hint).not.toBe('');
  });

  it('that is a distance is edited in the units of the organisation and kept in miles', () => {
    const scale = weightScale('serviceIntervalMiles', 'metric');
    expect([scale.unit, scale.show(30_000), scale.store(48_280)]).toEqual(['km', 48_280, 30_000]);
    for (const end of [scale.min, scale.max]) {
      const { min, max } = adjustableWeights.serviceIntervalMiles;
      expect(scale.store(end)).toBeGreaterThanOrEqual(min);
      expect(scale.store(end)).toBeLessThanOrEqual(max);
    }
    expect(weightScale('survivalMax', 'metric').show(12.5)).toBe(12.5);
  });

  it('shows its default, the way back to it, and what is wrong with it', async () => {
    const changed = vi.fn();
    const props = { name: 'survivalMax' as const, value: 25, standard: 25, units: 'us' as const, changed };
    render(WeightField, props);
    expect(screen.getByText('the default')).toBeTruthy();
    const number = screen.getByRole('spinbutton');
    await fireEvent.input(number, { target: { value: '31' } });
    expect(screen.getByRole<HTMLInputElement>('slider').value).toBe('31');
    await fireEvent.input(number, { target: { value: '41' } });
    expect(screen.getByText('Enter a number from 0 to 40.')).toBeTruthy();
    await fireEvent.input(number, { target: { value: '30' } });
    await fireEvent.click(screen.getByRole('button', { name: 'default 25' }));
    expect(screen.getByText('the default')).toBeTruthy();
    expect(changed).toHaveBeenCalledTimes(4);
  });
});

describe('the editor', () => {
  const setUp = (requests: Partial<RiskSettingsRequests> = {}) => {
    const save = vi.fn((input: RiskSettingsInput, _tag: string | null) =>
      Promise.resolve({
        data: settings({ weights: { ...defaults.weights, survivalMax: input.weights?.survivalMax ?? 25 } }),
        tag: '"v2"',
      }),
    );
    const ask = vi.fn((_input: RiskSettingsInput) => Promise.resolve(preview()));
    const editor = new RiskSettingsEditor({
      get: () => Promise.resolve({ data: settings(), tag: '"v1"' }),
      save,
      preview: ask,
      ...requests,
    });
    return { editor, save, ask };
  };
  const edit = (editor: RiskSettingsEditor, survivalMax: number | null): void => {
    if (editor.values !== null) editor.values.weights.survivalMax = survivalMax;
    editor.preview();
  };

  it('asks for a preview when the values have settled, never for values that are none, never twice for the same', async () => {
    vi.useFakeTimers();
    const { editor, ask } = setUp();
    await editor.load();
    await vi.advanceTimersByTimeAsync(1);
    expect(ask).toHaveBeenCalledOnce();
    for (const value of [26, 27, 28]) {
      edit(editor, value);
      await vi.advanceTimersByTimeAsync(100);
    }
    await vi.advanceTimersByTimeAsync(600);
    expect(ask).toHaveBeenCalledTimes(2);
    expect(ask.mock.lastCall?.[0].weights?.survivalMax).toBe(28);
    edit(editor, null);
    await vi.advanceTimersByTimeAsync(600);
    edit(editor, 25);
    await vi.advanceTimersByTimeAsync(600);
    expect(ask).toHaveBeenCalledTimes(2);
    editor.stop();
    vi.useRealTimers();
  });

  it('asks again when the server says it may, and for what is on screen', async () => {
    vi.useFakeTimers();
    const limited = new ApiFailure({ code: 'RATE_LIMITED', status: 429, message: 'Wait.', retryAfterSeconds: 12 });
    const ask = vi.fn<RiskSettingsRequests['preview']>().mockRejectedValueOnce(limited).mockResolvedValue(preview());
    const { editor } = setUp({ preview: ask });
    await editor.load();
    await vi.advanceTimersByTimeAsync(1);
    expect(editor.whatIf.failure?.code).toBe('RATE_LIMITED');
    await vi.advanceTimersByTimeAsync(12_100);
    expect(ask).toHaveBeenCalledTimes(2);
    expect([editor.whatIf.failure, editor.whatIf.preview?.vehicleCount]).toEqual([null, 40]);
    editor.stop();
    vi.useRealTimers();
  });

  it('saves as a change of the version it has read, with a way back to what was', async () => {
    const { editor, save } = setUp();
    const heard = vi.fn();
    editor.onSettings = heard;
    await editor.load();
    expect(editor.isChanged).toBe(false);
    edit(editor, 30);
    expect(editor.isChanged).toBe(true);
    await editor.save();
    expect(save.mock.lastCall?.[1]).toBe('"v1"');
    expect(save.mock.lastCall?.[0].weights?.survivalMax).toBe(30);
    expect([editor.isChanged, editor.settings?.weights.survivalMax]).toEqual([false, 30]);
    toasts.items[0]?.undo?.();
    await vi.waitFor(() => expect(save).toHaveBeenCalledTimes(2));
    expect(save.mock.lastCall?.[1]).toBe('"v2"');
    expect(save.mock.lastCall?.[0].weights?.survivalMax).toBeNull();
    await vi.waitFor(() => expect(editor.settings?.weights.survivalMax).toBe(25));
    expect(heard).toHaveBeenCalledTimes(3);
    editor.stop();
  });

  it('keeps what was typed when somebody else was faster, and shows theirs on demand', async () => {
    const outdated = new ApiFailure({ code: 'PRECONDITION_FAILED', status: 412, message: 'Changed meanwhile.' });
    const { editor } = setUp({ save: () => Promise.reject(outdated) });
    await editor.load();
    edit(editor, 30);
    await editor.save();
    expect([editor.isOutdated, editor.values?.weights.survivalMax]).toEqual([true, 30]);
    await editor.load();
    expect([editor.isOutdated, editor.saveFailure, editor.values?.weights.survivalMax]).toEqual([false, null, 25]);
    editor.stop();
  });

  it('goes back to what is in force, or to every default, and saves neither by itself', async () => {
    const own = settings({ weights: { ...defaults.weights, repairsMax: 9 } });
    const { editor, save } = setUp({ get: () => Promise.resolve({ data: own, tag: null }) });
    await editor.load();
    editor.useDefaults();
    expect([editor.values?.weights.repairsMax, editor.isChanged]).toEqual([6, true]);
    editor.discard();
    expect([editor.values?.weights.repairsMax, editor.isChanged]).toEqual([9, false]);
    expect(save).not.toHaveBeenCalled();
    editor.stop();
  });
});

describe('the what-if', () => {
  const retry = vi.fn();
  it('names the trucks whose level changes and how many there are', () => {
    const changes = Array.from({ length: 14 }, (_, n) => ({
      vehicleId: idOf(n),
      unitNumber: `U-${n}`,
      before: { riskScore: 48, riskLevel: 'medium' as const },
      after: { riskScore: 53, riskLevel: 'high' as const },
    }));
    const after = { low: 20, medium: 0, high: 18, critical: 2 };
    const shown = preview({ after, changedCount: 140, changes });
    render(WhatIfPanel, { preview: shown, isLoading: false, isPossible: true, failure: null, retry });
    const text = document.body.textContent ?? '';
    expect(text).toContain('140 trucks change level');
    expect(text).toContain('−10');
    expect(text).toContain('+10');
    expect(text).toContain('The 14 largest moves of 140 are listed.');
    expect(screen.getAllByRole('link')).toHaveLength(12);
    expect(screen.getByRole('link', { name: 'U-0' }).getAttribute('href')).toBe(`/vehicles/${idOf(0)}`);
  });

  it('says when nobody changes, when there is nobody, and when a value is none', async () => {
    const props = { preview: preview(), isLoading: false, isPossible: true, failure: null, retry };
    const { rerender } = render(WhatIfPanel, props);
    expect(screen.getByText('No truck changes its level')).toBeTruthy();
    await rerender({ ...props, isPossible: false });
    expect(screen.getByRole('status').textContent).toContain('Waiting for valid values');
    await rerender({ ...props, preview: preview({ vehicleCount: 0 }) });
    expect(document.body.textContent).toContain('nothing to try the settings on');
  });
});
