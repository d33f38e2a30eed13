/** Distances on the Earth, taken as a sphere (within 0.5 % of the truth, like every great-circle distance). Pure. */

/** Mean radius, metres (IUGG). */
export const earthRadiusMeters = 6_371_008.8;
export const metersPerDegree = (earthRadiusMeters * Math.PI) / 180;
export const toRadians = (degrees: number): number => (degrees * Math.PI) / 180;

/** The haversine of the angle between two places, which grows with their distance: 0 here, 1 on the other side of the Earth. */
export function haversineOf(lat1: number, lon1: number, lat2: number, lon2: number): number {
  const sinLat = Math.sin(toRadians(lat2 - lat1) / 2);
  const sinLon = Math.sin(toRadians(lon2 - lon1) / 2);
  return sinLat * sinLat + Math.cos(toRadians(lat1)) * Math.cos(toRadians(lat2)) * sinLon * sinLon;
}

/** Great-circle distance between two places, metres (haversine formula). */
export const metersBetween = (lat1: number, lon1: number, lat2: number, lon2: number): number =>
  2 * earthRadiusMeters * Math.asin(Math.min(1, Math.sqrt(haversineOf(lat1, lon1, lat2, lon2))));

/** A difference of longitudes the short way round: within ±180°. */
export const shortWay = (degrees: number): number => degrees - 360 * Math.round(degrees / 360);
