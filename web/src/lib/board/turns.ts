/** Pages and scenes: what a wall shows when not everything fits, and when it turns the page. Pure. */
import type { DisplayLayout } from '#contracts/displays';

export type Scene = Exclude<DisplayLayout, 'rotate'>;

/** Rows of a page: each at least 1/40 of the screen's height, with room for two lines of words. */
export const rowsPerPageMax = 12;
/** A page stands this long; a scene of one page twice as long. */
export const pageMs = 10_000;
export const sceneMs = 20_000;

/** Rows in pages of about the same length: thirteen are seven and six, not twelve and one. One empty page for none. */
export function pagesOf<Row>(rows: readonly Row[]): Row[][] {
  const pages = Math.max(1, Math.ceil(rows.length / rowsPerPageMax));
  const perPage = Math.ceil(rows.length / pages);
  return Array.from({ length: pages }, (_, page) => rows.slice(page * perPage, (page + 1) * perPage));
}

export interface Turn {
  scene: Scene;
  page: number;
  /** Since when this page stands, epoch milliseconds. */
  sinceMs: number;
}

export interface SceneToShow {
  scene: Scene;
  pages: number;
}

/**
 * What is to be shown now. `scenes` are those that take turns, one or more. A page that is gone, a scene that is gone, a clock
 * that was set back: the wall goes on from the nearest thing that there is.
 */
export function turnAt(turn: Turn, nowMs: number, scenes: readonly SceneToShow[]): Turn {
  const at = scenes.findIndex(({ scene }) => scene === turn.scene);
  const current = scenes[at];
  if (current === undefined) {
    const first = scenes[0];
    return first === undefined ? turn : { scene: first.scene, page: 0, sinceMs: nowMs };
  }
  if (turn.page >= current.pages) return { scene: turn.scene, page: 0, sinceMs: nowMs };
  if (nowMs < turn.sinceMs) return { ...turn, sinceMs: nowMs };
  const stoodMs = nowMs - turn.sinceMs;
  if (turn.page + 1 < current.pages) {
    return stoodMs < pageMs ? turn : { scene: turn.scene, page: turn.page + 1, sinceMs: nowMs };
  }
  const lastPageMs = Math.max(pageMs, sceneMs - pageMs * (current.pages - 1));
  if (stoodMs < (scenes.length === 1 ? pageMs : lastPageMs)) return turn;
  const next = scenes[(at + 1) % scenes.length] ?? current;
  return { scene: next.scene, page: 0, sinceMs: nowMs };
}

/** Which scenes a layout shows. A rotation leaves out what has nothing to say, and the map where it cannot be drawn. */
export function scenesOf(
  layout: DisplayLayout,
  has: { alerts: boolean; inbound: boolean; map: boolean },
): [Scene, ...Scene[]] {
  if (layout === 'map' && !has.map) return ['attention'];
  if (layout !== 'rotate') return [layout];
  const others = (['map', 'alerts', 'inbound'] as const).filter((scene) => has[scene]);
  return ['attention', ...others];
}
