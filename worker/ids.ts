/** New ids. */
import { v7 } from 'uuid';

/** A UUIDv7; `msecs` fixes its time part, so that a repeated step can stay in order. */
export const newId = (msecs?: number): string => (msecs === undefined ? v7() : v7({ msecs }));
