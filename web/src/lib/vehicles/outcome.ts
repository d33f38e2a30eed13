/** What became of a prediction, in one look. Pure. */
import type { Prediction } from '#contracts/risk';
import type { StateLook } from '../format/states.ts';
import { plural } from '../format/units.ts';

const dayMs = 86_400_000;
const daysBetween = (from: string, to: string): number =>
  Math.max(0, Math.floor((Date.parse(to) - Date.parse(from)) / dayMs));
const after = (days: number): string => (days === 0 ? 'the same day' : `after ${plural(days, 'day')}`);

/**
 * A failure says most; then work that cut the future short; then the longest horizon that has passed without one. What is
 * neither is not over yet.
 */
export function outcomeLook({ createdAt, outcome }: Pick<Prediction, 'createdAt' | 'outcome'>): StateLook {
  const { failedAt, censoredAt, within } = outcome;
  if (failedAt !== null) {
    return { word: `Failed ${after(daysBetween(createdAt, failedAt))}`, shape: 'triangle', tone: 'high' };
  }
  if (censoredAt !== null) {
    const days = daysBetween(createdAt, censoredAt);
    return { word: `Cut short by preventive work ${after(days)}`, shape: 'hollow', tone: 'neutral' };
  }
  const passed = ([90, 30, 7] as const).find((days) => within[`days${days}`] === false);
  return passed === undefined
    ? { word: 'Not over yet', shape: 'dash', tone: 'unknown' }
    : { word: `Nothing within ${passed} days`, shape: 'circle', tone: 'low' };
}
