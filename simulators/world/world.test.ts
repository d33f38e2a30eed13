import { describe, expect, it } from 'vitest';
import { createClock } from './clock.ts';
import { deliveredMs, positionAt } from './driving.ts';
import { shopEventsBetween } from './faults/shop-events.ts';
import { signalsAt } from './signals.ts';
import { createWorld } from './world.ts';

const anchorMs = Date.UTC(2026, 10, 20, 9);
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

function worldAt(speed: number, realMs: number) {
  return createWorld({ seed: 2026, clock: createClock({ anchorMs, speed, now: () => realMs }) });
}

describe('the world’s shop', () => {
  it('refuses fleets nobody knows', () => {
    expect(() => worldAt(1, anchorMs).trucksOf('Nobody & Sons')).toThrow(RangeError);
  });

  it('reports in real time, however fast the world ages: the work of fifteen days within six hours at speed 60', () => {
    const world = worldAt(60, anchorMs + 6 * hourMs);
    let count = 0;
    for (const truck of world.demoFleets.flatMap((fleet) => fleet.trucks)) {
      const reported = world.shopEvents(truck, anchorMs, anchorMs + 6 * hourMs);
      const happened = shopEventsBetween(truck, anchorMs, anchorMs + 15 * dayMs);
      expect(reported.map(({ atMs, kind, description }) => [atMs, kind, description])).toEqual(
        happened.map(({ atMs, kind, description }) => [atMs, kind, description]),
      );
      for (const event of reported) {
        expect(event.reportedMs).toBe(Math.round(anchorMs + (event.atMs - anchorMs) / 60));
        expect(event.odometerMiles).toBe(positionAt(truck, anchorMs, event.reportedMs).odometerMiles);
      }
      count += reported.length;
    }
    expect(count).toBeGreaterThan(30);
  });

  it('knows no truck before its delivery', () => {
    const world = worldAt(1, anchorMs);
    const trucks = world.demoFleets.flatMap((fleet) => fleet.trucks);
    const young = trucks.filter((truck) => deliveredMs(truck, anchorMs) > anchorMs - 300 * dayMs);
    expect(young.length).toBeGreaterThan(0);
    expect(young.length).toBeLessThan(trucks.length / 4);
    for (const truck of young) {
      const events = world.shopEvents(truck, anchorMs - 700 * dayMs, anchorMs);
      const delivered = deliveredMs(truck, anchorMs);
      expect(positionAt(truck, anchorMs, delivered).odometerMiles).toBeCloseTo(100, -1);
      expect(events.every(({ reportedMs }) => reportedMs >= delivered)).toBe(true);
    }
  });
});

describe('the world’s sensors', () => {
  it('follow the truck in real time and its condition in world time', () => {
    const realMs = anchorMs + 3 * hourMs;
    const world = worldAt(100, realMs);
    for (const truck of world.demoFleets.flatMap((fleet) => fleet.trucks).slice(0, 30)) {
      const motion = positionAt(truck, anchorMs, realMs);
      expect(world.signals(truck)).toEqual(signalsAt(truck, anchorMs + 300 * hourMs, motion));
      expect(Object.keys(world.signals(truck)).length > 0).toBe(motion.ignition);
    }
  });
});
