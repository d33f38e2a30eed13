/** How far back a trail goes, and how finely it is asked for. Pure. */

export const trailWindows = ['24h', '7d'] as const;
export type TrailWindow = (typeof trailWindows)[number];

const hourMs = 3_600_000;
const windowMs: Readonly<Record<TrailWindow, number>> = { '24h': 24 * hourMs, '7d': 7 * 24 * hourMs };
/** The window that ends at an instant, as numbers and as it is asked for. */
export function windowEnding(
  window: TrailWindow,
  toMs: number,
): { fromMs: number; toMs: number; from: string; to: string } {
  const fromMs = toMs - windowMs[window];
  return { fromMs, toMs, from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString() };
}

/** What one press of an arrow key moves the handle. */
export const scrubStepMs: Readonly<Record<TrailWindow, number>> = { '24h': 60_000, '7d': 5 * 60_000 };

/**
 * The tolerance to ask for at a zoom, metres; null: every point. A day is few enough to have all of it. Of a week what a
 * screen pixel cannot show is not sent; the tolerance steps twice, so that only a real change of scale asks again.
 */
export function simplifyMetres(window: TrailWindow, zoom: number): number | null {
  if (window === '24h') return null;
  return zoom < 8 ? 200 : zoom < 11 ? 50 : 10;
}
