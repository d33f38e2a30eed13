/** The fault codes a truck's controllers hold at an instant of world time. */
import type { Lamps, VehicleSystem } from '#contracts/faults';
import { between } from '../random.ts';
import type { RosterTruck } from '../roster.ts';
import { codes, type CodeKey } from './codes.ts';
import { dark, type StageCode } from './course.ts';
import { episodesBetween, type Episode } from './episodes.ts';

export interface WorldFault {
  spn: number;
  fmi: number;
  sourceAddress: number;
  description: string;
  system: VehicleSystem;
  isActive: boolean;
  firstSeenMs: number;
  /** When it was last active; now for an active one. */
  lastSeenMs: number;
  /** 1–126, as a DM1 counts; 127 would mean "not available". */
  occurrenceCount: number;
  lamps: Lamps;
}

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const mostOccurrences = 126;
/** How long a cleared code stays on the list of previously active ones. */
export const rememberClearedMs = 10 * dayMs;

/** Far enough back to find every trouble whose count a code still carries. */
const lookBackMs = 120 * dayMs;

interface CodeSpan {
  stageCode: StageCode;
  fromMs: number;
  toMs: number;
}

function codeSpans(episode: Episode): CodeSpan[] {
  if (episode.isCodeless) return [];
  return episode.stageStartsMs.flatMap((fromMs, index) =>
    (episode.course.stages[index]?.codes ?? []).map((stageCode) => ({
      stageCode,
      fromMs,
      toMs:
        (stageCode.untilStage === undefined ? undefined : episode.stageStartsMs[stageCode.untilStage]) ??
        episode.repairedMs,
    })),
  );
}

/** How long one coming and going of a code lasts: vibration, heat and load close and open a bad contact. */
const rhythmOf = (episode: Episode, { stageCode }: CodeSpan): number =>
  between(3, 11, ...episode.keys, stageCode.code, 'rhythm') * hourMs;

function stateOf(episode: Episode, span: CodeSpan, worldMs: number): WorldFault {
  const { stageCode, fromMs, toMs } = span;
  const known = codes[stageCode.code satisfies CodeKey];
  const endMs = Math.min(worldMs, toMs);
  const isOver = worldMs >= toMs;
  let isActive = !isOver;
  let lastSeenMs = endMs;
  let returns = 0;
  if (stageCode.duty !== undefined) {
    const rhythmMs = rhythmOf(episode, span);
    const beats = Math.floor((endMs - fromMs) / rhythmMs);
    const onUntilMs = fromMs + (beats + stageCode.duty) * rhythmMs;
    returns = beats;
    lastSeenMs = Math.min(endMs, onUntilMs);
    isActive = !isOver && worldMs < onUntilMs;
  }
  const counted = 1 + returns + Math.floor(((lastSeenMs - fromMs) / dayMs) * stageCode.countsPerDay);
  return {
    spn: known.spn,
    fmi: known.fmi,
    sourceAddress: known.sourceAddress,
    description: known.name,
    system: known.system,
    isActive,
    firstSeenMs: fromMs,
    lastSeenMs,
    occurrenceCount: Math.min(mostOccurrences, counted),
    // A controller commands lamps for what is active; a cleared code lights none.
    lamps: isActive ? stageCode.lamps : dark,
  };
}

/** Identity of a fault within a truck. */
export const faultKey = (fault: { spn: number; fmi: number; sourceAddress: number }): string =>
  `${fault.sourceAddress}/${fault.spn}/${fault.fmi}`;

/** Two troubles may set one code: it is one fault, active when either is, first seen when the first was. */
function merged(one: WorldFault, other: WorldFault): WorldFault {
  const lit = (lamp: keyof Lamps) => one.lamps[lamp] || other.lamps[lamp];
  return {
    ...one,
    isActive: one.isActive || other.isActive,
    firstSeenMs: Math.min(one.firstSeenMs, other.firstSeenMs),
    lastSeenMs: Math.max(one.lastSeenMs, other.lastSeenMs),
    occurrenceCount: Math.min(mostOccurrences, one.occurrenceCount + other.occurrenceCount),
    lamps: {
      malfunction: lit('malfunction'),
      redStop: lit('redStop'),
      amberWarning: lit('amberWarning'),
      protect: lit('protect'),
    },
  };
}

/**
 * Faults of a truck at an instant of world time: active ones and those that cleared within the last ten days, active
 * first, then by source address, SPN and FMI.
 */
export function faultsAt(truck: RosterTruck, worldMs: number): WorldFault[] {
  return faultsOf(spansOf(episodesBetween(truck, worldMs - lookBackMs, worldMs)), worldMs);
}

/** `faultsAt` for many instants with fromMs ≤ instant ≤ toMs of one truck, at a fraction of the price. */
export function faultsWithin(truck: RosterTruck, fromMs: number, toMs: number): (worldMs: number) => WorldFault[] {
  const spans = spansOf(episodesBetween(truck, fromMs - lookBackMs, toMs));
  return (worldMs) =>
    faultsOf(
      spans.filter(({ episode }) => episode.repairedMs >= worldMs - lookBackMs),
      worldMs,
    );
}

interface EpisodeSpan {
  episode: Episode;
  span: CodeSpan;
}

const spansOf = (episodes: readonly Episode[]): EpisodeSpan[] =>
  episodes
    .flatMap((episode) => codeSpans(episode).map((span) => ({ episode, span })))
    .sort((a, b) => a.span.fromMs - b.span.fromMs);

function faultsOf(spans: readonly EpisodeSpan[], worldMs: number): WorldFault[] {
  const found = new Map<string, WorldFault>();
  for (const { episode, span } of spans) {
    if (span.fromMs > worldMs) break;
    const fault = stateOf(episode, span, worldMs);
    const key = faultKey(fault);
    const known = found.get(key);
    const isForgotten = known !== undefined && fault.firstSeenMs - known.lastSeenMs > rememberClearedMs;
    found.set(key, known === undefined || isForgotten ? fault : merged(known, fault));
  }
  const isRemembered = (fault: WorldFault) => fault.isActive || worldMs - fault.lastSeenMs <= rememberClearedMs;
  return [...found.values()]
    .filter(isRemembered)
    .sort(
      (a, b) =>
        Number(b.isActive) - Number(a.isActive) || a.sourceAddress - b.sourceAddress || a.spn - b.spn || a.fmi - b.fmi,
    );
}

/**
 * Instants with fromMs ≤ instant < toMs at which a code of the truck becomes active or goes inactive, in order: whoever
 * looks right after each of them has seen everything that `faultsAt` would show in between, but for counts.
 */
export function faultChangesBetween(truck: RosterTruck, fromMs: number, toMs: number): number[] {
  const instants = new Set<number>();
  for (const episode of episodesBetween(truck, fromMs, toMs)) {
    for (const span of codeSpans(episode)) {
      instants.add(span.fromMs).add(span.toMs);
      const { duty } = span.stageCode;
      if (duty === undefined) continue;
      const rhythmMs = rhythmOf(episode, span);
      for (let onMs = span.fromMs; onMs < span.toMs; onMs += rhythmMs) {
        instants.add(onMs).add(Math.min(span.toMs, onMs + duty * rhythmMs));
      }
    }
  }
  return [...instants].filter((ms) => ms >= fromMs && ms < toMs).sort((a, b) => a - b);
}
