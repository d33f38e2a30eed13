/** Stored units (miles, mph, hours) shown in the tenant's units. */

export type Units = 'us' | 'metric';

/** Kilometres in an international mile, exactly. */
const kilometresPerMile = 1.609344;
const missing = '–';

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const tenth = new Intl.NumberFormat('en-US', { minimumFractionDigits: 1, maximumFractionDigits: 1 });

export const distanceUnit = (units: Units): string => (units === 'metric' ? 'km' : 'mi');
export const speedUnit = (units: Units): string => (units === 'metric' ? 'km/h' : 'mph');

/** Miles → grouped whole number in the tenant's unit, without the unit (it stands in the column's header). */
export const formatDistance = (miles: number | null, units: Units): string =>
  miles === null ? missing : whole.format(units === 'metric' ? miles * kilometresPerMile : miles);

/** mph → "58 mph" or "93 km/h". */
export const formatSpeed = (mph: number | null, units: Units): string =>
  mph === null ? missing : `${whole.format(units === 'metric' ? mph * kilometresPerMile : mph)} ${speedUnit(units)}`;

export const formatHours = (hours: number | null): string => (hours === null ? missing : whole.format(hours));
/** Rounded down: 74.9 must not read as the 75 at which the next level begins. */
export const formatScore = (score: number | null): string =>
  score === null ? missing : whole.format(Math.floor(score));
export const formatPoints = (points: number): string => tenth.format(points);
export const formatCount = (count: number): string => whole.format(count);

/** "1 truck", "2 trucks". */
export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${whole.format(count)} ${count === 1 ? one : many}`;

const compass = ['N', 'NE', 'E', 'SE', 'S', 'SW', 'W', 'NW'] as const;
/** Degrees clockwise from north → one of eight directions. */
export const formatHeading = (degrees: number | null): string =>
  degrees === null ? missing : (compass[Math.round((((degrees % 360) + 360) % 360) / 45) % 8] ?? missing);
