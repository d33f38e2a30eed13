/**
 * Whether a shape is one that can be judged: RFC 7946 and what "inside" needs to have one meaning. Pure. Every problem names
 * the ring, and the place where there is one.
 *
 * Shapes over the date line are refused, with the way to draw them: as RFC 7946 (3.1.9) has it, cut at 180° into the
 * polygons of a MultiPolygon. An edge over more than 180° of longitude is taken for such a shape; circles need no cut.
 */
import Flatbush from 'flatbush';
import pointInPolygon from 'point-in-polygon-hao';
import { maxShapeVertices, type GeofenceShape } from '#contracts/geofences';
import { metersPerDegree, toRadians } from './earth.ts';
import { countCorners, type Box } from './fence-shape.ts';
import { meeting, type Corner, type Edge } from './segments.ts';

export interface ShapeProblem {
  /** Where in the shape, e.g. `['coordinates', 0]`. */
  path: (string | number)[];
  message: string;
}

type Ring = readonly (readonly [number, number])[];

/** Problems named at once. */
const mostProblems = 10;
/** Less is nothing that a truck could be in. */
const leastSquareMeters = 1;

interface NamedRing {
  /** How people know it, e.g. `polygon 2, hole 1`. */
  name: string;
  path: (string | number)[];
  corners: Ring;
}

const at = ([lon, lat]: Corner): string => `[${Number(lon.toFixed(7))}, ${Number(lat.toFixed(7))}]`;

function boxOfCorners(corners: Ring): Box {
  const box = { minLon: Infinity, minLat: Infinity, maxLon: -Infinity, maxLat: -Infinity };
  for (const [lon, lat] of corners) {
    box.minLon = Math.min(box.minLon, lon);
    box.maxLon = Math.max(box.maxLon, lon);
    box.minLat = Math.min(box.minLat, lat);
    box.maxLat = Math.max(box.maxLat, lat);
  }
  return box;
}

/** What the ring encloses, square metres, on a plane that fits the Earth at its middle latitude. */
function squareMetersOf(corners: Ring): number {
  const [lon0, lat0] = corners[0] ?? [0, 0];
  const { minLat, maxLat } = boxOfCorners(corners);
  const perLon = metersPerDegree * Math.cos(toRadians((minLat + maxLat) / 2));
  let twice = 0;
  for (let n = 0; n + 1 < corners.length; n += 1) {
    const [a, b] = [corners[n] as Corner, corners[n + 1] as Corner];
    twice += (a[0] - lon0) * (b[1] - lat0) - (b[0] - lon0) * (a[1] - lat0);
  }
  return Math.abs((twice / 2) * perLon * metersPerDegree);
}

const enclosesNothing = (name: string): string => `${name} encloses no area`;

/** What is wrong with one ring by itself, its crossings and its area aside. */
function problemOfRing({ name, corners }: NamedRing): string | null {
  const [first, last] = [corners[0], corners.at(-1)];
  if (corners.length < 4 || first === undefined || last === undefined) return `${name} must have at least 4 corners`;
  if (first[0] !== last[0] || first[1] !== last[1]) {
    return `${name} must end where it began: at ${at(first)}, not at ${at(last)}`;
  }
  for (let n = 0; n + 1 < corners.length; n += 1) {
    const [a, b] = [corners[n] as Corner, corners[n + 1] as Corner];
    if (Math.abs(b[0] - a[0]) > 180) {
      return (
        `${name} has an edge over more than 180° of longitude, from ${at(a)} to ${at(b)}: a shape over the date line ` +
        'is drawn as a MultiPolygon whose polygons meet at 180°'
      );
    }
  }
  return edgesOf(0, corners).length < 3 ? enclosesNothing(name) : null;
}

/** Edges of a ring; corners that say the same place again make none. */
function edgesOf(ring: number, corners: Ring): Edge[] {
  const edges: Edge[] = [];
  for (let n = 0; n + 1 < corners.length; n += 1) {
    const [from, to] = [corners[n] as Corner, corners[n + 1] as Corner];
    if (from[0] !== to[0] || from[1] !== to[1]) edges.push({ ring, place: edges.length, from, to });
  }
  return edges;
}

/** Whether two edges follow one another in their ring of `count` edges. */
const areNeighbours = (a: Edge, b: Edge, count: number): boolean =>
  a.ring === b.ring && (Math.abs(a.place - b.place) === 1 || Math.abs(a.place - b.place) === count - 1);

const pairOf = (ring: number, other: number): string => `${Math.min(ring, other)}:${Math.max(ring, other)}`;

/** Crossings of the rings of one polygon, each ring and each pair of rings named once; and which rings merely touch. */
function crossingsOf(rings: readonly NamedRing[]): { problems: ShapeProblem[]; touching: Set<string> } {
  const byRing = rings.map(({ corners }, ring) => edgesOf(ring, corners));
  const edges = byRing.flat();
  const tree = new Flatbush(edges.length);
  for (const { from, to } of edges) {
    tree.add(Math.min(from[0], to[0]), Math.min(from[1], to[1]), Math.max(from[0], to[0]), Math.max(from[1], to[1]));
  }
  tree.finish();
  const problems = new Map<string, ShapeProblem>();
  const touching = new Set<string>();
  for (const [number, edge] of edges.entries()) {
    const { from, to, ring } = edge;
    tree.search(
      Math.min(from[0], to[0]),
      Math.min(from[1], to[1]),
      Math.max(from[0], to[0]),
      Math.max(from[1], to[1]),
      (other) => {
        if (other <= number) return false;
        const second = edges[other] as Edge;
        const pair = pairOf(ring, second.ring);
        if (problems.has(pair)) return false;
        const met = meeting(edge, second);
        if (met === null) return false;
        const [one, two] = [rings[ring] as NamedRing, rings[second.ring] as NamedRing];
        if (ring === second.ring) {
          const isJoint = areNeighbours(edge, second, byRing[ring]?.length ?? 0);
          if (isJoint && met.kind === 'touch') return false;
          const how =
            met.kind === 'overlap' ? 'runs along itself' : met.kind === 'cross' ? 'crosses itself' : 'touches itself';
          problems.set(pair, { path: one.path, message: `${one.name} ${how} at ${at(met.at)}` });
        } else if (met.kind === 'touch') {
          touching.add(pair);
        } else {
          const how = met.kind === 'cross' ? 'crosses' : 'runs along';
          problems.set(pair, { path: two.path, message: `${two.name} ${how} ${one.name} at ${at(met.at)}` });
        }
        return false;
      },
    );
    if (problems.size >= mostProblems) break;
  }
  return { problems: [...problems.values()], touching };
}

/**
 * A place of `ring`, a corner or the middle of an edge, that is inside `other` though it should not be, or the other way
 * round; null when there is none, `nothing` when all of it lies on the boundary. Of rings that do not even touch the first
 * place tells of all the others.
 */
function strayPlace(ring: Ring, other: Ring, shouldBeIn: boolean, doTouch: boolean): Corner | 'nothing' | null {
  const middles = ring.slice(1).map((to, n): Corner => {
    const from = ring[n] as Corner;
    return [(from[0] + to[0]) / 2, (from[1] + to[1]) / 2];
  });
  let isAllOnBoundary = true;
  for (const place of [...ring, ...middles]) {
    const isIn = pointInPolygon([place[0], place[1]], [other as [number, number][]]);
    if (isIn === 0) continue;
    if (isIn !== shouldBeIn) return place;
    if (!doTouch) return null;
    isAllOnBoundary = false;
  }
  return isAllOnBoundary ? 'nothing' : null;
}

function doBoxesMeet(a: Box, b: Box): boolean {
  return a.minLon <= b.maxLon && b.minLon <= a.maxLon && a.minLat <= b.maxLat && b.minLat <= a.maxLat;
}

/** Holes lie inside the outer ring and beside one another. `touching` holds the pairs of rings that touch somewhere. */
function misplacedHoles(rings: readonly NamedRing[], touching: ReadonlySet<string>): ShapeProblem[] {
  const [outer, ...holes] = rings;
  const problems: ShapeProblem[] = [];
  if (outer === undefined) return problems;
  const boxes = holes.map(({ corners }) => boxOfCorners(corners));
  for (const [number, hole] of holes.entries()) {
    const { path } = hole;
    const stray = strayPlace(hole.corners, outer.corners, true, touching.has(pairOf(0, number + 1)));
    if (stray === 'nothing') problems.push({ path, message: `${hole.name} leaves nothing of ${outer.name}` });
    else if (stray !== null)
      problems.push({ path, message: `${hole.name} lies outside ${outer.name} at ${at(stray)}` });
    for (const [before, other] of holes.slice(0, number).entries()) {
      if (!doBoxesMeet(boxes[number] as Box, boxes[before] as Box)) continue;
      const doTouch = touching.has(pairOf(before + 1, number + 1));
      const isInOther = strayPlace(hole.corners, other.corners, false, doTouch) !== null;
      const hasOther = !isInOther && strayPlace(other.corners, hole.corners, false, doTouch) !== null;
      if (isInOther) problems.push({ path, message: `${hole.name} lies inside ${other.name}` });
      else if (hasOther) problems.push({ path, message: `${other.name} lies inside ${hole.name}` });
    }
    if (problems.length >= mostProblems) break;
  }
  return problems;
}

function problemsOfPolygon(rings: readonly NamedRing[]): ShapeProblem[] {
  const alone = rings.flatMap((ring): ShapeProblem[] => {
    const message = problemOfRing(ring);
    return message === null ? [] : [{ path: ring.path, message }];
  });
  if (alone.length > 0) return alone;
  const { problems, touching } = crossingsOf(rings);
  // A bow tie may enclose nothing in sum: that it crosses itself tells more. Of a mere line the opposite is true.
  const crossing = problems.filter(({ message }) => message.includes('crosses'));
  if (crossing.length > 0) return crossing;
  const empty = rings.filter(({ corners }) => squareMetersOf(corners) < leastSquareMeters);
  if (empty.length > 0) return empty.map(({ name, path }) => ({ path, message: enclosesNothing(name) }));
  return problems.length > 0 ? problems : misplacedHoles(rings, touching);
}

/** What is wrong with a shape; empty when it can be judged. */
export function shapeProblems(shape: GeofenceShape): ShapeProblem[] {
  if (shape.type === 'Circle') return [];
  const corners = countCorners(shape);
  if (corners > maxShapeVertices) {
    const message = `has ${corners} corners, and may have ${maxShapeVertices}`;
    return [{ path: ['coordinates'], message }];
  }
  const isMulti = shape.type === 'MultiPolygon';
  const polygons = isMulti ? shape.coordinates : [shape.coordinates];
  return polygons
    .flatMap((rings, polygon) =>
      problemsOfPolygon(
        rings.map((ring, number): NamedRing => {
          const name = number === 0 ? 'the outer ring' : `hole ${number}`;
          return {
            name: isMulti ? `polygon ${polygon + 1}, ${name}` : name,
            path: ['coordinates', ...(isMulti ? [polygon] : []), number],
            corners: ring,
          };
        }),
      ),
    )
    .slice(0, mostProblems);
}
