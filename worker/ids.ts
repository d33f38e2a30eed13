/** New ids. */
import { v7 } from 'uuid';

/**
 * A UUIDv7; `msecs` fixes its time part, so that a repeated step can stay in order, and `seq` (31 bits) the order within
 * one millisecond.
 */
export const newId = (msecs?: number, seq?: number): string => {
  if (msecs === undefined) return v7();
  return v7(seq === undefined ? { msecs } : { msecs, seq });
};
