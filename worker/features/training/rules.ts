/** Decisions of training and of the registry that need no database. Pure. */
import type { Refusal } from '#scoring';

const dayMs = 86_400_000;
const weekMs = 7 * dayMs;

/** Everything random in a training begins here; the same for all, so that the same data give the same model. */
export const trainingSeed = 1;

/** Trucks change, and so do their drivers and roads: what is older says little of the next three months. */
const windowDays = 730;

/** As many as training uses; more are not even read. */
export const mostLandmarks = 20_000;

/** Rows looked for in one statement: some 1 MB of vectors at most. */
const probesPerPage = 2_000;
/** Vehicles read in one statement, with their signals of about 2 KB each. */
const mostVehiclesPerPage = 400;

/** What is known to the end of yesterday (UTC) is learned from: two runs of one day see the same. */
export const dataEnd = (startedAt: string): string => `${startedAt.slice(0, 10)}T00:00:00.000Z`;

/** Which landmarks are read: one a vehicle and `stride` weeks, from the week `firstWeek` up to `untilMs`. */
export interface ReadingPlan {
  firstWeek: number;
  weeks: number;
  stride: number;
  vehiclesPerPage: number;
  /** Pages at most. */
  pages: number;
  untilMs: number;
}

const weekOf = (ms: number): number => Math.floor(ms / weekMs);

/**
 * One landmark a vehicle and week; where that were more than training uses, one every few weeks. Weeks are counted from the
 * epoch, so that the landmarks of last night are those of tonight. `earliestAt` null: there are none.
 */
export function planReading(until: string, vehicleCount: number, earliestAt: string | null): ReadingPlan {
  const untilMs = Date.parse(until);
  const fromMs = Math.max(untilMs - windowDays * dayMs, earliestAt === null ? untilMs : Date.parse(earliestAt));
  const firstWeek = weekOf(fromMs);
  const weeks = fromMs < untilMs ? weekOf(untilMs - 1) - firstWeek + 1 : 0;
  const stride = Math.max(1, Math.ceil((vehicleCount * weeks) / mostLandmarks));
  const probesPerVehicle = Math.max(1, Math.ceil(weeks / stride));
  const vehiclesPerPage = Math.min(mostVehiclesPerPage, Math.max(1, Math.floor(probesPerPage / probesPerVehicle)));
  const pages = weeks === 0 ? 0 : Math.ceil(vehicleCount / vehiclesPerPage);
  return { firstWeek, weeks, stride, vehiclesPerPage, pages, untilMs };
}

/** A span of time in which one landmark of one vehicle is looked for. */
export interface Probe {
  vehicleId: string;
  from: string;
  before: string;
}

/** Vehicles take turns, so that no week of the fleet is left out where not every week of a vehicle is read. */
function turnOf(vehicleId: string, stride: number): number {
  let sum = 0;
  for (const character of vehicleId) sum = (sum * 31 + character.charCodeAt(0)) % 1_000_003;
  return sum % stride;
}

/** The spans in which the vehicle's landmarks are looked for, in the order of time. */
export function probesOf(vehicleId: string, plan: ReadingPlan): Probe[] {
  const { firstWeek, weeks, stride, untilMs } = plan;
  const turn = turnOf(vehicleId, stride);
  const probes: Probe[] = [];
  for (let week = firstWeek; week < firstWeek + weeks; week += 1) {
    if (week % stride !== turn) continue;
    const before = Math.min((week + 1) * weekMs, untilMs);
    probes.push({
      vehicleId,
      from: new Date(week * weekMs).toISOString(),
      before: new Date(before).toISOString(),
    });
  }
  return probes;
}

/**
 * `t-20261120-9f3a2c1b`: the day to which the data go, and a digest of what the model was made of. The same training has
 * the same name whenever and however often it is run.
 */
export const versionOf = (until: string, digest: string): string =>
  `t-${until.slice(0, 10).replaceAll('-', '')}-${digest.slice(0, 8)}`;

const refusals: Readonly<Record<Refusal['kind'], string>> = {
  no_events: 'No failure has followed any of the days that were watched',
  insufficient_data: 'There is too little history to learn from',
  non_finite: 'Some of the stored numbers cannot be read',
  constant_column: 'What was recorded never varies',
  collinear: 'What was recorded cannot be told apart',
  separation: 'The failures are too few to be told from chance',
  no_convergence: 'The fit did not settle',
};

/** What the counts of a history that is too short are counts of. */
const shortages: Readonly<Record<string, string>> = {
  landmarks: 'No prediction was kept yet that one could learn from',
  days: 'The predictions that were kept do not go back far enough, in days',
  failures: 'There are too few failures to learn from',
  'late failures': 'There are too few failures of late to judge a model by',
};

/** Why the data do not carry a model, for people: with what is there and what it takes. */
export function refusalInWords({ kind, column, have, need }: Refusal): string {
  const known = kind === 'insufficient_data' && column !== undefined ? shortages[column] : undefined;
  const where = known !== undefined || column === undefined ? '' : ` (${column})`;
  const counts = have === undefined || need === undefined ? '' : `: there are ${have}, it takes ${need}`;
  return `${known ?? refusals[kind]}${where}${counts}. The model in force stays.`;
}

/** With less than this no fit is even tried at night. What a fit really takes is judged on the data, and said in its run. */
export const fewestLandmarks = 50;
export const fewestFailures = 15;

/** A tenant as the nightly job sees it. Counts stop at the fewest that are needed. */
export interface TrainingCandidate {
  id: string;
  /** When its last training began that came to an end; null: none has. */
  lastRunAt: string | null;
  hasPredictions: boolean;
  /** Something has become known that the last training did not see. */
  hasNewOutcomes: boolean;
  landmarks: number;
  failures: number;
}

export type SkipReason = 'predictions_off' | 'too_few_landmarks' | 'too_few_failures' | 'nothing_new';

/** Why there is no training tonight; null: there is one. */
export function reasonToSkip(candidate: TrainingCandidate): SkipReason | null {
  if (!candidate.hasPredictions) return 'predictions_off';
  if (candidate.landmarks < fewestLandmarks) return 'too_few_landmarks';
  if (candidate.failures < fewestFailures) return 'too_few_failures';
  return candidate.hasNewOutcomes ? null : 'nothing_new';
}

/** A training keeps a processor and D1 busy for some seconds; the last of the night begins within the hour. */
const secondsApart = 20;
const allStartedWithinSeconds = 3_600;

/** How long the training at `position` (from 0) of `count` waits before its first step, in whole seconds. */
export const startDelaySeconds = (position: number, count: number): number =>
  Math.floor(position * Math.min(secondsApart, allStartedWithinSeconds / Math.max(count, 1)));

const chosenByHand = 'Chosen by hand. At its training: ';

/** Why a model is in force that a person has chosen; what its training said stays beside it. */
export const reasonOfChoice = (known: string): string =>
  known.startsWith(chosenByHand) ? known : `${chosenByHand}${known}`;
