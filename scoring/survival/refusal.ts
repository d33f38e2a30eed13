/**
 * What a fit answers when the data refuse it: a tag with the column concerned, or what was there and what it takes.
 * Mistakes of the caller (lengths that differ, negative times) are RangeErrors instead.
 */
export const refusalKinds = [
  'no_events',
  'non_finite',
  'constant_column',
  'collinear',
  'separation',
  'insufficient_data',
  'no_convergence',
] as const;

export type RefusalKind = (typeof refusalKinds)[number];

export interface Refusal {
  kind: RefusalKind;
  /** The column of x by its name, or `time`, `entry`, `event`, `risk`… */
  column?: string;
  have?: number;
  need?: number;
}

/** A number or numbers that the data do not define. */
export interface InsufficientData extends Refusal {
  kind: 'insufficient_data';
  have: number;
  need: number;
}

/** True for a refusal, false for a result. */
export const isRefusal = (answer: unknown): answer is Refusal =>
  typeof answer === 'object' &&
  answer !== null &&
  'kind' in answer &&
  (refusalKinds as readonly unknown[]).includes(answer.kind);

export const insufficientData = (have: number, need: number): InsufficientData => ({
  kind: 'insufficient_data',
  have,
  need,
});

export const nonFinite = (column: string): Refusal => ({ kind: 'non_finite', column });
