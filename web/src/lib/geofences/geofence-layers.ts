/** How geofences are drawn: quiet areas, for colour belongs to what trucks do; the chosen one in the accent. Pure. */
import type {
  CircleLayerSpecification,
  ExpressionSpecification,
  FillLayerSpecification,
  FilterSpecification,
  GeoJSONSourceSpecification,
  LineLayerSpecification,
  SymbolLayerSpecification,
} from 'maplibre-gl';
import { mapFonts } from '../map/base-style.ts';
import type { MapPalette } from '../map/palette.ts';

export const fenceSources = { fences: 'geofences', draft: 'geofence-draft', place: 'geofence-place' } as const;
/** Where a click finds a fence: its area, or the dot that it is from far away. */
export const fenceLayerIds = { areas: 'geofence-areas', dots: 'geofence-dots' } as const;

export const fenceSourceSpec: GeoJSONSourceSpecification = {
  type: 'geojson',
  data: { type: 'FeatureCollection', features: [] },
  promoteId: 'key',
};

/** What is smaller is drawn as a dot, pixels. */
const dotBelowPixels = 7;

type Layers = (FillLayerSpecification | LineLayerSpecification | SymbolLayerSpecification | CircleLayerSpecification)[];

/** `chosenId` is set off; `hiddenId` is being drawn elsewhere. */
export function fenceLayers(
  palette: MapPalette,
  { isShown, chosenId, hiddenId }: { isShown: boolean; chosenId: string | null; hiddenId: string | null },
): Layers {
  const isName: FilterSpecification = ['==', ['geometry-type'], 'Point'];
  const isChosen: FilterSpecification = ['==', ['get', 'id'], chosenId ?? ''];
  const isSeen: FilterSpecification = isShown
    ? ['!=', ['get', 'id'], hiddenId ?? '']
    : ['all', isChosen, ['!=', ['get', 'id'], hiddenId ?? '']];
  // From far away a yard is a dot: outlines of a few pixels would be scribbles.
  const pixels: ExpressionSpecification = ['*', ['get', 'span'], ['^', 2, ['zoom']], 512 / 360];
  const isSmall: ExpressionSpecification = ['<', pixels, dotBelowPixels];
  const large: FilterSpecification = ['all', ['!', isName], isSeen, ['!', isSmall]];
  return [
    {
      id: fenceLayerIds.areas,
      type: 'fill',
      source: fenceSources.fences,
      filter: large,
      paint: {
        'fill-color': ['case', isChosen, palette.accent, palette.stale],
        'fill-opacity': ['case', isChosen, 0.2, 0.13],
      },
    },
    {
      id: fenceLayerIds.dots,
      type: 'circle',
      source: fenceSources.fences,
      filter: ['all', isName, isSeen, isSmall],
      paint: {
        'circle-radius': [
          'interpolate',
          ['linear'],
          ['zoom'],
          3,
          ['case', isChosen, 5, 1.2],
          8,
          ['case', isChosen, 5, 2.5],
        ],
        'circle-color': ['case', isChosen, palette.accent, palette.home],
        'circle-stroke-width': 1,
        'circle-stroke-color': ['case', isChosen, palette.accent, palette.stale],
      },
    },
    {
      id: 'geofence-lines',
      type: 'line',
      source: fenceSources.fences,
      filter: large,
      layout: { 'line-join': 'round' },
      paint: {
        'line-color': ['case', isChosen, palette.accent, palette.stale],
        'line-width': [
          'interpolate',
          ['linear'],
          ['zoom'],
          3,
          ['case', isChosen, 2.5, 1],
          10,
          ['case', isChosen, 3, 1.6],
        ],
      },
    },
    {
      id: 'geofence-names',
      type: 'symbol',
      source: fenceSources.fences,
      minzoom: 8,
      filter: ['all', isName, isSeen, ['!', isChosen]],
      layout: {
        'text-field': ['get', 'name'],
        'text-font': mapFonts.regular,
        'text-size': 12,
        'text-max-width': 9,
      },
      paint: { 'text-color': palette.label, 'text-halo-color': palette.home, 'text-halo-width': 1.6 },
    },
    {
      id: 'geofence-chosen-name',
      type: 'symbol',
      source: fenceSources.fences,
      filter: ['all', isName, isSeen, isChosen],
      layout: {
        'text-field': ['get', 'name'],
        'text-font': mapFonts.strong,
        'text-size': 13,
        'text-max-width': 9,
        'text-allow-overlap': true,
        'text-ignore-placement': true,
      },
      paint: { 'text-color': palette.ink, 'text-halo-color': palette.home, 'text-halo-width': 1.8 },
    },
  ];
}

/** What is being drawn, its holes left out; the ring with handles lies over it on the drawing board. */
export const draftLayers = (palette: MapPalette): Layers => [
  {
    id: 'geofence-draft-area',
    type: 'fill',
    source: fenceSources.draft,
    paint: { 'fill-color': palette.accent, 'fill-opacity': 0.2 },
  },
  {
    id: 'geofence-draft-lines',
    type: 'line',
    source: fenceSources.draft,
    layout: { 'line-join': 'round' },
    paint: { 'line-color': palette.accent, 'line-width': 2 },
  },
];

/** Where an event happened. */
export const placeLayers = (palette: MapPalette): Layers => [
  {
    id: 'geofence-place',
    type: 'circle',
    source: fenceSources.place,
    paint: {
      'circle-radius': 7,
      'circle-color': palette.accent,
      'circle-stroke-width': 3,
      'circle-stroke-color': palette.surface,
    },
  },
];
