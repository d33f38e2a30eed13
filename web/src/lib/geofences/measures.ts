/** How large a geofence is, in the units of the organisation; and what people type, back in the units that are kept. Pure. */
import type { Units } from '../format/units.ts';

const metersPerMile = 1_609.344;
const metersPerFoot = 0.3048;
const squareMetersPerAcre = 4_046.8564224;
const squareMetersPerSquareMile = metersPerMile ** 2;

const digits = (most: number): Intl.NumberFormat => new Intl.NumberFormat('en-US', { maximumFractionDigits: most });
const [whole, tenth, hundredth] = [digits(0), digits(1), digits(2)];

/** Two or three digits that mean something. */
const inWords = (value: number): string => (value >= 100 ? whole : value >= 10 ? tenth : hundredth).format(value);

/** "850 ft", "1.25 mi"; "260 m", "2 km". */
export function formatLength(meters: number, units: Units): string {
  if (units === 'metric') {
    return meters < 1_000 ? `${whole.format(meters)} m` : `${inWords(meters / 1_000)} km`;
  }
  const miles = meters / metersPerMile;
  return miles < 0.25 ? `${whole.format(meters / metersPerFoot)} ft` : `${inWords(miles)} mi`;
}

/** "3.2 acres", "12 sq mi"; "850 m²", "3.4 ha", "12 km²". */
export function formatArea(squareMeters: number, units: Units): string {
  if (units === 'metric') {
    if (squareMeters < 10_000) return `${whole.format(squareMeters)} m²`;
    if (squareMeters < 1_000_000) return `${inWords(squareMeters / 10_000)} ha`;
    return `${inWords(squareMeters / 1_000_000)} km²`;
  }
  if (squareMeters < squareMetersPerSquareMile) {
    const acres = inWords(squareMeters / squareMetersPerAcre);
    return `${acres} ${acres === '1' ? 'acre' : 'acres'}`;
  }
  return `${inWords(squareMeters / squareMetersPerSquareMile)} sq mi`;
}

export type LengthUnit = 'm' | 'km' | 'ft' | 'mi';
const metersPer: Readonly<Record<LengthUnit, number>> = { m: 1, km: 1_000, ft: metersPerFoot, mi: metersPerMile };

/** The units that a radius is typed in, the small one first. */
export const lengthUnitsOf = (units: Units): readonly [LengthUnit, LengthUnit] =>
  units === 'metric' ? ['m', 'km'] : ['ft', 'mi'];

/** The unit in which a length is a handy number. */
export const handyUnit = (meters: number, units: Units): LengthUnit => {
  const [small, large] = lengthUnitsOf(units);
  return meters < (units === 'metric' ? 1_000 : metersPerMile / 4) ? small : large;
};

/** A length as it stands in a field: at most three decimals. */
export const lengthIn = (meters: number, unit: LengthUnit): string =>
  String(Number((meters / metersPer[unit]).toFixed(unit === 'm' || unit === 'ft' ? 0 : 3)));

/** A typed number: "1.5", "1,500". null when it is none. */
export function numberOf(text: string): number | null {
  const plain = text.trim().replaceAll(/[,\s](?=\d{3}(?:\D|$))/g, '');
  return /^\d+(?:\.\d+)?$|^\.\d+$/.test(plain) ? Number(plain) : null;
}

/** Metres; null for what is no number. */
export function metersOf(text: string, unit: LengthUnit): number | null {
  const value = numberOf(text);
  return value === null ? null : value * metersPer[unit];
}

const kilometresPerMile = 1.609344;

/** A kept speed as it stands in a field. */
export const speedIn = (mph: number, units: Units): string =>
  String(Number((units === 'metric' ? mph * kilometresPerMile : mph).toFixed(1)));

/** A typed speed, mph; kept to the ten-thousandth so that it reads the same when it comes back. NaN for no number. */
export function mphOf(text: string, units: Units): number {
  const value = numberOf(text);
  if (value === null) return Number.NaN;
  return units === 'metric' ? Math.round((value / kilometresPerMile) * 10_000) / 10_000 : value;
}
