/**
 * A small network of two hidden layers for smooth regressions: leaky rectifier, then tanh, trained by Adam (Kingma & Ba 2015) with
 * decoupled weight decay, a cosine schedule and noise on the inputs. Seeded.
 */
import { randomSource } from '../../scoring/trees/random.ts';

export interface NetworkParams {
  firstLayer: number;
  secondLayer: number;
  epochs: number;
  learningRate: number;
  weightDecay: number;
  batch: number;
  /** Standard deviation of the noise added to scaled inputs while learning. */
  noise: number;
}

const leak = 0.01;
/** Scaled inputs are cut here: one odd reading must not throw a prediction. */
const farthest = 4;

/** Fits `target` (scaled to order one by the caller) and returns the function that predicts it. */
export const fitNetwork = (
  x: readonly (readonly number[])[],
  target: ArrayLike<number>,
  params: NetworkParams,
  seed: number,
): ((rows: readonly (readonly number[])[]) => number[]) => {
  const inputs = x[0]?.length ?? 0;
  const count = x.length;
  const random = randomSource(seed);
  const normal = (): number => {
    let sum = -6;
    for (let at = 0; at < 12; at += 1) sum += random.next();
    return sum;
  };
  const mean = new Float64Array(inputs);
  const deviation = new Float64Array(inputs);
  for (const row of x) row.forEach((value, at) => (mean[at] = (mean[at] as number) + value / count));
  for (const row of x) {
    row.forEach(
      (value, at) => (deviation[at] = (deviation[at] as number) + (value - (mean[at] as number)) ** 2 / count),
    );
  }
  const scaled = (row: readonly number[], at: number): number => {
    const spread = Math.sqrt(deviation[at] as number);
    return spread === 0
      ? 0
      : Math.max(-farthest, Math.min(farthest, ((row[at] as number) - (mean[at] as number)) / spread));
  };
  const data = new Float64Array(count * inputs);
  x.forEach((row, index) => {
    for (let at = 0; at < inputs; at += 1) data[index * inputs + at] = scaled(row, at);
  });

  const { firstLayer: h1, secondLayer: h2 } = params;
  const bias1 = h1 * inputs;
  const weights2 = bias1 + h1;
  const bias2 = weights2 + h2 * h1;
  const weights3 = bias2 + h2;
  const bias3 = weights3 + h2;
  const size = bias3 + 1;
  const w = new Float64Array(size);
  const gradient = new Float64Array(size);
  const momentum = new Float64Array(size);
  const square = new Float64Array(size);
  for (let at = 0; at < bias1; at += 1) w[at] = normal() / Math.sqrt(inputs);
  for (let at = weights2; at < bias2; at += 1) w[at] = normal() / Math.sqrt(h1);
  for (let at = weights3; at < bias3; at += 1) w[at] = normal() / Math.sqrt(h2);
  w[bias3] = Array.from(target).reduce((sum, value) => sum + value / count, 0);

  const input = new Float64Array(inputs);
  const first = new Float64Array(h1);
  const second = new Float64Array(h2);
  const back = new Float64Array(h1);
  const forward = (): number => {
    for (let unit = 0; unit < h1; unit += 1) {
      let sum = w[bias1 + unit] as number;
      const row = unit * inputs;
      for (let at = 0; at < inputs; at += 1) sum += (w[row + at] as number) * (input[at] as number);
      first[unit] = sum > 0 ? sum : leak * sum;
    }
    let output = w[bias3] as number;
    for (let unit = 0; unit < h2; unit += 1) {
      let sum = w[bias2 + unit] as number;
      const row = weights2 + unit * h1;
      for (let at = 0; at < h1; at += 1) sum += (w[row + at] as number) * (first[at] as number);
      second[unit] = Math.tanh(sum);
      output += (w[weights3 + unit] as number) * (second[unit] as number);
    }
    return output;
  };
  const backward = (error: number): void => {
    gradient[bias3] = (gradient[bias3] as number) + error;
    back.fill(0);
    for (let unit = 0; unit < h2; unit += 1) {
      const active = second[unit] as number;
      gradient[weights3 + unit] = (gradient[weights3 + unit] as number) + error * active;
      const delta = error * (w[weights3 + unit] as number) * (1 - active * active);
      gradient[bias2 + unit] = (gradient[bias2 + unit] as number) + delta;
      const row = weights2 + unit * h1;
      for (let at = 0; at < h1; at += 1) {
        gradient[row + at] = (gradient[row + at] as number) + delta * (first[at] as number);
        back[at] = (back[at] as number) + delta * (w[row + at] as number);
      }
    }
    for (let unit = 0; unit < h1; unit += 1) {
      const delta = (back[unit] as number) * ((first[unit] as number) > 0 ? 1 : leak);
      gradient[bias1 + unit] = (gradient[bias1 + unit] as number) + delta;
      const row = unit * inputs;
      for (let at = 0; at < inputs; at += 1)
        gradient[row + at] = (gradient[row + at] as number) + delta * (input[at] as number);
    }
  };

  const order = Int32Array.from({ length: count }, (_, at) => at);
  const steps = params.epochs * Math.ceil(count / params.batch);
  let step = 0;
  for (let epoch = 0; epoch < params.epochs; epoch += 1) {
    for (let at = count - 1; at > 0; at -= 1) {
      const other = random.below(at + 1);
      const kept = order[at] as number;
      order[at] = order[other] as number;
      order[other] = kept;
    }
    for (let start = 0; start < count; start += params.batch) {
      const end = Math.min(count, start + params.batch);
      gradient.fill(0);
      for (let place = start; place < end; place += 1) {
        const index = order[place] as number;
        for (let at = 0; at < inputs; at += 1) {
          // Uniform noise of the same deviation: drawn in one step.
          input[at] = (data[index * inputs + at] as number) + params.noise * (random.next() - 0.5) * Math.sqrt(12);
        }
        backward(forward() - (target[index] as number));
      }
      step += 1;
      const rate = params.learningRate * 0.5 * (1 + Math.cos((Math.PI * step) / steps));
      const first1 = 1 - 0.9 ** step;
      const second1 = 1 - 0.999 ** step;
      for (let at = 0; at < size; at += 1) {
        const slope = (gradient[at] as number) / (end - start);
        momentum[at] = 0.9 * (momentum[at] as number) + 0.1 * slope;
        square[at] = 0.999 * (square[at] as number) + 0.001 * slope * slope;
        const move = (momentum[at] as number) / first1 / (Math.sqrt((square[at] as number) / second1) + 1e-8);
        w[at] = (w[at] as number) - rate * (move + params.weightDecay * (w[at] as number));
      }
    }
  }
  return (rows) =>
    rows.map((row) => {
      for (let at = 0; at < inputs; at += 1) input[at] = scaled(row, at);
      return forward();
    });
};
