/** Vehicle identification numbers: who built it, which model year, does the check digit fit (49 CFR 565). */
import { manufacturerOfWmi } from './wmi.ts';

export interface DecodedVin {
  vin: string;
  wmi: string;
  manufacturer: string | null;
  modelYear: number | null;
  checkDigitValid: boolean;
  warnings: string[];
}

export type VinProblem = { kind: 'invalid_length' } | { kind: 'invalid_character' };

const weights = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2] as const;

/** 49 CFR 565.15 table III; digits stand for themselves. */
const letterValues: Readonly<Record<string, number>> = {
  ...{ A: 1, B: 2, C: 3, D: 4, E: 5, F: 6, G: 7, H: 8 },
  ...{ J: 1, K: 2, L: 3, M: 4, N: 5, P: 7, R: 9 },
  ...{ S: 2, T: 3, U: 4, V: 5, W: 6, X: 7, Y: 8, Z: 9 },
};

/** Codes of position 10 from 1980 on; the cycle is 30 years long. I, O, Q, U, Z and 0 are not used. */
const yearCodes = 'ABCDEFGHJKLMNPRSTVWXY123456789';
const firstCodedYear = 1980;

/** The check digit a 17-character VIN should carry in position 9: "0"–"9" or "X". */
export const vinCheckDigit = (vin: string): string => {
  const sum = weights.reduce<number>((total, weight, index) => {
    const character = vin.charAt(index).toUpperCase();
    return total + weight * (letterValues[character] ?? Number(character));
  }, 0);
  const remainder = sum % 11;
  return remainder === 10 ? 'X' : String(remainder);
};

/**
 * The latest year of the code's 30-year cycle that is not beyond next year. The position-7 rule that tells the cycles
 * apart holds for light vehicles only; trucks older than 30 years are rarer than wrong years it would produce.
 */
const latestModelYear = (code: string, now: Date): number | null => {
  const offset = yearCodes.indexOf(code);
  if (offset < 0) return null;
  const first = firstCodedYear + offset;
  const limit = now.getUTCFullYear() + 1;
  if (!Number.isFinite(limit) || first > limit) return null;
  return first + Math.floor((limit - first) / yearCodes.length) * yearCodes.length;
};

/**
 * Decodes a VIN; lower case is folded. A wrong check digit is a warning, because fleets have them and VINs from outside
 * North America carry none. `now` bounds the model year.
 */
export const decodeVin = (vin: string, now: Date): DecodedVin | VinProblem => {
  if (vin.length !== 17) return { kind: 'invalid_length' };
  if (!/^[A-HJ-NPR-Za-hj-npr-z0-9]{17}$/.test(vin)) return { kind: 'invalid_character' };
  const folded = vin.toUpperCase();
  const wmi = folded.slice(0, 3);
  const manufacturer = manufacturerOfWmi(wmi);
  const modelYear = latestModelYear(folded.charAt(9), now);
  const expected = vinCheckDigit(folded);
  const checkDigitValid = folded.charAt(8) === expected;
  const northAmerican = /^[1-5]/.test(folded);

  const warnings: string[] = [];
  if (!checkDigitValid) {
    warnings.push(
      northAmerican
        ? `Check digit is ${folded.charAt(8)}, should be ${expected}: a character may be mistyped.`
        : 'Check digit does not fit; VINs from outside North America often carry none.',
    );
  }
  if (manufacturer === null) warnings.push(`Manufacturer ${wmi} is not in the table.`);
  if (modelYear === null) warnings.push(`Model year code ${folded.charAt(9)} in position 10 names no year.`);
  else if (!northAmerican) warnings.push('Outside North America position 10 does not have to be the model year.');
  return { vin: folded, wmi, manufacturer, modelYear, checkDigitValid, warnings };
};
