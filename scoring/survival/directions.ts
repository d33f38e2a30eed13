/** Directions in the space of coefficients that Newton's steps tend to when a likelihood has no maximum. */

/** The direction with the components dropped that are small beside the largest: what the steps have not yet brought to 0. */
export const withoutSmall = (direction: Float64Array, share: number): Float64Array => {
  const largest = direction.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return direction.map((value) => (Math.abs(value) < share * largest ? 0 : value));
};

/** The column with the largest component; columns are standardised, so components compare. */
export const leadingColumn = (direction: Float64Array): number => {
  let leading = 0;
  direction.forEach((value, j) => {
    if (Math.abs(value) > Math.abs(direction[leading] as number)) leading = j;
  });
  return leading;
};
