/** The fault codes a truck's controllers hold at an instant of world time. */
import type { Lamps, VehicleSystem } from '#contracts/faults';
import { between } from '../random.ts';
import type { RosterTruck } from '../roster.ts';
import { codes, type CodeKey } from './codes.ts';
import type { StageCode } from './course.ts';
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

interface CodeSpan {
  stageCode: StageCode;
  fromMs: number;
  toMs: number;
}

function codeSpans(episode: Episode): CodeSpan[] {
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

function stateOf(episode: Episode, span: CodeSpan, worldMs: number): WorldFault {
  const { stageCode, fromMs, toMs } = span;
  const known = codes[stageCode.code satisfies CodeKey];
  const endMs = Math.min(worldMs, toMs);
  const isOver = worldMs >= toMs;
  let isActive = !isOver;
  let lastSeenMs = endMs;
  let returns = 0;
  if (stageCode.duty !== undefined) {
    // Comes and goes with a rhythm of its own: vibration, heat and load close and open a bad contact.
    const rhythmMs = between(3, 11, ...episode.keys, stageCode.code, 'rhythm') * hourMs;
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
    lamps: stageCode.lamps,
  };
}

/** Identity of a fault within a truck. */
export const faultKey = (fault: { spn: number; fmi: number; sourceAddress: number }): string =>
  `${fault.sourceAddress}/${fault.spn}/${fault.fmi}`;

/** Two troubles may set one code: it is one fault, active when either is, first seen when the first was. */
function merged(one: WorldFault, other: WorldFault): WorldFault {
  const lit = (lamp: keyof Lamps) => [one, other].some((fault) => fault.isActive && fault.lamps[lamp]);
  return {
    ...one,
    isActive: one.isActive || other.isActive,
    firstSeenMs: Math.min(one.firstSeenMs, other.firstSeenMs),
    lastSeenMs: Math.max(one.lastSeenMs, other.lastSeenMs),
    occurrenceCount: Math.min(mostOccurrences, one.occurrenceCount + other.occurrenceCount),
    lamps:
      one.isActive || other.isActive
        ? {
            malfunction: lit('malfunction'),
            redStop: lit('redStop'),
            amberWarning: lit('amberWarning'),
            protect: lit('protect'),
          }
        : one.lamps,
  };
}

/**
 * Faults of a truck at an instant of world time: active ones and those that cleared within the last ten days, active
 * first, then by source address, SPN and FMI.
 */
export function faultsAt(truck: RosterTruck, worldMs: number): WorldFault[] {
  const found = new Map<string, WorldFault>();
  for (const episode of episodesBetween(truck, worldMs - rememberClearedMs, worldMs)) {
    for (const span of codeSpans(episode)) {
      if (span.fromMs > worldMs) continue;
      const fault = stateOf(episode, span, worldMs);
      if (!fault.isActive && worldMs - fault.lastSeenMs > rememberClearedMs) continue;
      const key = faultKey(fault);
      const known = found.get(key);
      found.set(key, known === undefined ? fault : merged(known, fault));
    }
  }
  return [...found.values()].sort(
    (a, b) =>
      Number(b.isActive) - Number(a.isActive) || a.sourceAddress - b.sourceAddress || a.spn - b.spn || a.fmi - b.fmi,
  );
}
