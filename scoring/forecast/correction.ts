/** A tenant's correction of the prior: one factor on the cumulative hazard of each row. */
import type { PriorCorrection } from '#contracts/scoring-models';
import { demand } from '../trees/demand.ts';

/** A tenant whose trucks fail e⁵ times as often as others has other troubles; the cap keeps exponentials finite. */
const mostLogFactor = 5;
/** A truck ten deviations out says something about the truck, not about the fleet: further features count as this far. */
const farthestDeviations = 5;

/** Standard deviations from the center, within ±5; an unknown value stands at the center. */
export const deviationsOf = (value: number | undefined, center: number, scale: number): number =>
  value !== undefined && Number.isFinite(value) && scale > 0
    ? Math.max(-farthestDeviations, Math.min(farthestDeviations, (value - center) / scale))
    : 0;

/** Log of the factor on each row's cumulative hazard, within ±5; a missing feature counts as its center, one beyond ±5 scales as that far. */
export const logFactors = (
  correction: PriorCorrection,
  names: readonly string[],
  x: readonly (readonly number[])[],
): number[] => {
  const columns = correction.names.map((name) => {
    const column = names.indexOf(name);
    demand(column >= 0, `correction: the model has no feature ${name}`);
    return column;
  });
  for (const list of [correction.centers, correction.scales, correction.coefficients]) {
    demand(list.length === columns.length, 'correction: its lists differ in length');
  }
  return x.map((row) => {
    let sum = correction.intercept;
    columns.forEach((column, at) => {
      const deviations = deviationsOf(row[column], correction.centers[at] as number, correction.scales[at] as number);
      sum += (correction.coefficients[at] as number) * deviations;
    });
    return Number.isNaN(sum) ? 0 : Math.min(mostLogFactor, Math.max(-mostLogFactor, sum));
  });
};
