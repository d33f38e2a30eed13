/**
 * One training from beginning to end, as a sequence of durable steps: begin → read → plan → fit every recipe → judge →
 * refit → keep → promote → finish. What each step does is handed in; this file only decides what comes next, from step
 * results alone, so that a replay after a crash takes the same way.
 */
import type { TrainingRun } from '#contracts/scoring';
import type { Comparison, ModelRecipe } from '#scoring';
import { StepFailed, type Steps } from '../../durable-steps.ts';
import type { StepFile } from './step-files.ts';

export type TrainingOutcome = NonNullable<TrainingRun['outcome']>;
export type TrainingProgress = TrainingRun['progress'];

/** What a run begins with; read once, so that every step works on the same state. */
export interface BegunTraining {
  /** Pages to be read, at most. */
  pages: number;
}

/** Refused data are a result, not an error. */
export interface Refused {
  refusal: string;
}
export const isRefused = (answer: object): answer is Refused => 'refusal' in answer;

export interface ReadPage {
  file: StepFile;
  landmarks: number;
  /** null after the last page. */
  nextVin: string | null;
}

export interface Planned {
  plan: StepFile;
  recipes: ModelRecipe[];
}

export interface Judged extends Comparison {
  judgement: StepFile;
  chosen: ModelRecipe;
  /** False: what is in force is the best there is, and there is nothing that it has not learned already. */
  isNews: boolean;
}

export interface KeptModel {
  modelId: string;
  version: string;
}

/** Everything that was read: the files of all pages. */
export type Pages = readonly StepFile[];

/** What the steps do. Every function may be called again after it has already taken effect. */
export interface TrainingWork<Begun extends BegunTraining> {
  /** null when the run has already ended. */
  begin(): Promise<Begun | null>;
  /** A sign of life, and where the run is. */
  report(progress: TrainingProgress): Promise<void>;
  read(begun: Begun, page: number, afterVin: string): Promise<ReadPage>;
  plan(begun: Begun, pages: Pages): Promise<Planned | Refused>;
  /** Refused: this recipe is out of the race. */
  fit(begun: Begun, pages: Pages, planned: Planned, recipe: ModelRecipe): Promise<{ fitted: StepFile } | Refused>;
  judge(begun: Begun, pages: Pages, planned: Planned, fitted: readonly StepFile[]): Promise<Judged | Refused>;
  refit(
    begun: Begun,
    pages: Pages,
    planned: Planned,
    judged: Judged,
    fitted: StepFile,
  ): Promise<{ trained: StepFile } | Refused>;
  /** Stores the artefact and writes the model into the registry. */
  keep(trained: StepFile, judged: Judged): Promise<KeptModel>;
  promote(begun: Begun, kept: KeptModel, judged: Judged): Promise<TrainingOutcome>;
  finish(end: {
    status: 'succeeded' | 'refused' | 'failed';
    outcome: TrainingOutcome | null;
    error: string | null;
  }): Promise<void>;
}

/** Where the shares of the whole lie; reading and fitting take turns of several steps each. */
const shares = { read: 0.02, plan: 0.3, fit: 0.35, judge: 0.75, refit: 0.8, keep: 0.95, promote: 0.97 } as const;

const recipeWords: Readonly<Record<ModelRecipe, string>> = {
  prior: 'the prior',
  corrected_prior: 'the corrected prior',
  own_trees: 'own trees',
};

/** Ends a training whose data were refused. */
class DataRefused extends Error {
  override readonly name = 'DataRefused';
}

const unlessRefused = <T extends object>(answer: T | Refused): T => {
  if (isRefused(answer)) throw new DataRefused(answer.refusal);
  return answer;
};

/** Runs one training. Failures become the run's end; only the engine's own interruptions are thrown. */
export async function runTraining<Begun extends BegunTraining>(
  steps: Steps,
  work: TrainingWork<Begun>,
): Promise<'succeeded' | 'refused' | 'failed' | 'ended'> {
  const begun = await steps.do('begin', () => work.begin());
  if (begun === null) return 'ended';
  try {
    const outcome = await train(steps, work, begun);
    await steps.do('finish', () => work.finish({ status: 'succeeded', outcome, error: null }));
    return 'succeeded';
  } catch (error) {
    if (error instanceof DataRefused) {
      const outcome = { kind: 'refused', reason: error.message, modelId: null } as const;
      await steps.do('finish', () => work.finish({ status: 'refused', outcome, error: null }));
      return 'refused';
    }
    if (!(error instanceof StepFailed)) throw error;
    const words = `The training stopped on an unexpected error: ${error.message}.`;
    await steps.do('finish', () => work.finish({ status: 'failed', outcome: null, error: words }));
    return 'failed';
  }
}

async function train<Begun extends BegunTraining>(
  steps: Steps,
  work: TrainingWork<Begun>,
  begun: Begun,
): Promise<TrainingOutcome> {
  const step = <T>(name: string, share: number, words: string, does: () => Promise<T>): Promise<T> =>
    steps.do(name, async () => {
      await work.report({ step: words, share: Math.round(share * 100) / 100 });
      return does();
    });

  const pages: StepFile[] = [];
  for (let page = 1, vin: string | null = ''; vin !== null; page += 1) {
    const afterVin: string = vin;
    const done = Math.min(1, (page - 1) / Math.max(1, begun.pages));
    const share = shares.read + done * (shares.plan - shares.read);
    const read: ReadPage = await step(`read ${page}`, share, 'Reading what was known, and what followed', () =>
      work.read(begun, page, afterVin),
    );
    pages.push(read.file);
    vin = read.nextVin;
  }

  const planned = unlessRefused(
    await step('plan', shares.plan, 'Choosing what to learn from', () => work.plan(begun, pages)),
  );
  const fitted = new Map<ModelRecipe, StepFile>();
  let firstRefusal: Refused | null = null;
  for (const [at, recipe] of planned.recipes.entries()) {
    const share = shares.fit + (at / planned.recipes.length) * (shares.judge - shares.fit);
    const answer = await step(`fit ${recipe}`, share, `Fitting ${recipeWords[recipe]}`, () =>
      work.fit(begun, pages, planned, recipe),
    );
    if (isRefused(answer)) firstRefusal ??= answer;
    else fitted.set(recipe, answer.fitted);
  }
  if (fitted.size === 0 && firstRefusal !== null) throw new DataRefused(firstRefusal.refusal);
  const judged = unlessRefused(
    await step('judge', shares.judge, 'Judging on what was held back', () =>
      work.judge(begun, pages, planned, [...fitted.values()]),
    ),
  );
  if (!judged.isNews) return { kind: 'kept', reason: judged.reason, modelId: null };
  const chosen = fitted.get(judged.chosen);
  if (chosen === undefined) throw new StepFailed(`"${judged.chosen}" was chosen and never fitted`);
  const { trained } = unlessRefused(
    await step('refit', shares.refit, 'Learning from everything', () =>
      work.refit(begun, pages, planned, judged, chosen),
    ),
  );
  const kept = await step('keep', shares.keep, 'Keeping the model', () => work.keep(trained, judged));
  return step('promote', shares.promote, 'Deciding what scores are made with', () => work.promote(begun, kept, judged));
}
