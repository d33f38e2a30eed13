/** What the live benchmark judges by: pairs, verdicts, the order of disturbed batches, the list of bad frames. */
import { expect, test } from 'vitest';
import { meets } from '../measurement.ts';
import { verdictOf } from '../realtime.ts';
import { badFrames } from './bad-frame-kinds.ts';
import { headerOf } from './frames.ts';
import { disturbedOrder } from './kill.ts';
import { exactly, type Finding } from './line.ts';
import { interleave, ratiosOf, spreadOf } from './pairs.ts';

test('contenders take turns, and the first of a round is not always the same', async () => {
  const order: string[] = [];
  const note = (name: string) => (round: number) => {
    order.push(`${name}${round}`);
    return Promise.resolve(round + 1);
  };
  const values = await interleave(3, { a: note('a'), b: note('b') });
  expect(order).toEqual(['a0', 'b0', 'b1', 'a1', 'a2', 'b2']);
  expect(values).toEqual({ a: [1, 2, 3], b: [1, 2, 3] });
});

test('a ratio is the median of the rounds, with its spread', () => {
  expect(spreadOf(ratiosOf([2, 9, 3], [1, 3, 2]))).toEqual({ median: 2, low: 1.5, high: 3 });
});

test('a promise holds, does not, or holds by the other of two', () => {
  const of = (value: number, most: number, anyOf?: string): Finding => ({
    ...{ promise: 'p', spread: exactly(value), unit: 'ms', limit: { relation: '≤', value: most } },
    ...(anyOf === undefined ? {} : { anyOf }),
  });
  expect(verdictOf(of(1, 1), [])).toBe('yes');
  expect(verdictOf(of(1.01, 1), [])).toBe('**NO**');
  const [late, small] = [of(1.3, 1.2, 'x'), of(4, 10, 'x')];
  expect(verdictOf(late, [late, small])).toBe('the other does');
  expect(verdictOf(late, [late, of(11, 10, 'x')])).toBe('**NO**');
  expect(verdictOf({ ...late, limit: null }, [])).toBe('');
});

test('limits hold at their edge only where they say so', () => {
  const of = (relation: '<' | '≤' | '>' | '≥') =>
    meets({ name: 'm', value: 1, unit: '', target: { relation, value: 1 } });
  expect([of('<'), of('≤'), of('>'), of('≥')]).toEqual([false, true, false, true]);
});

test('every batch is sent, some twice, none far from its place', () => {
  const order = disturbedOrder(1_000, 4);
  expect(new Set(order).size).toBe(1_000);
  expect(order.length).toBeGreaterThan(1_020);
  expect(order).not.toEqual(order.toSorted((a, b) => a - b));
  const firstAt = new Map<number, number>();
  order.forEach((batch, at) => firstAt.set(batch, Math.min(at, firstAt.get(batch) ?? at)));
  for (const [batch, at] of firstAt) expect(Math.abs(at - batch)).toBeLessThan(200);
});

test('there are hundreds of bad frames, and each is named once', () => {
  const names = badFrames().map(({ name, isAfterHello }) => `${name} ${isAfterHello}`);
  expect(names.length).toBeGreaterThan(200);
  expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
});

test('a frame is known by its first bytes', () => {
  const read = (text: string) => headerOf(Buffer.from(text), false);
  expect(read('{"type":"delta","seq":12,"prev":9,"vehicles":[]}')).toEqual({ kind: 'delta', seq: 12, prev: 9 });
  expect(read('{"type":"snapshot","epoch":"e.1","seq":4,"part":1,"parts":2,')).toEqual({
    ...{ kind: 'snapshot', seq: 4, part: 1, parts: 2 },
  });
  expect(read('{"type":"welcome","epoch":"e.1"}')).toEqual({ kind: 'welcome', epoch: 'e.1' });
  expect(read('{"type":"surprise"}')).toBeNull();
});
