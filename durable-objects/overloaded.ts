/** The runtime marks what it threw because an object's queue was full: nothing of the call was done. */
export const isOverloaded = (cause: unknown): boolean =>
  cause instanceof Error && 'overloaded' in cause && cause.overloaded === true;
