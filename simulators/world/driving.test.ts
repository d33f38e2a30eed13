import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { statusOfReading } from '#contracts/vehicle-status';
import { positionInputSchema } from '#contracts/telemetry';
import { cities } from './cities.ts';
import { positionAt, rotationOf } from './driving.ts';
import { demoRoster } from './roster.ts';
import { milesBetween } from './routes.ts';

const anchorMs = Date.UTC(2026, 10, 20);
const hourMs = 3_600_000;
const fleets = demoRoster(2026).filter((fleet) => fleet.trucks.length > 0);
const trucks = fleets.flatMap((fleet) => [...fleet.trucks]);

describe('driving', () => {
  it('never teleports, never runs a gauge backwards, never drives on empty tanks', () => {
    const stepMs = 10_000;
    for (const truck of trucks) {
      let before = positionAt(truck, anchorMs, anchorMs - 2 * hourMs);
      for (let ms = -2 * hourMs + stepMs; ms < 30 * hourMs; ms += stepMs) {
        const now = positionAt(truck, anchorMs, anchorMs + ms);
        const mph = milesBetween(before, now) / (stepMs / hourMs);
        if (mph > 90) expect.fail(`${truck.vin} at ${mph} mph`);
        if (now.odometerMiles < before.odometerMiles) expect.fail(`${truck.vin} odometer fell`);
        if (now.engineHours < before.engineHours) expect.fail(`${truck.vin} engine hours fell`);
        if (now.speedMph > 0 && (!now.ignition || now.fuelPercent < 15)) expect.fail(`${truck.vin} cannot drive`);
        before = now;
      }
    }
  });

  it('is one function of the instant, whatever was asked before, around the end of a rotation too', () => {
    fc.assert(
      fc.property(fc.nat(trucks.length - 1), fc.integer({ min: -5e9, max: 5e9 }), (index, offsetMs) => {
        const truck = trucks[index];
        const twin = demoRoster(2026).flatMap((fleet) => [...fleet.trucks])[index];
        if (truck === undefined || twin === undefined) throw new Error('no truck');
        const position = positionAt(truck, anchorMs, anchorMs + offsetMs);
        expect(positionAt(twin, anchorMs, anchorMs + offsetMs)).toEqual(position);
        const row = { vin: truck.vin, at: '2026-11-20T00:00:00Z', ...position };
        expect(positionInputSchema.safeParse(row).success).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it('counts on the odometer what it covers on the map', () => {
    for (const truck of trucks.slice(0, 10)) {
      const { periodMs, miles } = rotationOf(truck);
      const start = positionAt(truck, anchorMs, anchorMs);
      const end = positionAt(truck, anchorMs, anchorMs + periodMs);
      expect(start.odometerMiles).toBe(truck.baseOdometerMiles);
      expect(end.odometerMiles - start.odometerMiles).toBeCloseTo(miles, 0);
      expect(milesBetween(start, end)).toBeLessThan(0.1);
    }
  });

  it('has driven every truck before the anchor, never below nothing, and less a day the longer ago', () => {
    for (const truck of trucks) {
      const at = (daysAgo: number) => positionAt(truck, anchorMs, anchorMs - daysAgo * 24 * hourMs);
      const meters = [0, 60, 120, 180, 240, 300].map((daysAgo) => at(daysAgo));
      meters.forEach(({ odometerMiles, engineHours }, index) => {
        const later = meters[index - 1];
        expect(odometerMiles).toBeGreaterThanOrEqual(0);
        if (later !== undefined) expect(odometerMiles).toBeLessThan(later.odometerMiles);
        if (later !== undefined) expect(engineHours).toBeLessThan(later.engineHours);
      });
      const [now, sixty, , , , oldest] = meters.map(({ odometerMiles }) => odometerMiles);
      expect((now ?? 0) - (sixty ?? 0)).toBeGreaterThan(((now ?? 0) - (oldest ?? 0)) / 5);
    }
  });

  it('keeps most trucks moving and some standing at every hour of three weeks', () => {
    let total = 0;
    let samples = 0;
    for (let hour = 0; hour < 21 * 24; hour += 1) {
      const at = anchorMs + hour * hourMs;
      const statuses = trucks.map((truck) => statusOfReading(positionAt(truck, anchorMs, at)));
      const moving = statuses.filter((status) => status === 'moving').length / trucks.length;
      expect(moving).toBeGreaterThan(0.35);
      expect(moving).toBeLessThan(0.9);
      for (const fleet of fleets) {
        const some = fleet.trucks.some((truck) => positionAt(truck, anchorMs, at).speedMph > 3);
        expect(some).toBe(true);
      }
      total += moving;
      samples += 1;
    }
    expect(total / samples).toBeGreaterThan(0.5);
    expect(total / samples).toBeLessThan(0.72);
  });

  it('rests a solo driver at night hours or not: ten hours in a row without a mile', () => {
    for (const truck of trucks.filter((candidate) => candidate.crew === 'solo')) {
      const { pieces } = rotationOf(truck);
      let standingMs = 0;
      let longestMs = 0;
      let drivenMs = 0;
      for (const piece of pieces) {
        const isStanding = piece.startMph === 0 && piece.endMph === 0;
        standingMs = isStanding ? standingMs + piece.durationMs : 0;
        longestMs = Math.max(longestMs, standingMs);
        if (standingMs >= 8.5 * hourMs) drivenMs = 0;
        else if (!isStanding) drivenMs += piece.durationMs;
        if (drivenMs > 11 * hourMs) expect.fail(`${truck.vin} drove ${drivenMs / hourMs} h without a rest`);
      }
      expect(longestMs).toBeGreaterThanOrEqual(8.5 * hourMs);
    }
  });

  it('starts and ends every rotation at home', () => {
    for (const truck of trucks) {
      const [start] = rotationOf(truck).line.points;
      if (start === undefined) throw new Error('no line');
      expect(milesBetween(start, cities[truck.homeCity])).toBeLessThan(2);
    }
  });
});
