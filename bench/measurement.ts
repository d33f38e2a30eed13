/** One measured number with its target beside it. */
export interface Measurement {
  name: string;
  value: number;
  unit: string;
  target: { relation: '<' | '>' | '≤' | '≥'; value: number } | null;
  /** Lowest and highest of the rounds whose median `value` is. */
  spread?: readonly [low: number, high: number];
}

/** Whether the number is where it should be; null where nothing was asked of it. */
export function meets({ value, target }: Measurement): boolean | null {
  if (target === null) return null;
  switch (target.relation) {
    case '<':
      return value < target.value;
    case '≤':
      return value <= target.value;
    case '>':
      return value > target.value;
    case '≥':
      return value >= target.value;
  }
}

/** The value below which the share `p` (0–1) of the sorted samples lies: nearest rank. */
export function percentile(samples: readonly number[], p: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(p * sorted.length) - 1))] ?? Number.NaN;
}
