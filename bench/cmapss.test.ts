/** predictRul on a few made-up engines: its promises, not its quality (that is the benchmark's). */
import { describe, expect, it } from 'vitest';
import { randomSource } from '../scoring/trees/random.ts';
import { predictRul } from './cmapss.ts';

/** Engines of 26 columns that wear faster and faster in four sensors, with noise; `cut` cycles before the end are left off. */
const rowsOf = (lives: number[], cut: number, seed: number): number[][] => {
  const { next } = randomSource(seed);
  return lives.flatMap((life, engine) =>
    Array.from({ length: life - cut }, (_, cycle) => {
      const wear = Math.exp((cycle - life) / 30);
      const sensors = Array.from(
        { length: 21 },
        (_, sensor) => (sensor < 4 ? (sensor % 2 ? -wear : wear) : 0) + next() * 0.1,
      );
      return [engine + 1, cycle + 1, 0, 0, 100, ...sensors.map((value, sensor) => (sensor === 20 ? 5 : value))];
    }),
  );
};
const train = rowsOf([70, 80, 90], 0, 1);
const near = rowsOf([75, 85], 8, 2);
const far = rowsOf([75, 85], 45, 2).map(([engine = 0, ...rest]) => [engine + 2, ...rest]);

describe('predictRul', () => {
  it('refuses rows that are not 26 numbers', () => {
    expect(() => predictRul({ train: [[1, 2]], test: [[1, 2]], seed: 1 })).toThrow(RangeError);
  });

  it('tells engines near their end from engines far from it, each the same whatever stands beside it', () => {
    const together = predictRul({ train, test: [...near, ...far], seed: 1 });
    expect(together).toHaveLength(4);
    for (const life of together.slice(0, 2)) expect(Math.abs(life - 8)).toBeLessThan(15);
    for (const life of together.slice(2)) expect(life > 25 && life <= 125).toBe(true);
    expect(predictRul({ train, test: far, seed: 1 })).toEqual(together.slice(2));
  }, 60_000);
});
