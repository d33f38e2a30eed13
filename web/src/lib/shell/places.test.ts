import { describe, expect, it } from 'vitest';
import { permissionsOf, roles, type Permission, type Role } from '#contracts/roles';
import { hasWallBoard, placeAt, placesFor } from './places.ts';

const canAs =
  (role: Role) =>
  (permission: Permission): boolean =>
    permissionsOf[role].includes(permission);
const wordsFor = (role: Role): string[] => placesFor(canAs(role)).map(({ word }) => word);

describe('the navigation', () => {
  it('holds for each role what it may read, and home for everybody', () => {
    for (const role of roles) {
      const words = [
        'Home',
        ...(role === 'shipper' ? [] : ['Vehicles', 'Map', 'Alerts']),
        ...(permissionsOf[role].includes('reports:read') ? ['Reports'] : []),
      ];
      expect([role, wordsFor(role)]).toEqual([role, words]);
    }
  });

  it('has no wall board for somebody who sees one truck, or none', () => {
    expect(roles.filter((role) => !hasWallBoard(role, canAs(role)))).toEqual(['driver', 'shipper']);
  });

  it('knows the place of an address, and of those beneath it', () => {
    expect(placeAt('/')?.word).toBe('Home');
    expect(placeAt('/vehicles/1')?.word).toBe('Vehicles');
    expect(placeAt('/map')?.word).toBe('Map');
    expect(placeAt('/alerts')?.word).toBe('Alerts');
    for (const report of ['/reports', '/reports/prediction-accuracy']) expect(placeAt(report)?.word).toBe('Reports');
    for (const elsewhere of ['/profile', '/vehiclesx', '/mapx', '/reportsx', '/settings/people'])
      expect(placeAt(elsewhere)).toBeNull();
  });
});
