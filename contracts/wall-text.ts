/**
 * Text as a wall may show it: whoever stands in the hall reads it. No full VIN and no phone number, whatever field somebody
 * wrote one into. Pure.
 */

/** 17 signs of a VIN (ISO 3779: no I, O or Q) with at least one digit, standing by themselves. */
const vinPattern = /(?<![A-Za-z0-9])(?=[A-Za-z]*\d)[A-HJ-NPR-Za-hj-npr-z0-9]{17}(?![A-Za-z0-9])/g;
/** Ten digits or more as people write phone numbers: perhaps a plus, then groups with blanks, dots, dashes or brackets. */
const phonePattern = /(?<![\w.])(?:\+\d{1,3}[ .-]?)?\(?\d{3}\)?[ .-]?\d{3}[ .-]?\d{4}(?!\d)/g;

/** As much of a VIN as a shop calls a truck by. */
const vinKept = 8;

/** `…RJ000001` for `1XKYDP9X0RJ000001`. A unit number of ten digits stays: it is what the truck is called. */
export const wallUnit = (unitNumber: string): string =>
  unitNumber.replaceAll(vinPattern, (vin) => `…${vin.slice(-vinKept)}`);

/** Text of a sentence or two: VINs shortened as above, phone numbers as `[phone]`. */
export const wallText = (text: string): string => wallUnit(text).replaceAll(phonePattern, '[phone]');
