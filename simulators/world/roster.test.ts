import { describe, expect, it } from 'vitest';
import { vinSchema } from '#contracts/vehicles';
import { demoPeople, demoTenants, fleetAdminEmail } from './demo.ts';
import { bulkRoster, demoRoster } from './roster.ts';
import { vinCheckDigit } from './vin.ts';

describe('roster', () => {
  it('refuses a measuring fleet of no sensible size', () => {
    expect(() => bulkRoster(-1)).toThrow(RangeError);
    expect(() => bulkRoster(1.5)).toThrow(RangeError);
    expect(() => bulkRoster(40_001)).toThrow(RangeError);
  });

  it('is the same for the same seed and another for another', () => {
    expect(demoRoster(7)).toEqual(demoRoster(7));
    expect(demoRoster(8)).not.toEqual(demoRoster(7));
  });

  it('has the demo fleets in their sizes, with unique valid VINs no real truck has', () => {
    const fleets = demoRoster(1);
    expect(fleets.map((fleet) => [fleet.name, fleet.trucks.length])).toEqual([
      ['Summit Kenworth', 0],
      ['Blue Ridge Freight', 40],
      ['High Plains Logistics', 25],
      ['Cascade Carriers', 15],
    ]);
    const trucks = [...fleets.flatMap((fleet) => fleet.trucks), ...bulkRoster(2000)];
    expect(new Set(trucks.map((truck) => truck.vin)).size).toBe(trucks.length);
    for (const { vin, baseOdometerMiles, baseEngineHours, year } of trucks) {
      expect(vinSchema.parse(vin)).toBe(vin);
      expect(vinCheckDigit(vin)).toBe(vin[8]);
      // Heavy-truck serials are six digits; a letter in front of the last four marks these as made up.
      expect(vin.slice(11)).toMatch(/^Z[V-Z]\d{4}$/);
      expect(year).toBeGreaterThanOrEqual(2018);
      expect(baseOdometerMiles / baseEngineHours).toBeGreaterThan(35);
      expect(baseOdometerMiles).toBeLessThan(1_100_000);
    }
  });

  it('begins a larger measuring fleet with the trucks of a smaller one', () => {
    const vins = (count: number) => bulkRoster(count).map((truck) => truck.vin);
    expect(vins(500).slice(0, 100)).toEqual(vins(100));
    const unitNumbers = bulkRoster(500).map((truck) => truck.unitNumber);
    expect([...unitNumbers].sort()).toEqual(unitNumbers);
  });

  it('names people of tenants that exist, and an admin for every fleet', () => {
    const names = demoTenants.map((tenant) => tenant.name);
    for (const person of demoPeople) if (person.tenantName !== null) expect(names).toContain(person.tenantName);
    for (const tenant of demoTenants) {
      if (tenant.kind === 'fleet') expect(fleetAdminEmail(tenant.name)).toMatch(/^admin@/);
      for (const dealer of tenant.linkedDealers) expect(names).toContain(dealer);
    }
    expect(fleetAdminEmail('Summit Kenworth')).toBeNull();
  });
});
