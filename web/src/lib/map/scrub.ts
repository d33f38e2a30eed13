/** Arithmetic of the handles that move through time. Epoch milliseconds. Pure. */

export interface Span {
  fromMs: number;
  toMs: number;
}

/** A handle's place as whole steps from the left end; what lies outside goes to the nearer end. */
export function stepOf(atMs: number, { fromMs, toMs }: Span, stepMs: number): number {
  const last = lastStep({ fromMs, toMs }, stepMs);
  return Math.min(last, Math.max(0, Math.round((atMs - fromMs) / stepMs)));
}

/** The step at the right end: the last may be a shorter one. */
export const lastStep = ({ fromMs, toMs }: Span, stepMs: number): number =>
  Math.max(0, Math.ceil((toMs - fromMs) / stepMs));

/** The instant of a step; the last one is the very end. */
export const instantOf = (step: number, span: Span, stepMs: number): number =>
  Math.min(span.toMs, span.fromMs + Math.max(0, step) * stepMs);

/** How far along a span an instant lies, 0 to 1. */
export const shareOf = (atMs: number, { fromMs, toMs }: Span): number =>
  toMs <= fromMs ? 1 : Math.min(1, Math.max(0, (atMs - fromMs) / (toMs - fromMs)));

/**
 * The outline of a profile in a box of `width` by `height`, as an SVG path that is filled; parts without a value touch the
 * ground. `most`: the value that reaches the top.
 */
export function profilePath(profile: readonly (number | null)[], width: number, height: number, most: number): string {
  if (profile.length === 0 || most <= 0) return '';
  const part = width / profile.length;
  const tops = profile.map((value, index) => {
    const y = height - (Math.min(most, value ?? 0) / most) * height;
    return `V${y.toFixed(1)}H${((index + 1) * part).toFixed(1)}`;
  });
  return `M0 ${height}${tops.join('')}V${height}z`;
}

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** How far back the whole fleet can be shown, and the grid that its handle moves on. */
export const fleetScrub = { backMs: 30 * dayMs, stepMs: 5 * minuteMs } as const;

/** Buttons beside the fleet's handle, for what a finger cannot hit on a line of thirty days. */
export const fleetJumps = [
  { word: '−1 d', label: 'A day earlier', ms: -dayMs },
  { word: '−1 h', label: 'An hour earlier', ms: -hourMs },
  { word: '−5 min', label: 'Five minutes earlier', ms: -5 * minuteMs },
  { word: '+5 min', label: 'Five minutes later', ms: 5 * minuteMs },
  { word: '+1 h', label: 'An hour later', ms: hourMs },
  { word: '+1 d', label: 'A day later', ms: dayMs },
] as const;

/** The days that the fleet can be shown for, on a grid that does not move with every second. */
export function fleetSpan(nowMs: number): Span {
  const toMs = Math.floor(nowMs / fleetScrub.stepMs) * fleetScrub.stepMs;
  // The oldest hour is about to be let go of.
  return { fromMs: toMs - fleetScrub.backMs + hourMs, toMs };
}

/** The past instant that is asked for; null when the handle stands at the present. */
export function pastInstant(atMs: number, nowMs: number): string | null {
  const { fromMs, toMs } = fleetSpan(nowMs);
  const kept = Math.round(Math.max(fromMs, atMs) / 1000) * 1000;
  return kept >= toMs ? null : new Date(kept).toISOString();
}
