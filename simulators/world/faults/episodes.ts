/**
 * When a truck's troubles come: for every course a chain of episodes (onset, stages, repair, good again, …), and a
 * timetable of severe cases so that every fleet always has something serious to look at.
 */
import { between, hashKeys, pick, unit, weibull } from '../random.ts';
import type { RosterTruck } from '../roster.ts';
import type { Course } from './course.ts';
import { courses } from './courses.ts';
import { hazardOf, seasonShare, truthOf, type HiddenTruth } from './truths.ts';

/** One trouble from its onset to its repair, in epoch milliseconds of world time. */
export interface Episode {
  course: Course;
  /** Names every further draw within this episode. */
  keys: readonly (string | number)[];
  /** Start of each stage that was reached; the first is the onset. */
  stageStartsMs: readonly number[];
  repairedMs: number;
  /** It never sets a code. */
  isCodeless: boolean;
}

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
/** Before this the world has no faults: a fixed instant, so that no anchor is needed to know what happened when. */
export const worldEpochMs = Date.UTC(2024, 0, 1);
/** How long one truck holds the role of its fleet's severe case. */
export const severeWindowMs = 240 * hourMs;
/** A course gives the hours of work and towing; the truck also finishes its round and waits for a bay and for parts. */
const waitFactor = 5;
/** One severe case at any time per this many trucks, and at least one per fleet. */
const trucksPerSevereCase = 20;
/** Two cases overlap a little, so that one has begun before the other is repaired. */
const overlapMs = 2 * hourMs;

/** Stages and repair of an episode that begins at `onsetMs`; `reachesLast` skips the chance of an early repair. */
function episodeFrom(
  { shift }: HiddenTruth,
  course: Course,
  keys: readonly (string | number)[],
  onsetMs: number,
  reachesLast: boolean,
): Episode {
  const stageStartsMs: number[] = [];
  let atMs = onsetMs;
  for (const [index, stage] of course.stages.entries()) {
    if (!reachesLast && unit(...keys, 'reach', index) >= (stage.chance ?? 1)) break;
    atMs += between(...stage.afterHours, ...keys, 'stage', index) * hourMs;
    stageStartsMs.push(atMs);
  }
  return {
    course,
    keys,
    stageStartsMs,
    repairedMs: atMs + between(...course.repairAfterHours, ...keys, 'repair') * hourMs * waitFactor * shift.repairDelay,
    isCodeless: shift.codeless > 0 && unit(...keys, 'codeless') < shift.codeless,
  };
}

interface Chain {
  /** Onset and repair of every episode so far, oldest first; the rest is drawn again when asked for. */
  spans: { index: number; onsetMs: number; repairedMs: number }[];
  nextIndex: number;
  /** The last candidate looked at; later ones are not known yet. */
  knownUntilMs: number;
}

interface History {
  truth: HiddenTruth;
  chains: Map<string, Chain>;
}

/** Only a memory of what the keys would give again; dropping it changes nothing. */
const histories = new WeakMap<RosterTruck, History>();

function historyOf(truck: RosterTruck): History {
  const known = histories.get(truck);
  if (known !== undefined) return known;
  const history: History = { truth: truthOf(truck), chains: new Map() };
  histories.set(truck, history);
  return history;
}

const chainKeys = (truck: RosterTruck, course: Course, index: number) =>
  [truck.seed, truck.vin, course.key, index] as const;

function chainUntil(truck: RosterTruck, course: Course, untilMs: number): Chain {
  const { truth, chains } = historyOf(truck);
  const chain = chains.get(course.key) ?? { spans: [], nextIndex: 0, knownUntilMs: worldEpochMs };
  chains.set(course.key, chain);
  const scaleMs = (course.meanDays * dayMs) / hazardOf(truth, course);
  while (chain.knownUntilMs <= untilMs) {
    const keys = chainKeys(truck, course, chain.nextIndex);
    // Parts were already used when the world began: the first wait is cut anywhere.
    const used = chain.nextIndex === 0 ? unit(...keys, 'already used') : 1;
    const onsetMs = chain.knownUntilMs + weibull(scaleMs, course.shape * truth.shift.shape, ...keys, 'gap') * used;
    chain.knownUntilMs = onsetMs;
    if (unit(...keys, 'season') < seasonShare(course, onsetMs)) {
      const { repairedMs } = episodeFrom(truth, course, keys, onsetMs, false);
      chain.spans.push({ index: chain.nextIndex, onsetMs, repairedMs });
      // The repaired part starts its life anew: no second episode of this course while one lasts.
      chain.knownUntilMs = repairedMs;
    }
    chain.nextIndex += 1;
  }
  return chain;
}

const severeCourses = courses.filter((course) => course.isSevere === true);

/** How many severe cases a fleet of this size always has. */
export function severeCaseCount(fleetSize: number): number {
  return fleetSize === 0 ? 0 : Math.max(1, Math.round(fleetSize / trucksPerSevereCase));
}

/** Episodes in which this truck is its fleet's severe case, as far as they touch the span. */
function severeEpisodes(truck: RosterTruck, fromMs: number, toMs: number): Episode[] {
  const { truth } = historyOf(truck);
  if (!truth.shift.hasSevereTimetable) return [];
  const slots = severeCaseCount(truck.fleetSize);
  const slot = truck.index % slots;
  const candidates = Math.floor((truck.fleetSize - 1 - slot) / slots) + 1;
  const place = Math.floor(truck.index / slots);
  const windowMs = severeWindowMs * truth.shift.severeWindow;
  const shiftMs = worldEpochMs + (slot / slots) * windowMs + unit(truck.seed, truck.fleetName) * windowMs;
  const episodes: Episode[] = [];
  // Growth before the window is shorter than three windows (the catalyst's is up to 132 h), lateness after it than two.
  const first = Math.floor((fromMs - shiftMs) / windowMs) - 2;
  const last = Math.floor((toMs - shiftMs) / windowMs) + 3;
  for (let window = Math.max(first, 0); window <= last; window += 1) {
    if (hashKeys(truck.seed, truck.fleetName, 'severe', slot, window) % candidates !== place) continue;
    const course = pick(severeCourses, truck.seed, truck.fleetName, 'severe course', slot, window);
    const keys = [truck.seed, truck.vin, course.key, 'window', window] as const;
    const draft = episodeFrom(truth, course, keys, 0, true);
    const startMs = shiftMs + window * windowMs;
    const shift = startMs - (draft.stageStartsMs.at(-1) ?? 0);
    episodes.push({
      ...draft,
      stageStartsMs: draft.stageStartsMs.map((atMs) => atMs + shift),
      repairedMs: startMs + windowMs + overlapMs * (0.25 + 0.75 * unit(...keys, 'late')),
    });
  }
  return episodes.filter(({ stageStartsMs: [onsetMs = Infinity], repairedMs }) => {
    return onsetMs >= worldEpochMs && onsetMs <= toMs && repairedMs >= fromMs;
  });
}

/** Every episode of a truck that touches [fromMs, toMs] of world time, oldest onset first. */
export function episodesBetween(truck: RosterTruck, fromMs: number, toMs: number): Episode[] {
  const { truth } = historyOf(truck);
  const episodes = severeEpisodes(truck, fromMs, toMs);
  for (const course of courses) {
    const { spans } = chainUntil(truck, course, toMs);
    for (let at = spans.length - 1; at >= 0; at -= 1) {
      const span = spans[at];
      if (span === undefined || span.repairedMs < fromMs) break;
      if (span.onsetMs <= toMs) {
        episodes.push(episodeFrom(truth, course, chainKeys(truck, course, span.index), span.onsetMs, false));
      }
    }
  }
  return episodes.sort((a, b) => (a.stageStartsMs[0] ?? 0) - (b.stageStartsMs[0] ?? 0));
}
