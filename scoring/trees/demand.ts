/**
 * Checks of what a caller passes: a mistake (lengths that differ, a negative rate) is a RangeError, because it would fail on
 * any data. What only the data refuse is a tagged `Refusal` instead.
 */

/** Throws the RangeError of a caller's mistake unless `holds`. */
export function demand(holds: boolean, message: string): asserts holds {
  if (!holds) throw new RangeError(message);
}

/** A whole number within limits, both included. */
export const demandInteger = (name: string, value: number, min: number, max: number): void =>
  demand(
    Number.isInteger(value) && value >= min && value <= max,
    `${name} must be a whole number from ${min} to ${max}`,
  );

/** A finite number within limits, both included. */
export const demandNumber = (name: string, value: number, min: number, max: number): void =>
  demand(Number.isFinite(value) && value >= min && value <= max, `${name} must be a number from ${min} to ${max}`);
