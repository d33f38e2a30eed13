/**
 * The models of one organisation: what scores are made with, what else there is, and training, which is followed by asking
 * now and then while it runs.
 */
import type { ActiveModel, ScoringModel, TrainingRun } from '#contracts/scoring';
import { toFailure, type ApiFailure } from '../api/failure.ts';
import type { Page } from '../api/fleet.ts';
import { isOver, runLook, runSentence } from '../models/words.ts';
import { LatestRead } from './latest-read.svelte.ts';
import { toasts } from './toasts.svelte.ts';
import { offerUndo } from './undo.ts';

const askEveryMs = 1_500;

export interface ModelRequests {
  active: () => Promise<ActiveModel>;
  list: (page: number) => Promise<Page<ScoringModel>>;
  choose: (modelId: string | null, isPinned: boolean) => Promise<ActiveModel>;
  /** Those of training need `scoring:manage`. */
  train: () => Promise<string>;
  run: (id: string) => Promise<TrainingRun>;
  runs: () => Promise<TrainingRun[]>;
}

/** The run that a refusal to start another names; null when it names none. */
function runningId({ code, details }: ApiFailure): string | null {
  if (code !== 'CONFLICT' || typeof details !== 'object' || details === null || !('id' in details)) return null;
  return typeof details.id === 'string' ? details.id : null;
}

export class ScoringModels extends LatestRead {
  active = $state.raw<ActiveModel | null>(null);
  page = $state.raw<Page<ScoringModel> | null>(null);
  runs = $state.raw<TrainingRun[] | null>(null);
  /** Followed until it is over. */
  running = $state.raw<TrainingRun | null>(null);
  isStarting = $state(false);
  isChoosing = $state(false);
  /** Training is under way but how far it is could not be read the last time. */
  isLost = $state(false);
  #pageNumber = 1;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #isStopped = false;
  readonly #requests: ModelRequests;

  constructor(requests: ModelRequests) {
    super();
    this.#requests = requests;
  }

  async load(page = this.#pageNumber): Promise<void> {
    this.#pageNumber = page;
    await this.read(
      () => Promise.all([this.#requests.active(), this.#requests.list(page), this.#requests.runs()]),
      ([active, models, runs]) => {
        this.active = active;
        this.page = models;
        this.runs = runs;
        const open = runs.find((run) => !isOver(run));
        if (open !== undefined && this.running === null) this.#follow(open);
      },
    );
  }

  /** Starts a training, or follows the one that is under way already. */
  async train(): Promise<void> {
    if (this.isStarting || this.running !== null) return;
    this.isStarting = true;
    try {
      const id = await this.#requests.train();
      await this.#ask(id);
    } catch (thrown) {
      const failure = toFailure(thrown);
      const id = runningId(failure);
      if (id === null) toasts.show('error', `Training could not be started. ${failure.message}`);
      else {
        toasts.show('info', 'A training is under way already.');
        await this.#ask(id);
      }
    } finally {
      this.isStarting = false;
    }
  }

  #follow(run: TrainingRun): void {
    if (this.#isStopped) return;
    this.running = run;
    this.#timer = setTimeout(() => void this.#ask(run.id), askEveryMs);
  }

  async #ask(id: string): Promise<void> {
    if (this.#isStopped) return;
    try {
      const run = await this.#requests.run(id);
      this.isLost = false;
      if (!isOver(run)) {
        this.#follow(run);
        return;
      }
      this.running = null;
      toasts.show(runLook(run).tone === 'high' ? 'error' : 'success', runSentence(run));
      await this.load();
    } catch (thrown) {
      if (toFailure(thrown).retryable) {
        this.isLost = true;
        this.#timer = setTimeout(() => void this.#ask(id), askEveryMs * 4);
      } else {
        this.running = null;
        await this.load();
      }
    }
  }

  /** Scores are made with this one from now on; null is the prior. One click, with a way back. */
  async choose(modelId: string | null, version: string): Promise<void> {
    await this.#choose(modelId, true, `Scores are made with ${version} now. Nightly training leaves it so.`);
  }

  /** Keeps the nightly training from changing the model, or lets it again. */
  async pin(isPinned: boolean): Promise<void> {
    const words = isPinned
      ? 'The model stays as it is until somebody changes it.'
      : 'Nightly training may take a better model into use again.';
    await this.#choose(this.active?.model?.id ?? null, isPinned, words);
  }

  async #choose(modelId: string | null, isPinned: boolean, words: string): Promise<void> {
    const before = this.active;
    if (before === null || this.isChoosing) return;
    if (!(await this.#put(modelId, isPinned))) return;
    offerUndo(words, async () => {
      if (await this.#put(before.model?.id ?? null, before.isPinned)) toasts.show('success', 'It is as it was.');
    });
  }

  async #put(modelId: string | null, isPinned: boolean): Promise<boolean> {
    this.isChoosing = true;
    try {
      this.active = await this.#requests.choose(modelId, isPinned);
      await this.load();
      return true;
    } catch (thrown) {
      toasts.show('error', `The model could not be changed. ${toFailure(thrown).message}`);
      return false;
    } finally {
      this.isChoosing = false;
    }
  }

  /** The page is being left; the training goes on. */
  stop(): void {
    this.#isStopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }
}
