/** The upper tail of the negative binomial distribution through the incomplete beta function. */

/** Lanczos coefficients for g = 7, n = 9 (Godfrey); relative error below 1e-14. */
const lanczos = [
  0.999_999_999_999_809_93, 676.520_368_121_885_1, -1259.139_216_722_402_8, 771.323_428_777_653_13,
  -176.615_029_162_140_59, 12.507_343_278_686_905, -0.138_571_095_265_720_12, 9.984_369_578_019_572e-6,
  1.505_632_735_149_311_6e-7,
];

/** ln Γ(x) for x > 0. */
export const logGamma = (x: number): number => {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x);
  const shifted = x - 1;
  const t = shifted + 7.5;
  const sum = lanczos.reduce(
    (total, coefficient, at) => total + (at === 0 ? coefficient : coefficient / (shifted + at)),
    0,
  );
  return 0.918_938_533_204_672_8 + (shifted + 0.5) * Math.log(t) - t + Math.log(sum);
};

const smallest = 1e-300;
const kept = (value: number): number => (Math.abs(value) < smallest ? smallest : value);

/** The continued fraction of the incomplete beta function by Lentz's method (Numerical Recipes, §6.4). */
const betaFraction = (a: number, b: number, x: number): number => {
  let c = 1;
  let d = 1 / kept(1 - ((a + b) * x) / (a + 1));
  let fraction = d;
  // It converges in about √max(a, b) steps.
  const steps = 200 + 10 * Math.ceil(Math.sqrt(Math.min(1e12, Math.max(a, b))));
  for (let m = 1; m <= steps; m += 1) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / kept(1 + even * d);
    c = kept(1 + even / c);
    fraction *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / kept(1 + odd * d);
    c = kept(1 + odd / c);
    fraction *= d * c;
    if (Math.abs(d * c - 1) < 1e-15) break;
  }
  return fraction;
};

/** Regularised incomplete beta function from x and 1 − x, both given so that neither loses its digits. */
const incompleteBeta = (a: number, b: number, x: number, rest: number): number => {
  if (x <= 0) return 0;
  if (rest <= 0) return 1;
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log(rest));
  if (x < (a + 1) / (a + b + 2)) return Math.min(1, (front * betaFraction(a, b, x)) / a);
  return Math.max(0, 1 - (front * betaFraction(b, a, rest)) / b);
};

/**
 * P(N ≥ count) for a Poisson count over `exposure` whose rate is Gamma(shape, rate): the regularised incomplete beta
 * function I_p(count, shape) with p = exposure / (rate + exposure).
 */
export const negativeBinomialTail = (count: number, shape: number, rate: number, exposure: number): number => {
  if (count === 0) return 1;
  const total = rate + exposure;
  return incompleteBeta(count, shape, exposure / total, rate / total);
};
