/** How rings and their handles look on the drawing board: the accent, and ink for holes; colour is for what trucks do. Pure. */
import type { GeoJSONStoreFeatures, HexColor } from 'terra-draw';
import type { MapPalette } from '../map/palette.ts';
import { circleId } from './draft.ts';

const colour = (value: string): HexColor => `#${value.replace(/^#/, '')}`;

export function boardStyles(
  { accent, surface, ink }: MapPalette,
  { isHole, isCutting }: { isHole: (id: string) => boolean; isCutting: () => boolean },
) {
  const [line, ground, hole] = [colour(accent), colour(surface), colour(ink)];
  const lineOf = ({ id }: GeoJSONStoreFeatures): HexColor => (isHole(String(id)) ? hole : line);
  // Of a circle every place of the edge can be dragged; four handles say so.
  const isHandle = ({ properties }: GeoJSONStoreFeatures): boolean =>
    properties['selectionPointFeatureId'] !== circleId || Number(properties['index']) % 16 === 0;
  return {
    drawing: {
      fillColor: line,
      // What is only begun; the rest is filled by the map, with its holes left out.
      fillOpacity: ({ properties }: GeoJSONStoreFeatures): number =>
        properties['currentlyDrawing'] === true && !isCutting() ? 0.12 : 0,
      outlineColor: lineOf,
      outlineWidth: 2.5,
      closingPointColor: ground,
      closingPointOutlineColor: line,
      closingPointOutlineWidth: 2.5,
      closingPointWidth: 6,
    },
    select: {
      selectedPolygonColor: line,
      selectedPolygonFillOpacity: 0,
      selectedPolygonOutlineColor: lineOf,
      selectedPolygonOutlineWidth: 3,
      selectionPointColor: ground,
      selectionPointOutlineColor: line,
      selectionPointWidth: (feature: GeoJSONStoreFeatures): number => (isHandle(feature) ? 6 : 0),
      selectionPointOutlineWidth: (feature: GeoJSONStoreFeatures): number => (isHandle(feature) ? 2.5 : 0),
      midPointColor: line,
      midPointOutlineColor: ground,
      midPointOutlineWidth: 1.5,
      midPointWidth: 4,
    },
  };
}
