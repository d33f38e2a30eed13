/** Seeded random numbers: the same seed gives the same sequence on every machine. */

export interface RandomSource {
  /** Uniform in [0, 1), 32 bits. */
  next: () => number;
  /** Uniform whole number in [0, count). */
  below: (count: number) => number;
}

/** Spreads a seed's bits (the finaliser of MurmurHash3), so that seeds 1 and 2 share nothing. */
const mix = (value: number): number => {
  let bits = value | 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return bits ^ (bits >>> 16);
};

/** Generator sfc32 (Doty-Humphrey, PractRand): 128 bits of state, passes PractRand and BigCrush. */
export const randomSource = (seed: number): RandomSource => {
  if (!Number.isSafeInteger(seed)) throw new RangeError('seed must be a whole number');
  let a = mix(seed | 0);
  let b = mix(Math.floor(seed / 4_294_967_296) ^ 0x9e3779b9);
  let c = mix(a ^ 0x243f6a88);
  let counter = 1;
  const bits = (): number => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  };
  for (let round = 0; round < 12; round += 1) bits();
  const next = (): number => bits() / 4_294_967_296;
  return { next, below: (count) => Math.floor(next() * count) };
};

/** Marks `count` of `total` positions, in ascending order, every subset equally likely (Knuth 3.4.2, algorithm S). */
export const sampleInOrder = (total: number, count: number, random: RandomSource): Int32Array => {
  const chosen = new Int32Array(count);
  let taken = 0;
  for (let position = 0; position < total && taken < count; position += 1) {
    if (random.next() * (total - position) < count - taken) {
      chosen[taken] = position;
      taken += 1;
    }
  }
  return chosen;
};
