/**
 * Interleaved rounds and what is said of them: product, peer, product, peer … on the same machine in the same minutes, so
 * that what else happens there meets both alike. Of each round the ratio is taken; the median of the ratios is the result.
 */
import { percentile } from '../measurement.ts';

/** A round that must not count: a gap, a wrong final state, a foreign row. Ends the run. */
export class VoidRun extends Error {
  override name = 'VoidRun';
}

export function requireSound(isSound: boolean, what: string): asserts isSound {
  if (!isSound) throw new VoidRun(`void: ${what}`);
}

export interface Spread {
  median: number;
  low: number;
  high: number;
}

export const spreadOf = (values: readonly number[]): Spread => ({
  median: percentile(values, 0.5),
  low: Math.min(...values),
  high: Math.max(...values),
});

/** Ratios round by round. */
export const ratiosOf = (product: readonly number[], peer: readonly number[]): number[] =>
  product.map((value, round) => value / (peer[round] ?? Number.NaN));

/**
 * Runs every contender once a round, in turn, and every other round in the opposite order, so that none always comes
 * after the same one. Answers each contender's values by name.
 */
export async function interleave<K extends string>(
  rounds: number,
  contenders: Readonly<Record<K, (round: number) => Promise<number>>>,
): Promise<Record<K, number[]>> {
  const names = Object.keys(contenders) as K[];
  const values = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<K, number[]>;
  for (let round = 0; round < rounds; round += 1) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) values[name].push(await contenders[name](round));
  }
  return values;
}
