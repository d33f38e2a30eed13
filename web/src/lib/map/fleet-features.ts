/**
 * Vehicles as the points of one source, and the difference between what the map holds and what it should hold. A vehicle
 * that has not changed is the same object in the next picture (live/fold.ts), so that 5,000 are compared without looking
 * into them. Pure.
 */
import type { Feature, Point } from 'geojson';
import type { GeoJSONFeatureDiff, GeoJSONSourceDiff } from 'maplibre-gl';
import type { LiveVehicle } from '#contracts/live';
import { riskLevels, type RiskLevel } from '#contracts/risk';

/** Worse is higher; 0 is not scored. What a cluster shows is the highest of its trucks. */
export const riskRank = (level: RiskLevel | null): number => (level === null ? 0 : riskLevels.indexOf(level) + 1);
export const levelOfRank = (rank: number): RiskLevel | null => riskLevels[rank - 1] ?? null;

/** The image of a vehicle's state; marker-images.ts draws them all. */
export const markerName = (vehicle: Pick<LiveVehicle, 'status' | 'riskLevel'>): string =>
  `truck-${vehicle.status}-${vehicle.riskLevel ?? 'none'}`;

export interface PlacedVehicle extends LiveVehicle {
  lat: number;
  lon: number;
}
export const isPlaced = (vehicle: LiveVehicle): vehicle is PlacedVehicle =>
  vehicle.lat !== null && vehicle.lon !== null;

export interface VehicleProperties {
  id: string;
  unit: string;
  marker: string;
  /** Degrees clockwise from north; 0 for everything but the arrow of a moving truck. */
  turn: number;
  rank: number;
}

/** Finer than this nobody sees an arrow turn; every reading differs by a little. */
const turnStepDegrees = 5;

const turnOf = ({ status, heading }: LiveVehicle): number =>
  status === 'moving' ? (Math.round((heading ?? 0) / turnStepDegrees) * turnStepDegrees) % 360 : 0;

const placeOf = ({ lon, lat }: PlacedVehicle): Point => ({ type: 'Point', coordinates: [lon, lat] });

export const vehicleFeature = (vehicle: PlacedVehicle): Feature<Point, VehicleProperties> => ({
  type: 'Feature',
  properties: {
    id: vehicle.id,
    unit: vehicle.unitNumber,
    marker: markerName(vehicle),
    turn: turnOf(vehicle),
    rank: riskRank(vehicle.riskLevel),
  },
  geometry: placeOf(vehicle),
});

/** Degrees of longitude that half a pixel of the screen covers at a zoom: a smaller move cannot be seen. */
export const halfPixelDegrees = (zoom: number): number => 360 / (512 * 2 ** zoom) / 2;

/** Whether two states of a vehicle are drawn as the same thing, wherever it stands. */
const looksAlike = (a: LiveVehicle, b: LiveVehicle): boolean =>
  a.status === b.status && a.riskLevel === b.riskLevel && a.unitNumber === b.unitNumber;

/** What a source of vehicles holds, and how it gets from there to another set of vehicles. */
export class FleetFeatures {
  /** The state that the source was last told of each. */
  #told = new Map<string, PlacedVehicle>();

  /** How many points the source holds. */
  get size(): number {
    return this.#told.size;
  }

  /**
   * The change after which the source holds the placed vehicles of `vehicles` that `isShown` lets through, each no further
   * than `tolerance` degrees from its place; null when it does already. The change is taken as made.
   *
   * A truck on the highway crosses a pixel of the whole country in minutes: with half a pixel as tolerance nearly nothing of
   * what 5,000 trucks report has to be told, drawn and clustered anew.
   */
  next(
    vehicles: Iterable<LiveVehicle>,
    isShown: (vehicle: LiveVehicle) => boolean,
    tolerance = 0,
  ): GeoJSONSourceDiff | null {
    const add: Feature<Point, VehicleProperties>[] = [];
    const update: GeoJSONFeatureDiff[] = [];
    const told = new Map<string, PlacedVehicle>();
    for (const vehicle of vehicles) {
      if (!isPlaced(vehicle) || !isShown(vehicle)) continue;
      const before = this.#told.get(vehicle.id);
      if (before !== undefined && (before === vehicle || isCloseTo(before, vehicle, tolerance))) {
        told.set(vehicle.id, before);
        continue;
      }
      told.set(vehicle.id, vehicle);
      // A feature that is added under a known id takes its place.
      if (before === undefined || !looksAlike(before, vehicle)) add.push(vehicleFeature(vehicle));
      else update.push(moveOf(before, vehicle));
    }
    const remove: string[] = [];
    for (const id of this.#told.keys()) if (!told.has(id)) remove.push(id);
    this.#told = told;
    return add.length === 0 && update.length === 0 && remove.length === 0 ? null : { remove, add, update };
  }
}

const isCloseTo = (told: PlacedVehicle, vehicle: PlacedVehicle, tolerance: number): boolean =>
  looksAlike(told, vehicle) &&
  turnOf(told) === turnOf(vehicle) &&
  Math.abs(told.lon - vehicle.lon) <= tolerance &&
  Math.abs(told.lat - vehicle.lat) <= tolerance;

function moveOf(before: PlacedVehicle, vehicle: PlacedVehicle): GeoJSONFeatureDiff {
  const turn = turnOf(vehicle);
  return {
    id: vehicle.id,
    newGeometry: placeOf(vehicle),
    ...(turn === turnOf(before) ? {} : { addOrUpdateProperties: [{ key: 'turn', value: turn }] }),
  };
}

/** west, south, east, north. */
export type Bounds = [number, number, number, number];

/** The box around some vehicles; null when none of them has a place. */
export function boundsOf(vehicles: Iterable<LiveVehicle>): Bounds | null {
  let box: Bounds | null = null;
  for (const vehicle of vehicles) {
    if (!isPlaced(vehicle)) continue;
    const { lon, lat } = vehicle;
    box =
      box === null
        ? [lon, lat, lon, lat]
        : [Math.min(box[0], lon), Math.min(box[1], lat), Math.max(box[2], lon), Math.max(box[3], lat)];
  }
  return box;
}
