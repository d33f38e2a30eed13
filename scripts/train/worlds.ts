/**
 * The worlds the prior learns in, those that choose its shape, and those it is judged in and has never seen: fleets of the
 * same hidden parameters, and of others, because in its own world a model may simply know itself.
 */
import { bulkRoster } from '#simulators/world/roster';
import type { WorldShift } from '#simulators/world/shift';
import type { TrainingInput, VehicleSignals } from '#scoring';
import { observeTruck, type Watching } from './observe-truck.ts';

export interface TrainingWorld {
  name: string;
  /** Of the drawn trucks; no two worlds share one. */
  seed: number;
  trucks: number;
  shift?: WorldShift;
  watching: Watching;
}

/** Landmarks, events and signals of one world, plain JSON. */
export type ObservedWorld = Pick<TrainingInput, 'until'> & {
  landmarks: TrainingInput['landmarks'][number][];
  events: TrainingInput['events'][number][];
  vehicles: VehicleSignals[];
};

const dayMs = 86_400_000;
const untilMs = Date.UTC(2026, 6, 1);
const years = (count: number): number => untilMs - Math.round(count * 365.25) * dayMs;

/** Most trucks send signals and have shop records, some do not: what is unknown is seen as well. */
const learning: Watching = {
  fromMs: years(2),
  untilMs,
  everyDays: 10,
  signalShare: 0.7,
  recordsShare: 0.85,
  joinShare: 0.6,
};
const judging: Watching = { ...learning, fromMs: years(1), everyDays: 14, joinShare: 0.3 };

/**
 * Fleets differ in how often their trucks fail, by how they are used and kept; the prior must read that from a truck's own
 * history instead of carrying one rate to all.
 */
const paces: readonly WorldShift[] = [
  {},
  {},
  { rate: 0.3, hasSevereTimetable: false },
  { rate: 0.6, hasSevereTimetable: false },
  { rate: 1.5 },
];

export const trainingWorlds: readonly TrainingWorld[] = paces.map((shift, at) => ({
  name: `training ${101 + at}`,
  seed: 101 + at,
  trucks: 150,
  shift,
  watching: learning,
}));

export const validationWorld: TrainingWorld = { name: 'validation', seed: 201, trucks: 150, watching: learning };

const other = (name: string, seed: number, shift: WorldShift, watching: Watching = judging): TrainingWorld => ({
  name,
  seed,
  trucks: 120,
  shift,
  watching,
});

/** Never learned from and never looked at before the end. */
export const testWorlds: readonly TrainingWorld[] = [
  { name: 'same hidden parameters', seed: 301, trucks: 240, watching: judging },
  other('a fifth of the troubles, no severe cases', 302, { rate: 0.2, hasSevereTimetable: false }),
  other('three times the troubles', 303, { rate: 3 }),
  other('driver and climate squared', 304, { driverEffect: 2, climateEffect: 2 }),
  other('trucks twice as different', 305, { wearSpread: 2 }),
  other('troubles by chance, not by wear', 306, { shape: 0.6 }),
  other('repairs take twice as long', 307, { repairDelay: 2 }),
  other('a third of troubles without a code', 308, { codeless: 0.33 }),
  other('no timetable of severe cases', 309, { hasSevereTimetable: false }),
  other('signals warn half as long, half as strongly', 310, { signalLead: 0.5, signalStrength: 0.5 }),
  other('no signals at all', 311, {}, { ...judging, signalShare: 0 }),
  other('no shop records', 312, {}, { ...judging, recordsShare: 0 }),
];

/** Fleets that are followed from their first day, to see what a tenant's own failures add to the prior. */
const growing: Watching = {
  fromMs: years(1.25),
  untilMs,
  everyDays: 7,
  signalShare: 0.7,
  recordsShare: 1,
  joinShare: 0,
};
export const tenantWorlds: readonly TrainingWorld[] = [
  {
    name: 'half as often, no severe cases',
    seed: 401,
    trucks: 60,
    shift: { rate: 0.5, hasSevereTimetable: false },
    watching: growing,
  },
  { name: 'twice as often', seed: 402, trucks: 60, shift: { rate: 2 }, watching: growing },
  { name: 'as in training', seed: 403, trucks: 60, watching: growing },
];

/** Watches every truck of a world. */
export function observeWorld(world: TrainingWorld): ObservedWorld {
  const observed: ObservedWorld = {
    landmarks: [],
    events: [],
    vehicles: [],
    until: new Date(world.watching.untilMs).toISOString(),
  };
  for (const truck of bulkRoster(world.trucks, world.seed, world.shift)) {
    const { landmarks, events, vehicle } = observeTruck(truck, world.watching);
    observed.landmarks.push(...landmarks);
    observed.events.push(...events);
    observed.vehicles.push(vehicle);
  }
  return observed;
}

/** Several worlds as one data set; they end at the same time and share no truck. */
export function joined(worlds: readonly ObservedWorld[]): ObservedWorld {
  const [first] = worlds;
  if (first === undefined) throw new RangeError('there is no world to join');
  return {
    until: first.until,
    landmarks: worlds.flatMap(({ landmarks }) => landmarks),
    events: worlds.flatMap(({ events }) => events),
    vehicles: worlds.flatMap(({ vehicles }) => vehicles),
  };
}
