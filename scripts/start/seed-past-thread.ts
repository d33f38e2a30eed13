/** A thread of its own for a share of the demo trucks: their pasts are some seconds of pure computing. */
import { parentPort, workerData } from 'node:worker_threads';
import { demoRoster } from '#simulators/world/roster';
import { pastModels } from './past-models.ts';
import { worldSeed } from './seed-ids.ts';
import { pastOfTruck } from './seed-past.ts';

/** This thread's share: every `threads`-th truck, from the one with the number `share` on. */
export interface PastThreadData {
  anchorMs: number;
  share: number;
  threads: number;
}

const { anchorMs, share, threads } = workerData as PastThreadData;
const { models } = pastModels();
const trucks = demoRoster(worldSeed).flatMap((fleet) => fleet.trucks);
const own = trucks.filter((_, index) => index % threads === share);
parentPort?.postMessage(
  own.map((truck) => ({ fleetName: truck.fleetName, past: pastOfTruck(truck, anchorMs, models) })),
);
