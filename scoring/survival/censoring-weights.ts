/**
 * Inverse probability of censoring weights for judging predictions: who failed at t counts 1/G(t−), who is still at risk after t
 * counts 1/G(t), with G the censoring distribution of the training rows (reverse Kaplan–Meier, failures before censorings).
 */
import { censoringCurve, type CensoringCurve } from './kaplan-meier.ts';
import { readLifetimes, type Lifetimes } from './lifetimes.ts';
import { insufficientData, type Refusal } from './refusal.ts';

export interface JudgedInput {
  /** The rows that censoring is learned from. */
  trainTime: readonly number[];
  trainEvent: readonly number[];
  /** The rows that the predictions are about. */
  time: readonly number[];
  event: readonly number[];
}

export interface Judged {
  lifetimes: Lifetimes;
  censoring: CensoringCurve;
}

/** Reads both sets of rows; `insufficient_data` when either is empty. */
export const readJudged = (input: JudgedInput): Judged | Refusal => {
  const train = readLifetimes({ time: input.trainTime, event: input.trainEvent }, 'trainTime', 'trainEvent');
  const lifetimes = readLifetimes({ time: input.time, event: input.event });
  if ('kind' in train) return train;
  if ('kind' in lifetimes) return lifetimes;
  if (train.count === 0 || lifetimes.count === 0) return insufficientData(0, 1);
  return { lifetimes, censoring: censoringCurve(train) };
};

/** 1/G(t−) of each row that failed, 0 of the others; 1/0 is Infinity and means that the weight is undefined. */
export const failureWeights = ({ lifetimes, censoring }: Judged): Float64Array =>
  lifetimes.time.map((t, row) => (lifetimes.event[row] === 1 ? 1 / censoring.before(t) : 0));

/** @throws RangeError for a time that is negative or not a finite number. */
export const checkTimes = (times: readonly number[]): void => {
  times.forEach((t, place) => {
    if (!(t >= 0) || t === Infinity)
      throw new RangeError(`times must be finite and 0 or more; number ${place} is ${t}`);
  });
};
