/** The base map as layers: ground, borders, names; and the places in the stack that other layers are put beneath. Pure. */
import type { LayerSpecification, StyleSpecification } from 'maplibre-gl';
import { labelsOf, linesOf, polygonsOf, type BaseMap } from './base-map.ts';
import type { MapPalette } from './palette.ts';

/**
 * Whatever is drawn goes beneath one of these (`beforeId`), so that the order of the layers does not hang on which part of
 * the page was ready first. From the ground up: areas (geofences), the names of states, trails, vehicles, what is chosen.
 */
export const mapSlots = {
  areas: 'slot-areas',
  trails: 'slot-trails',
  vehicles: 'slot-vehicles',
  chosen: 'slot-chosen',
} as const;
export type MapSlot = keyof typeof mapSlots;

/** The page's own type: without a glyph address the map draws letters from the fonts that the page has loaded. */
export const mapFonts = {
  regular: ['Inter Variable Medium', 'Inter Variable'],
  strong: ['Inter Variable SemiBold', 'Inter Variable'],
};

const slot = (name: MapSlot): LayerSpecification => ({
  id: mapSlots[name],
  type: 'background',
  layout: { visibility: 'none' },
});

/** The ground, drawn in the colours of a theme. */
export const baseLayers = (palette: MapPalette): LayerSpecification[] => [
  { id: 'water', type: 'background', paint: { 'background-color': palette.water } },
  { id: 'abroad', type: 'fill', source: 'abroad', paint: { 'fill-color': palette.abroad } },
  { id: 'home', type: 'fill', source: 'home', paint: { 'fill-color': palette.home } },
  {
    id: 'state-borders',
    type: 'line',
    source: 'state-borders',
    layout: { 'line-join': 'round' },
    paint: {
      'line-color': palette.stateBorder,
      'line-width': ['interpolate', ['linear'], ['zoom'], 3, 0.6, 8, 1.5],
    },
  },
  {
    id: 'country-borders',
    type: 'line',
    source: 'country-borders',
    layout: { 'line-join': 'round' },
    paint: {
      'line-color': palette.countryBorder,
      'line-width': ['interpolate', ['linear'], ['zoom'], 3, 0.9, 8, 2],
    },
  },
  slot('areas'),
  {
    id: 'labels',
    type: 'symbol',
    source: 'labels',
    filter: ['any', ['<', ['get', 'rank'], 2], ['>=', ['zoom'], 4.6]],
    layout: {
      'text-field': ['get', 'text'],
      'text-font': mapFonts.regular,
      'text-size': ['interpolate', ['linear'], ['zoom'], 3, 10, 8, 15],
      'text-letter-spacing': 0.06,
      'symbol-sort-key': ['get', 'rank'],
      'text-padding': 3,
    },
    paint: {
      'text-color': palette.label,
      'text-halo-color': palette.home,
      'text-halo-width': 1,
      // From nearby one knows which state one looks at.
      'text-opacity': ['interpolate', ['linear'], ['zoom'], 7.5, 1, 9.5, 0.4],
    },
  },
  slot('trails'),
  slot('vehicles'),
  slot('chosen'),
];

export const baseStyle = (map: BaseMap, palette: MapPalette): StyleSpecification => ({
  version: 8,
  sources: {
    home: { type: 'geojson', data: polygonsOf(map.home), tolerance: 0.2 },
    abroad: { type: 'geojson', data: polygonsOf(map.abroad) },
    'state-borders': { type: 'geojson', data: linesOf(map.stateBorders), tolerance: 0.2 },
    'country-borders': { type: 'geojson', data: linesOf(map.countryBorders), tolerance: 0.2 },
    labels: { type: 'geojson', data: labelsOf(map.labels) },
  },
  layers: baseLayers(palette),
  // A change of theme is a cut, not a fade.
  transition: { duration: 0, delay: 0 },
});
