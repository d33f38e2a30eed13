/**
 * C-MAPSS rows (Saxena & Goebel 2008): engine, cycle, three settings, twenty-one sensors. Grouped by engine; scaled by what
 * the training engines show, and projected to a few directions of wear.
 */

/** One engine's rows, oldest first. */
export type Engine = readonly (readonly number[])[];

/** Remaining life is counted up to here: a new engine shows nothing of its end (Heimes 2008). */
export const lifeCap = 125;
const firstSensor = 5;
const rowColumns = 26;

/** Groups rows by engine number, engines in the order they first appear. */
export const enginesOf = (rows: readonly (readonly number[])[]): Engine[] => {
  const engines = new Map<number, (readonly number[])[]>();
  for (const row of rows) {
    if (row.length !== rowColumns || !row.every(Number.isFinite)) {
      throw new RangeError(`a row must have ${rowColumns} numbers`);
    }
    const id = row[0] as number;
    const engine = engines.get(id);
    if (engine === undefined) engines.set(id, [row]);
    else engine.push(row);
  }
  return [...engines.values()].map((engine) => engine.toSorted((a, b) => (a[1] as number) - (b[1] as number)));
};

/** Remaining life at a place of an engine that ran to failure, capped. */
export const lifeLeft = (engine: Engine, place: number): number => Math.min(lifeCap, engine.length - 1 - place);

/** Solves a symmetric positive system, its right side in the last column, by Gauss–Jordan elimination. */
export const solveInPlace = (system: Float64Array[]): Float64Array => {
  const width = system.length;
  for (let pivot = 0; pivot < width; pivot += 1) {
    const own = system[pivot] as Float64Array;
    for (let other = 0; other < width; other += 1) {
      if (other === pivot) continue;
      const equation = system[other] as Float64Array;
      const factor = (equation[pivot] as number) / (own[pivot] as number);
      if (factor === 0) continue;
      for (let at = pivot; at <= width; at += 1) equation[at] = (equation[at] as number) - factor * (own[at] as number);
    }
  }
  return Float64Array.from(system, (equation, at) => (equation[width] as number) / (equation[at] as number));
};

/** Ridge regression: solves (XᵀX + ridge·I) w = Xᵀy. */
export const ridgeWeights = (x: readonly ArrayLike<number>[], y: ArrayLike<number>, ridge: number): Float64Array => {
  const width = x[0]?.length ?? 0;
  const system = Array.from({ length: width }, () => new Float64Array(width + 1));
  x.forEach((row, at) => {
    for (let i = 0; i < width; i += 1) {
      const equation = system[i] as Float64Array;
      const value = row[i] as number;
      for (let j = 0; j < width; j += 1) equation[j] = (equation[j] as number) + value * (row[j] as number);
      equation[width] = (equation[width] as number) + value * (y[at] as number);
    }
  });
  for (let pivot = 0; pivot < width; pivot += 1) {
    const own = system[pivot] as Float64Array;
    own[pivot] = (own[pivot] as number) + ridge;
  }
  return solveInPlace(system);
};

/** What the training engines teach about reading any engine. */
export interface Scaling {
  /** Columns that vary and know something of remaining life. */
  sensors: number[];
  mean: number[];
  deviation: number[];
  /** Directions in scaled sensors: first the one that tells remaining life best in a line, then principal ones. */
  directions: Float64Array[];
}

/** Scaled sensors of an engine, one series per sensor. */
export const scaledSeries = (
  engine: Engine,
  scaling: Pick<Scaling, 'sensors' | 'mean' | 'deviation'>,
): Float64Array[] =>
  scaling.sensors.map((column, at) =>
    Float64Array.from(
      engine,
      (row) => ((row[column] as number) - (scaling.mean[at] as number)) / (scaling.deviation[at] as number),
    ),
  );

/** Trailing mean over `window` cycles, fewer at the start. */
export const trailingMean = (series: Float64Array, window: number): Float64Array => {
  let sum = 0;
  return series.map((value, at) => {
    sum += value;
    if (at >= window) sum -= series[at - window] as number;
    return sum / Math.min(at + 1, window);
  });
};

/** Largest principal directions of rows, by power iteration with deflation. */
const principalDirections = (rows: readonly Float64Array[], count: number): Float64Array[] => {
  const width = rows[0]?.length ?? 0;
  const directions: Float64Array[] = [];
  for (let found = 0; found < Math.min(count, width); found += 1) {
    let direction = Float64Array.from({ length: width }, (_, at) => 1 / (1 + at));
    for (let round = 0; round < 60; round += 1) {
      const next = new Float64Array(width);
      for (const row of rows) {
        let along = 0;
        for (let at = 0; at < width; at += 1) along += (row[at] as number) * (direction[at] as number);
        for (let at = 0; at < width; at += 1) next[at] = (next[at] as number) + along * (row[at] as number);
      }
      for (const earlier of directions) {
        const along = next.reduce((sum, value, at) => sum + value * (earlier[at] as number), 0);
        for (let at = 0; at < width; at += 1) next[at] = (next[at] as number) - along * (earlier[at] as number);
      }
      const length = Math.hypot(...next);
      if (length === 0) break;
      direction = next.map((value) => value / length);
    }
    directions.push(direction);
  }
  return directions;
};

/** Window before directions are sought: noise would steer them otherwise. */
const smoothing = 10;
const leastCorrelation = 0.03;

/** Learns scaling and directions from engines that ran to failure. */
export const learnScaling = (engines: readonly Engine[], principal: number): Scaling => {
  const life = engines.flatMap((engine) => engine.map((_, at) => lifeLeft(engine, at)));
  const meanLife = life.reduce((sum, value) => sum + value, 0) / life.length;
  const scaling: Scaling = { sensors: [], mean: [], deviation: [], directions: [] };
  for (let column = firstSensor; column < rowColumns; column += 1) {
    const values = engines.flatMap((engine) => engine.map((row) => row[column] as number));
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    const deviation = Math.sqrt(squares / values.length);
    if (deviation <= 1e-6 * Math.max(1, Math.abs(mean))) continue;
    const products = values.reduce((sum, value, at) => sum + (value - mean) * ((life[at] as number) - meanLife), 0);
    const lifeSquares = life.reduce((sum, value) => sum + (value - meanLife) ** 2, 0);
    if (Math.abs(products) < leastCorrelation * Math.sqrt(squares * lifeSquares)) continue;
    scaling.sensors.push(column);
    scaling.mean.push(mean);
    scaling.deviation.push(deviation);
  }
  const smooth = engines.flatMap((engine) => {
    const series = scaledSeries(engine, scaling).map((values) => trailingMean(values, smoothing));
    return engine.map((_, at) => Float64Array.from(series, (values) => values[at] as number));
  });
  const centred = life.map((value) => value - meanLife);
  const health = ridgeWeights(smooth, centred, 1).map((weight) => weight / 30);
  scaling.directions = [health, ...principalDirections(smooth, principal)];
  return scaling;
};
