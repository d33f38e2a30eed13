/** Fences for tests: a yard with a hole, a place of two parts, a round dock. */
import type { Geofence, GeofenceShape } from '#contracts/geofences';
import type { Corner } from './shapes.ts';

export const idOf = (n: number): string => `01900000-0000-7000-8000-${String(n).padStart(12, '0')}`;
export const tenantId = idOf(900);

export const box = (west: number, south: number, size: number): Corner[] => {
  const [east, north] = [Number((west + size).toFixed(6)), Number((south + size).toFixed(6))];
  return [
    [west, south],
    [east, south],
    [east, north],
    [west, north],
    [west, south],
  ];
};
export const yard: GeofenceShape = { type: 'Polygon', coordinates: [box(-90, 35, 1), box(-89.8, 35.2, 0.2)] };
export const two: GeofenceShape = {
  type: 'MultiPolygon',
  coordinates: [[box(-90, 35, 1), box(-89.8, 35.2, 0.2), box(-89.4, 35.6, 0.2)], [box(-80, 40, 0.5)]],
};
export const dock: GeofenceShape = { type: 'Circle', center: [-86.8, 36.1], radiusMeters: 1_500 };

export const fenceOf = (n: number, shape: GeofenceShape, more: Partial<Geofence> = {}): Geofence => ({
  id: idOf(n),
  tenantId,
  name: `Yard ${n}`,
  shape,
  alertOnEntry: true,
  alertOnExit: false,
  dwellMinutes: null,
  speedLimitMph: null,
  groupId: null,
  createdAt: '2026-11-20T08:00:00.000Z',
  updatedAt: '2026-11-20T08:00:00.000Z',
  ...more,
});
