/** What a line of the issue says, and what a run of it found. */
import { meets, type Measurement } from '../measurement.ts';
import type { Spread } from './pairs.ts';

export interface RunOptions {
  /** Short rounds and few of them: to see that a line works, never a result. */
  isQuick: boolean;
  /** Interleaved pairs. */
  rounds: number;
  /** Says how far the run is. */
  say: (text: string) => void;
}

/** One promise of the issue with what was measured. */
export interface Finding {
  /** As the issue says it, shortened. */
  promise: string;
  spread: Spread;
  unit: string;
  /** Null for a number that only explains. */
  limit: Measurement['target'];
  /** True when any one of several findings with this name suffices (`1.2 × or + 10 ms`). */
  anyOf?: string;
}

export interface LineResult {
  findings: Finding[];
  /** Sentences on how it was measured and what was seen beside it; printed below the table. */
  notes: string[];
}

export interface Line {
  name: string;
  title: string;
  /** Words of the issue. */
  promise: string;
  run: (options: RunOptions) => Promise<LineResult>;
}

/** Whether the median is where it should be; null where nothing was asked of it. */
export const holds = ({ promise, spread, unit, limit }: Finding): boolean | null =>
  meets({ name: promise, value: spread.median, unit, target: limit });

/** A number that is no sample of several. */
export const exactly = (value: number): Spread => ({ median: value, low: value, high: value });
