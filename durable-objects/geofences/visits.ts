/**
 * What a vehicle does at the fences, judged from one fix to the next. Pure: the course of a vehicle and a fix go in, the
 * course as it goes on and what happened come out. docs/geofences.md says the same in words.
 *
 * A vehicle has a visit of a fence from the first fix inside until the first that is outside by more than the margin. Only
 * what changes a visit is told; doing the same fixes again, or older ones, changes nothing.
 */
import { metersBetween, shortWay } from './earth.ts';
import { isWithin, passage, placeAt, type Drive } from './edges.ts';
import type { FenceIndex, IndexedFence } from './fence-index.ts';
import { isInside, type Box } from './fence-shape.ts';

export const fenceRules = {
  /** A visit ends this far outside, so that a fix that jumps about at the edge does not end it. Metres. */
  marginMeters: 25,
  /** A fix may lie a margin off, so two of them that are no further apart may show no way at all. */
  passageLeastMeters: 50,
  /** Between fixes further apart nobody knows the way: no fence is passed through. */
  passageWithinMs: 10 * 60_000,
  /** A jump that would take a higher speed is a broken fix, not a way. */
  plausibleMph: 600,
  /** Speeding ends this far below the limit. */
  slowerByMph: 2,
} as const;

const metersPerSecondOfMph = 0.44704;

export interface Fix {
  /** Epoch milliseconds. */
  atMs: number;
  lat: number;
  lon: number;
  speedMph: number | null;
}

/** A fence with what it watches for. */
export interface RuledFence extends IndexedFence {
  readonly dwellMinutes: number | null;
  readonly speedLimitMph: number | null;
}

export interface Visit<F extends RuledFence> {
  fence: F;
  /** Since when it is inside, as far as its fixes tell. Epoch milliseconds. */
  enteredMs: number;
  hasDwelled: boolean;
  isSpeeding: boolean;
}

/** A vehicle's newest fix, and the fences it is inside of. */
export interface Course<F extends RuledFence> {
  atMs: number;
  lat: number;
  lon: number;
  visits: Visit<F>[];
}

export type HappeningKind =
  | 'entry'
  | 'exit'
  | 'dwell'
  | 'speeding'
  | 'dwell_ended'
  | 'speeding_ended'
  /** The fence was changed around a vehicle that had not moved: nobody came or went. */
  | 'visit_began'
  | 'visit_ended';

export interface Happening<F extends RuledFence> {
  fence: F;
  kind: HappeningKind;
  atMs: number;
  lat: number;
  lon: number;
  /** Of the fix that showed it; null where unknown, between two fixes, or without one. */
  speedMph: number | null;
}

/** Told of everything that happens, in its order. */
export type Tell<F extends RuledFence> = (happening: Happening<F>) => void;

/** When a visit becomes a dwell; null when it does not, or has. Epoch milliseconds. */
export const dwellDueMs = <F extends RuledFence>({ fence, enteredMs, hasDwelled }: Visit<F>): number | null =>
  fence.dwellMinutes === null || hasDwelled ? null : enteredMs + fence.dwellMinutes * 60_000;

/** Ends what belongs to a visit. */
function closeVisit<F extends RuledFence>(
  visit: Visit<F>,
  at: Omit<Happening<F>, 'fence' | 'kind'>,
  tell: Tell<F>,
): void {
  if (visit.isSpeeding) tell({ ...at, fence: visit.fence, kind: 'speeding_ended' });
  if (visit.hasDwelled) tell({ ...at, fence: visit.fence, kind: 'dwell_ended' });
}

function judgeDwell<F extends RuledFence>(visit: Visit<F>, nowMs: number, fix: Fix, tell: Tell<F>): void {
  const dueMs = dwellDueMs(visit);
  if (dueMs === null || dueMs > nowMs) return;
  visit.hasDwelled = true;
  tell({ fence: visit.fence, kind: 'dwell', atMs: dueMs, lat: fix.lat, lon: fix.lon, speedMph: fix.speedMph });
}

function judgeSpeed<F extends RuledFence>(visit: Visit<F>, fix: Fix, tell: Tell<F>): void {
  const limit = visit.fence.speedLimitMph;
  if (limit === null || fix.speedMph === null) return;
  if (!visit.isSpeeding && fix.speedMph > limit) {
    visit.isSpeeding = true;
    tell({ fence: visit.fence, kind: 'speeding', ...fix });
  } else if (visit.isSpeeding && fix.speedMph < limit - fenceRules.slowerByMph) {
    visit.isSpeeding = false;
    tell({ fence: visit.fence, kind: 'speeding_ended', ...fix });
  }
}

/** The way between two fixes, where it can be known and is long enough to lead anywhere. */
function driveBetween<F extends RuledFence>(course: Course<F>, fix: Fix): Drive | null {
  const gapMs = fix.atMs - course.atMs;
  if (gapMs > fenceRules.passageWithinMs) return null;
  const meters = metersBetween(course.lat, course.lon, fix.lat, fix.lon);
  if (meters <= fenceRules.passageLeastMeters) return null;
  if (meters > (gapMs / 1000) * fenceRules.plausibleMph * metersPerSecondOfMph) return null;
  const toLon = course.lon + shortWay(fix.lon - course.lon);
  return { fromLat: course.lat, fromLon: course.lon, toLat: fix.lat, toLon };
}

const boxOfDrive = ({ fromLat, fromLon, toLat, toLon }: Drive): Box => ({
  minLon: Math.min(fromLon, toLon),
  maxLon: Math.max(fromLon, toLon),
  minLat: Math.min(fromLat, toLat),
  maxLat: Math.max(fromLat, toLat),
});

/** Fences that were passed through between two fixes outside: in and out again. `beside` may hold some that were not. */
function tellPassages<F extends RuledFence>(
  course: Course<F>,
  fix: Fix,
  drive: Drive,
  beside: readonly F[],
  tell: Tell<F>,
): void {
  const gapMs = fix.atMs - course.atMs;
  const told: Happening<F>[] = [];
  for (const fence of beside) {
    if (course.visits.some((visit) => visit.fence === fence)) continue;
    const through = passage(fence.shape, drive, fenceRules.marginMeters);
    if (through === null) continue;
    const at = (share: number) => ({ atMs: course.atMs + Math.round(share * gapMs), ...placeAt(drive, share) });
    told.push({ fence, kind: 'entry', speedMph: null, ...at(through.from) });
    told.push({ fence, kind: 'exit', speedMph: null, ...at(through.to) });
  }
  for (const happening of told.sort((a, b) => a.atMs - b.atMs)) tell(happening);
}

/** The fences a vehicle is inside of by its new fix, those told that it passed through on its way. */
function moveTo<F extends RuledFence>(course: Course<F> | null, fix: Fix, index: FenceIndex<F>, tell: Tell<F>): F[] {
  const drive = course === null ? null : driveBetween(course, fix);
  if (course === null || drive === null) return index.around(fix.lat, fix.lon);
  const { inside, beside } = index.aroundAndBeside(fix.lat, fix.lon, boxOfDrive(drive));
  if (beside.length > 0) tellPassages(course, fix, drive, beside, tell);
  return inside;
}

/**
 * The next fix of a vehicle. The course is changed in place, and returned; it is new for a vehicle that was not known: one
 * whose first fix is inside has come in with it. False when the fix is not newer than the last: it changes nothing.
 */
export function follow<F extends RuledFence>(
  course: Course<F> | null,
  fix: Fix,
  index: FenceIndex<F>,
  tell: Tell<F>,
): Course<F> | false {
  if (course !== null && fix.atMs <= course.atMs) return false;
  const hasMoved = course === null || course.lat !== fix.lat || course.lon !== fix.lon;
  const next: Course<F> = course ?? { atMs: fix.atMs, lat: fix.lat, lon: fix.lon, visits: [] };
  const inside = hasMoved ? moveTo(course, fix, index, tell) : null;
  if (inside !== null) {
    // The common case: nowhere, and nowhere before.
    if (inside.length > 0 || next.visits.length > 0) {
      next.visits = next.visits.filter((visit) => {
        if (inside.includes(visit.fence)) return true;
        if (isWithin(visit.fence.shape, fix.lat, fix.lon, fenceRules.marginMeters)) return true;
        closeVisit(visit, fix, tell);
        tell({ fence: visit.fence, kind: 'exit', ...fix });
        return false;
      });
      for (const fence of inside) {
        if (next.visits.some((visit) => visit.fence === fence)) continue;
        next.visits.push({ fence, enteredMs: fix.atMs, hasDwelled: false, isSpeeding: false });
        tell({ fence, kind: 'entry', ...fix });
      }
    }
  }
  for (const visit of next.visits) {
    judgeDwell(visit, fix.atMs, fix, tell);
    // At the margin outside nobody is bound by the limit.
    if (inside === null ? isInside(visit.fence.shape, fix.lat, fix.lon) : inside.includes(visit.fence)) {
      judgeSpeed(visit, fix, tell);
    }
  }
  next.atMs = fix.atMs;
  next.lat = fix.lat;
  next.lon = fix.lon;
  return next;
}

/** Time has passed without a fix: a vehicle that has not left has stayed. True when something happened. */
export function waitUntil<F extends RuledFence>(course: Course<F>, nowMs: number, tell: Tell<F>): boolean {
  let hasHappened = false;
  for (const visit of course.visits) {
    const dueMs = dwellDueMs(visit);
    if (dueMs === null || dueMs > nowMs) continue;
    judgeDwell(visit, nowMs, { ...course, speedMph: null }, tell);
    hasHappened = true;
  }
  return hasHappened;
}

/**
 * A fence was drawn, changed or (`after` null) deleted where vehicles may stand. Nobody has moved, so nobody enters or
 * exits: a vehicle that is inside by now has a visit from now on, one that is not has none any more, and one that still is
 * keeps its visit. A deleted fence ends without a word. True when the course changed.
 */
export function reconsider<F extends RuledFence>(
  course: Course<F>,
  before: F | null,
  after: F | null,
  nowMs: number,
  tell: Tell<F>,
): boolean {
  const at = { atMs: nowMs, lat: course.lat, lon: course.lon, speedMph: null };
  const visit = before === null ? undefined : course.visits.find((known) => known.fence === before);
  if (visit === undefined) {
    if (after === null || !isInside(after.shape, course.lat, course.lon)) return false;
    course.visits.push({ fence: after, enteredMs: Math.max(nowMs, course.atMs), hasDwelled: false, isSpeeding: false });
    if (before !== null) tell({ ...at, fence: after, kind: 'visit_began' });
    return true;
  }
  if (after === null || !isWithin(after.shape, course.lat, course.lon, fenceRules.marginMeters)) {
    course.visits = course.visits.filter((known) => known !== visit);
    if (after === null) return true;
    closeVisit(visit, at, tell);
    tell({ ...at, fence: after, kind: 'visit_ended' });
    return true;
  }
  visit.fence = after;
  if (after.speedLimitMph === null && visit.isSpeeding) {
    visit.isSpeeding = false;
    tell({ ...at, fence: after, kind: 'speeding_ended' });
  }
  if (after.dwellMinutes === null && visit.hasDwelled) {
    visit.hasDwelled = false;
    tell({ ...at, fence: after, kind: 'dwell_ended' });
  }
  return true;
}
