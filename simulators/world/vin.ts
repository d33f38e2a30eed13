/** Vehicle identification numbers that are well formed but belong to no truck. */

// prettier-ignore
const letterValues: Readonly<Record<string, number>> = {
  A: 1, B: 2, C: 3, D: 4, E: 5, F: 6, G: 7, H: 8,
  J: 1, K: 2, L: 3, M: 4, N: 5, P: 7, R: 9,
  S: 2, T: 3, U: 4, V: 5, W: 6, X: 7, Y: 8, Z: 9,
};
const weights = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
/** Codes from 2010 on; I, O, Q, U, Z and 0 are never used. */
const yearCodes = 'ABCDEFGHJKLMNPRSTVWXY123456789';

/** Check digit of a 17-character VIN (49 CFR 565.15), whatever stands in position 9. */
export function vinCheckDigit(vin: string): string {
  let sum = 0;
  for (let at = 0; at < 17; at += 1) {
    const character = vin[at] ?? '';
    const value = /\d/.test(character) ? Number(character) : letterValues[character];
    if (value === undefined) throw new RangeError(`"${character}" cannot stand in a VIN`);
    sum += value * (weights[at] ?? 0);
  }
  const remainder = sum % 11;
  return remainder === 10 ? 'X' : String(remainder);
}

/** Model year code of position 10 for 2010–2039. */
export function modelYearCode(year: number): string {
  const code = yearCodes[year - 2010];
  if (code === undefined) throw new RangeError(`no model year code for ${year}`);
  return code;
}

/**
 * A VIN with a valid check digit. `descriptor` is positions 4–8, `plant` position 11; `series` (two letters) and
 * `serial` make up positions 12–17. Real heavy-truck serials are six digits: letters there keep these VINs synthetic.
 */
export function syntheticVin(parts: {
  wmi: string;
  descriptor: string;
  year: number;
  plant: string;
  series: string;
  serial: number;
}): string {
  const tail = `${modelYearCode(parts.year)}${parts.plant}${parts.series}${String(parts.serial).padStart(4, '0')}`;
  const draft = `${parts.wmi}${parts.descriptor}0${tail}`;
  if (draft.length !== 17) throw new RangeError(`"${draft}" is not 17 characters`);
  return `${parts.wmi}${parts.descriptor}${vinCheckDigit(draft)}${tail}`;
}
