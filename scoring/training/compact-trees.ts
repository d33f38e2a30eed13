/**
 * Trees with fewer bytes: only the edges that some node uses, and no more digits than predictions need. An artefact is
 * stored, moved and parsed far more often than it is fitted.
 */
import type { HazardTrees } from '#contracts/scoring-models';
import type { GradientTreesModel } from '../trees/tree-model.ts';
import { demand } from '../trees/demand.ts';

const leaf = -1;
const edgeDigits = 7;
const leafDigits = 5;

/**
 * An edge with few digits. Rounded up, because values equal to an edge belong below it: a column of thirds must stay on its
 * side.
 */
const shortEdge = (edge: number): number => {
  const near = Number(edge.toPrecision(edgeDigits));
  if (near >= edge) return near;
  const unit = 10 ** (Math.floor(Math.log10(Math.abs(edge))) - edgeDigits + 1);
  const up = Number((near + unit).toPrecision(edgeDigits));
  return up >= edge ? up : edge;
};

/** The model of a hazard fit as an artefact; its first `trees` trees where given. */
export const compactTrees = (model: GradientTreesModel, trees = model.sizes.length): HazardTrees => {
  demand(model.loss === 'hazard' && model.periodEnds !== undefined, 'only models of loss hazard are stored');
  const columns = model.names.length + 1;
  const sizes = model.sizes.slice(0, trees);
  const count = sizes.reduce((sum, size) => sum + size, 0);
  const nodes = model.nodes.slice(0, count);
  const used = model.edges.map(() => new Set<number>());
  const columnOf = (code: number): number => code % columns;
  nodes.forEach((code, node) => {
    if (code !== leaf) used[columnOf(code)]?.add(model.values[node] as number);
  });
  // A place past the last edge means "only missing values go right" and stays past the last one.
  const kept = model.edges.map((edges, column) =>
    [...(used[column] ?? [])].filter((place) => place < edges.length).sort((a, b) => a - b),
  );
  const values = nodes.map((code, node) => {
    const value = model.values[node] as number;
    if (code === leaf) return Number(value.toPrecision(leafDigits));
    const places = kept[columnOf(code)] as number[];
    const place = places.indexOf(value);
    return place === -1 ? places.length : place;
  });
  const isPeriod = (column: number): boolean => column === columns - 1;
  return {
    format: model.format,
    loss: 'hazard',
    names: [...model.names],
    base: Number(model.base.toPrecision(9)),
    sizes,
    nodes,
    values,
    edges: kept.map((places, column) =>
      places.map((place) => {
        const edge = (model.edges[column] as number[])[place] as number;
        return isPeriod(column) ? edge : shortEdge(edge);
      }),
    ),
    periodEnds: model.periodEnds.map((end) => Number(end.toPrecision(6))),
    importance: [...model.importance],
  };
};
