/** What the shop reports: repairs and breakdowns that ended a trouble, and the maintenance done on schedule. */
import type { VehicleSystem } from '#contracts/faults';
import { between, unit } from '../random.ts';
import type { RosterTruck } from '../roster.ts';
import { wholeShift } from '../shift.ts';
import { codes } from './codes.ts';
import { episodesBetween, worldEpochMs } from './episodes.ts';

export interface ShopEvent {
  /** World time; `WorldClock.realOfWorld` gives the date to report it under. */
  atMs: number;
  kind: 'repair' | 'breakdown' | 'preventive' | 'inspection';
  system: VehicleSystem | null;
  spn: number | null;
  fmi: number | null;
  description: string;
}

const dayMs = 86_400_000;

/** Oil and filters every 85–120 days of line haul, about 30,000 miles, an annual inspection (49 CFR 396.17). */
function scheduledEvents(truck: RosterTruck, fromMs: number, toMs: number): ShopEvent[] {
  const events: ShopEvent[] = [];
  const plan = [
    { kind: 'preventive', everyMs: between(85, 120, truck.seed, truck.vin, 'oil change') * dayMs, description: 'Oil, oil filter and fuel filters changed, chassis greased' },
    { kind: 'inspection', everyMs: 365 * dayMs, description: 'Annual inspection passed' },
  ] as const; // prettier-ignore
  for (const { kind, everyMs, description } of plan) {
    const firstMs = worldEpochMs + unit(truck.seed, truck.vin, kind) * everyMs;
    for (
      let visit = Math.max(0, Math.ceil((fromMs - firstMs) / everyMs));
      firstMs + visit * everyMs < toMs;
      visit += 1
    ) {
      events.push({
        atMs: Math.round(firstMs + visit * everyMs),
        kind,
        system: null,
        spn: null,
        fmi: null,
        description,
      });
    }
  }
  return events;
}

/**
 * Shop events of a truck with fromMs ≤ time < toMs of world time, oldest first. A breakdown is dated when the truck
 * stopped, with the code that stopped it; its repair follows as an event of its own.
 */
export function shopEventsBetween(truck: RosterTruck, fromMs: number, toMs: number): ShopEvent[] {
  const events = scheduledEvents(truck, fromMs, toMs);
  const { breakdown } = wholeShift(truck.shift);
  for (const episode of episodesBetween(truck, fromMs, toMs)) {
    const { course, stageStartsMs, repairedMs, keys, isCodeless } = episode;
    const lastStage = course.stages[stageStartsMs.length - 1];
    const codeKey = lastStage?.codes[0]?.code;
    if (codeKey === undefined || stageStartsMs.length <= (course.driverStages ?? 0)) continue;
    const { spn, fmi } = isCodeless ? { spn: null, fmi: null } : codes[codeKey];
    const ranItsCourse = stageStartsMs.length === course.stages.length;
    if (ranItsCourse && unit(...keys, 'breakdown') < (course.breakdownChance ?? 0) * breakdown) {
      const lastStartMs = stageStartsMs.at(-1) ?? repairedMs;
      const stoppedMs = lastStartMs + (repairedMs - lastStartMs) * between(0.2, 0.7, ...keys, 'stopped');
      const description = `Road call: ${codes[codeKey].name}, towed in`;
      events.push({ atMs: Math.round(stoppedMs), kind: 'breakdown', system: course.system, spn, fmi, description });
    }
    events.push({
      atMs: Math.round(repairedMs),
      kind: 'repair',
      system: course.system,
      spn,
      fmi,
      description: course.repair,
    });
  }
  return events.filter((event) => event.atMs >= fromMs && event.atMs < toMs).sort((a, b) => a.atMs - b.atMs);
}
