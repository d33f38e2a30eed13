/** One running world: the fleets, the clock, and what every truck does and suffers at this moment. */
import { worldTimeAt, type WorldClock } from './clock.ts';
import { demoTenants } from './demo.ts';
import { deliveredMs, positionAt, type TruckPosition } from './driving.ts';
import { faultsAt, type WorldFault } from './faults/fault-state.ts';
import { shopEventsBetween, type ShopEvent } from './faults/shop-events.ts';
import { bulkRoster, demoRoster, type RosterTenant, type RosterTruck } from './roster.ts';
import { signalsAt, type SignalValues } from './signals.ts';

/** A shop event as it is reported: dated in real time, with the odometer of that moment. */
export interface ReportedShopEvent extends ShopEvent {
  vin: string;
  reportedMs: number;
  odometerMiles: number;
}

export interface World {
  readonly seed: number;
  readonly clock: WorldClock;
  readonly demoFleets: readonly RosterTenant[];
  /** Trucks of a demo tenant by its name, or of a measuring fleet "bulk-<count>". Throws a RangeError for other names. */
  trucksOf(fleetName: string): readonly RosterTruck[];
  position(truck: RosterTruck): TruckPosition;
  faults(truck: RosterTruck): WorldFault[];
  /** Driven in real time, worn in world time; none while the ignition is off. */
  signals(truck: RosterTruck): SignalValues;
  /** Shop events since its delivery with fromMs ≤ reported time < toMs (real time), oldest first. */
  shopEvents(truck: RosterTruck, fromMs: number, toMs: number): ReportedShopEvent[];
}

/** Makes a world. Everything in it follows from the seed and the clock; nothing is stored. */
export function createWorld(options: { seed: number; clock: WorldClock }): World {
  const { seed, clock } = options;
  const demoFleets = demoRoster(seed);
  const fleets = new Map<string, readonly RosterTruck[]>(demoFleets.map((fleet) => [fleet.name, fleet.trucks]));
  return {
    seed,
    clock,
    demoFleets,
    trucksOf(fleetName) {
      const known = fleets.get(fleetName);
      if (known !== undefined) return known;
      const count = /^bulk-(\d{1,5})$/.exec(fleetName)?.[1];
      if (count === undefined) {
        const names = demoTenants.map((tenant) => tenant.name).join(', ');
        throw new RangeError(`no fleet "${fleetName}"; there are ${names} and bulk-<count>`);
      }
      const trucks = bulkRoster(Number(count), seed);
      fleets.set(fleetName, trucks);
      return trucks;
    },
    position: (truck) => positionAt(truck, clock.anchorMs, clock.realMs()),
    faults: (truck) => faultsAt(truck, clock.worldMs()),
    signals: (truck) => signalsAt(truck, clock.worldMs(), positionAt(truck, clock.anchorMs, clock.realMs())),
    shopEvents(truck, fromMs, toMs) {
      const worldOfReal = (realMs: number) => worldTimeAt(realMs, clock.anchorMs, clock.speed);
      const sinceMs = Math.max(fromMs, deliveredMs(truck, clock.anchorMs));
      return shopEventsBetween(truck, worldOfReal(sinceMs), worldOfReal(toMs)).map((event) => {
        const reportedMs = Math.round(clock.realOfWorld(event.atMs));
        const { odometerMiles } = positionAt(truck, clock.anchorMs, reportedMs);
        return { ...event, vin: truck.vin, reportedMs, odometerMiles };
      });
    },
  };
}
