/** Isotonic calibration: the non-decreasing step that fits outcomes best, read with straight lines between its ends. */
import type { Refusal } from '../survival/refusal.ts';
import { demand } from '../trees/demand.ts';
import { refusalOf, type CalibrationInput, type IsotonicCalibration } from './calibration-model.ts';

interface Block {
  /** Weight of the outcomes that were 1, and of all. */
  ones: number;
  count: number;
  first: number;
  last: number;
}

/**
 * Fits by pooling adjacent violators (Ayer et al. 1955; Zadrozny & Elkan 2002). Equal scores are one point with their mean
 * outcome. Each pooled block gives a knot at its lowest and one at its highest score; between knots the probability is
 * linear. One class only, or fewer than two scores, is a refusal; weights that are not above 0 are a RangeError.
 */
export const calibrateIsotonic = (input: CalibrationInput): IsotonicCalibration | Refusal => {
  const refusal = refusalOf(input);
  if (refusal !== null) return refusal;
  const { score, outcome, weight } = input;
  demand(weight === undefined || weight.length === score.length, 'weight and score must have the same length');
  demand(
    weight === undefined || weight.every((value) => value > 0 && value < Infinity),
    'weight must hold numbers above 0',
  );
  const order = score.map((_, at) => at).sort((a, b) => (score[a] as number) - (score[b] as number));
  if (weight !== undefined) {
    // Weights are added up: in one order, whatever order the pairs came in.
    const rank = (at: number): number => (weight[at] as number) * (outcome[at] === 1 ? 1 : -1);
    order.sort((a, b) => (score[a] as number) - (score[b] as number) || rank(a) - rank(b));
  }
  const blocks: Block[] = [];
  for (let at = 0; at < order.length;) {
    const value = score[order[at] as number] as number;
    const block: Block = { ones: 0, count: 0, first: value + 0, last: value + 0 };
    while (at < order.length && score[order[at] as number] === value) {
      const counts = weight === undefined ? 1 : (weight[order[at] as number] as number);
      block.ones += counts * (outcome[order[at] as number] as number);
      block.count += counts;
      at += 1;
    }
    let top = blocks.at(-1);
    // Compared as products of counts: exact. Equal means pool too, which leaves fewer knots and the same line.
    while (top !== undefined && top.ones * block.count >= block.ones * top.count) {
      block.ones += top.ones;
      block.count += top.count;
      block.first = top.first;
      blocks.pop();
      top = blocks.at(-1);
    }
    blocks.push(block);
  }
  const model: IsotonicCalibration = { method: 'isotonic', scores: [], probabilities: [] };
  for (const { ones, count, first, last } of blocks) {
    for (const knot of first === last ? [first] : [first, last]) {
      model.scores.push(knot);
      model.probabilities.push(Math.min(1, ones / count));
    }
  }
  return model;
};
