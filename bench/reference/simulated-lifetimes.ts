/**
 * Small simulated sets of lifetimes that the survival fits are compared with R on: each has one difficulty. Seeded, and rounded
 * to a few decimals, so that they are the same everywhere; R reads them as CSV (write-lifetimes.ts), the tests from here.
 */
export interface SimulatedLifetimes {
  name: string;
  names: string[];
  time: number[];
  event: number[];
  x: number[][];
  entry: number[] | null;
  strata: number[] | null;
  /** A score with ties, for concordance. */
  risk: number[];
  /** θ of the ridge fits. */
  ridge: number;
}

/** mulberry32: uniform on [0, 1). */
export const uniformFrom = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
};

const round = (value: number, decimals: number): number => Number(value.toFixed(decimals));

/** Rounds to decimals; to tens for −1. */
const toGrid = (value: number, decimals: number): number =>
  decimals < 0 ? Math.round(value * 10 ** decimals) * 10 ** -decimals : round(value, decimals);

interface Recipe {
  name: string;
  seed: number;
  count: number;
  names?: string[];
  /** The columns of a row from three standard deviates (two normal, one coin) and its number. */
  columns?: (a: number, b: number, coin: number, row: number) => number[];
  /** Log hazard from the same deviates. */
  effect?: (a: number, b: number, coin: number) => number;
  decimals?: number;
  /** Mean days until censoring. */
  censoring?: number;
  strata?: number;
  isTruncated?: boolean;
  ridge?: number;
  /** Last word on times and events. */
  finish?: (rows: { time: number; event: number; stratum: number; x: number[] }[]) => void;
}

/** Weibull lifetimes (shape 1.4, about 100 days) with exponential censoring. */
const simulate = (recipe: Recipe): SimulatedLifetimes => {
  const uniform = uniformFrom(recipe.seed);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  const columns = recipe.columns ?? ((a, b, coin) => [round(a, 3), round(10 + 3 * b, 2), coin]);
  const effect = recipe.effect ?? ((a, b, coin) => 0.6 * a - 0.4 * b + 0.5 * coin);
  const decimals = recipe.decimals ?? 3;
  const least = 10 ** -decimals;
  const rows: { time: number; event: number; entry: number; stratum: number; x: number[]; risk: number }[] = [];
  while (rows.length < recipe.count) {
    const a = normal();
    const b = normal();
    const coin = uniform() < 0.4 ? 1 : 0;
    const stratum = recipe.strata === undefined ? 1 : 1 + Math.floor(uniform() * recipe.strata);
    const hazard = effect(a, b, coin);
    const failure = 100 * (1 + 0.3 * stratum) * (-Math.log(1 - uniform()) * Math.exp(-hazard)) ** (1 / 1.4);
    const censored = -Math.log(1 - uniform()) * (recipe.censoring ?? 200);
    const entry = recipe.isTruncated === true && uniform() < 0.8 ? toGrid(uniform() * 80, decimals) : 0;
    const time = Math.max(least, toGrid(Math.min(failure, entry + censored), decimals));
    const noise = normal();
    if (time <= entry) continue;
    rows.push({
      time,
      event: failure <= entry + censored ? 1 : 0,
      entry,
      stratum,
      x: columns(a, b, coin, rows.length),
      risk: round(hazard + noise, 1),
    });
  }
  recipe.finish?.(rows);
  const width = (rows[0]?.x ?? []).length;
  return {
    name: recipe.name,
    names: recipe.names ?? Array.from({ length: width }, (_, j) => `x${j + 1}`),
    time: rows.map((row) => row.time),
    event: rows.map((row) => row.event),
    x: rows.map((row) => row.x),
    entry: recipe.isTruncated === true ? rows.map((row) => row.entry) : null,
    strata: recipe.strata === undefined ? null : rows.map((row) => row.stratum),
    risk: rows.map((row) => row.risk),
    ridge: recipe.ridge ?? 2.5,
  };
};

export const simulatedLifetimes = (): SimulatedLifetimes[] => [
  simulate({ name: 'plain', seed: 1, count: 150 }),
  simulate({ name: 'ties', seed: 2, count: 200, decimals: -1 }),
  simulate({ name: 'truncated', seed: 3, count: 180, isTruncated: true, decimals: 1 }),
  simulate({ name: 'truncated-ties', seed: 4, count: 160, isTruncated: true, decimals: 0 }),
  simulate({
    name: 'strata',
    seed: 5,
    count: 180,
    strata: 4,
    decimals: -1,
    // Stratum 4 has no failure.
    finish: (rows) => {
      for (const row of rows) if (row.stratum === 4) row.event = 0;
    },
  }),
  simulate({ name: 'truncated-strata', seed: 6, count: 200, strata: 3, isTruncated: true, decimals: 0, ridge: 0.7 }),
  simulate({
    name: 'own-units',
    seed: 7,
    count: 160,
    names: ['modelYear', 'odometerMiles', 'leakRate'],
    columns: (a, b, coin) => [
      2012 + Math.round(3 * a),
      Math.round(400_000 + 150_000 * b),
      round((coin + 0.2 * a) * 1e-6, 9),
    ],
    ridge: 1e-3,
  }),
  simulate({
    name: 'separated',
    seed: 8,
    count: 120,
    decimals: 0,
    finish: (rows) => {
      for (const row of rows) if (row.x[2] === 1) row.event = 0;
    },
  }),
  simulate({
    name: 'collinear',
    seed: 9,
    count: 120,
    columns: (a, b, coin) => [round(a, 3), coin, round(2 * round(a, 3) - 3 * coin + 5, 3), round(b, 2)],
  }),
  simulate({
    name: 'one-event',
    seed: 10,
    count: 24,
    columns: (a) => [round(a, 3)],
    finish: (rows) => {
      const middle = rows.findIndex((row) => row.time > 5 && Math.abs(row.x[0] ?? 9) < 0.4);
      rows.forEach((row, place) => (row.event = place === middle ? 1 : 0));
    },
  }),
  simulate({
    name: 'duplicated',
    seed: 11,
    count: 120,
    decimals: 0,
    finish: (rows) => {
      for (let place = 60; place < 120; place++) Object.assign(rows[place] ?? {}, rows[place - 60]);
    },
  }),
  simulate({
    name: 'all-failed',
    seed: 12,
    count: 80,
    decimals: -1,
    censoring: 1e9,
  }),
  simulate({
    name: 'all-censored',
    seed: 13,
    count: 30,
    finish: (rows) => {
      for (const row of rows) row.event = 0;
    },
  }),
];
