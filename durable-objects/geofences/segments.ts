/** Where two edges of rings meet. Pure. */

/** Longitude, latitude. */
export type Corner = readonly [number, number];

export interface Edge {
  /** Number of its ring, and its place in it. */
  ring: number;
  place: number;
  from: Corner;
  to: Corner;
}

export interface Meeting {
  /** Through one another, at a corner of one of them, or along a stretch. */
  kind: 'cross' | 'touch' | 'overlap';
  at: Corner;
}

/** Twice the area of the triangle: positive when c lies to the left of the way from a to b. */
const turn = (a: Corner, b: Corner, c: Corner): number => (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);

const isBetween = (a: Corner, b: Corner, c: Corner): boolean =>
  Math.min(a[0], b[0]) <= c[0] &&
  c[0] <= Math.max(a[0], b[0]) &&
  Math.min(a[1], b[1]) <= c[1] &&
  c[1] <= Math.max(a[1], b[1]);

const isSame = (a: Corner, b: Corner): boolean => a[0] === b[0] && a[1] === b[1];

/** How two edges meet, neither of them of no length; null when they do not. */
export function meeting({ from: a, to: b }: Edge, { from: c, to: d }: Edge): Meeting | null {
  const [c1, d1] = [turn(a, b, c), turn(a, b, d)];
  const [a1, b1] = [turn(c, d, a), turn(c, d, b)];
  if (c1 === 0 && d1 === 0) {
    // On one line: what they share is bounded by corners of theirs.
    const shared: Corner[] = [];
    for (const [corner, from, to] of [
      [a, c, d],
      [b, c, d],
      [c, a, b],
      [d, a, b],
    ] as const) {
      if (isBetween(from, to, corner) && !shared.some((known) => isSame(known, corner))) shared.push(corner);
    }
    const [first] = shared;
    if (first === undefined) return null;
    return { kind: shared.length > 1 ? 'overlap' : 'touch', at: first };
  }
  if (((c1 > 0 && d1 < 0) || (c1 < 0 && d1 > 0)) && ((a1 > 0 && b1 < 0) || (a1 < 0 && b1 > 0))) {
    const share = a1 / (a1 - b1);
    return { kind: 'cross', at: [a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])] };
  }
  for (const [is, corner, from, to] of [
    [c1, c, a, b],
    [d1, d, a, b],
    [a1, a, c, d],
    [b1, b, c, d],
  ] as const) {
    if (is === 0 && isBetween(from, to, corner)) return { kind: 'touch', at: corner };
  }
  return null;
}
