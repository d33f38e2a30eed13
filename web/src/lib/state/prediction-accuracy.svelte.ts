/** How predictions compare with what happened, for the period, organisation and model that the URL names. */
import type { PredictionAccuracy } from '#contracts/scoring';
import type { AccuracyQuery } from '../api/reports.ts';
import { LatestRead } from './latest-read.svelte.ts';

export class AccuracyReport extends LatestRead {
  report = $state.raw<PredictionAccuracy | null>(null);
  #query: AccuracyQuery = {};
  readonly #ask: (query: AccuracyQuery) => Promise<PredictionAccuracy>;

  constructor(ask: (query: AccuracyQuery) => Promise<PredictionAccuracy>) {
    super();
    this.#ask = ask;
  }

  async load(query: AccuracyQuery = this.#query): Promise<void> {
    this.#query = query;
    await this.read(
      () => this.#ask(query),
      (report) => (this.report = report),
    );
  }
}
