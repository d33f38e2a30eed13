/**
 * Repeatable randomness: a number is a function of the keys that name it, never of what was drawn before.
 * That is what lets the world be rebuilt after a restart from nothing but its seed.
 */

/** 32-bit hash of the keys (FNV-1a over their text, then the murmur3 finaliser so that near keys fall far apart). */
export function hashKeys(...keys: readonly (string | number)[]): number {
  let hash = 0x811c9dc5;
  for (const key of keys) {
    const text = String(key);
    for (let at = 0; at < text.length; at += 1) {
      hash ^= text.charCodeAt(at);
      hash = Math.imul(hash, 0x01000193);
    }
    // A separator, so that ("a", "bc") and ("ab", "c") differ.
    hash ^= 0x1f;
    hash = Math.imul(hash, 0x01000193);
  }
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  hash ^= hash >>> 16;
  return hash >>> 0;
}

/** A number in [0, 1) named by its keys. */
export function unit(...keys: readonly (string | number)[]): number {
  return hashKeys(...keys) / 0x1_0000_0000;
}

/** A number in [low, high) named by its keys. */
export function between(low: number, high: number, ...keys: readonly (string | number)[]): number {
  return low + (high - low) * unit(...keys);
}

/** One of the choices, each equally likely; throws a RangeError when there are none. */
export function pick<T>(choices: readonly T[], ...keys: readonly (string | number)[]): T {
  const choice = choices[Math.floor(unit(...keys) * choices.length)];
  if (choice === undefined) throw new RangeError('nothing to pick from');
  return choice;
}

/** Log-normal with median 1 and the given log standard deviation (Box–Muller). */
export function logNormal(sigma: number, ...keys: readonly (string | number)[]): number {
  const radius = Math.sqrt(-2 * Math.log(1 - unit(...keys, 'radius')));
  return Math.exp(sigma * radius * Math.cos(2 * Math.PI * unit(...keys, 'angle')));
}

/** Weibull variate: `scale` is the characteristic life, `shape` above 1 means wear-out, below 1 early failures. */
export function weibull(scale: number, shape: number, ...keys: readonly (string | number)[]): number {
  return scale * Math.pow(-Math.log(1 - unit(...keys)), 1 / shape);
}

/** Next 32-bit hash from a hash and a whole number: for draws by the million, where `hashKeys` would read text each time. */
export function mixed(hash: number, number: number): number {
  let next = (hash ^ Math.imul(number | 0, 0x9e3779b1)) | 0;
  next ^= next >>> 16;
  next = Math.imul(next, 0x85ebca6b);
  next ^= next >>> 13;
  next = Math.imul(next, 0xc2b2ae35);
  next ^= next >>> 16;
  return next >>> 0;
}

/** A standard normal number named by a hash (Box–Muller). */
export function normalOf(hash: number): number {
  const radius = Math.sqrt(-2 * Math.log((mixed(hash, 1) + 1) / 0x1_0000_0001));
  return radius * Math.cos((2 * Math.PI * mixed(hash, 2)) / 0x1_0000_0000);
}
