/** How a trail is drawn: deeper the faster, dashed where nothing was heard, a ring at every stop. Pure. */
import type { CircleLayerSpecification, LineLayerSpecification, SymbolLayerSpecification } from 'maplibre-gl';
import { mapFonts } from '../base-style.ts';
import { between, type MapPalette } from '../palette.ts';
import { paces, type Pace } from '../trail.ts';

export const trailSources = { lines: 'trail-lines', stops: 'trail-stops', handle: 'trail-handle' } as const;

/** Speed is no state: shades of the one accent, never the colours of risk. */
export const paceColour = (pace: Pace, palette: MapPalette): string =>
  between(palette.accent, palette.home, [0.62, 0.4, 0.18, 0][pace] ?? 0);

export function trailLayers(
  palette: MapPalette,
): (LineLayerSpecification | CircleLayerSpecification | SymbolLayerSpecification)[] {
  return [
    {
      id: 'trail-casing',
      type: 'line',
      source: trailSources.lines,
      filter: ['!=', ['get', 'pace'], null],
      layout: { 'line-cap': 'round', 'line-join': 'round' },
      paint: { 'line-color': palette.surface, 'line-width': ['interpolate', ['linear'], ['zoom'], 3, 5.5, 10, 8.5] },
    },
    {
      id: 'trail-gaps',
      type: 'line',
      source: trailSources.lines,
      filter: ['==', ['get', 'pace'], null],
      paint: { 'line-color': palette.stale, 'line-width': 2, 'line-dasharray': [1.5, 2] },
    },
    {
      id: 'trail-line',
      type: 'line',
      source: trailSources.lines,
      filter: ['!=', ['get', 'pace'], null],
      layout: { 'line-cap': 'round', 'line-join': 'round' },
      paint: {
        'line-color': [
          'match',
          ['get', 'pace'],
          1,
          paceColour(1, palette),
          2,
          paceColour(2, palette),
          3,
          paceColour(3, palette),
          paceColour(paces[0].pace, palette),
        ],
        'line-width': ['interpolate', ['linear'], ['zoom'], 3, 3, 10, 5],
      },
    },
    {
      id: 'trail-stops',
      type: 'circle',
      source: trailSources.stops,
      paint: {
        'circle-radius': 4.5,
        'circle-color': palette.surface,
        'circle-stroke-width': 2.5,
        'circle-stroke-color': palette.ink,
      },
    },
    {
      id: 'trail-stop-times',
      type: 'symbol',
      source: trailSources.stops,
      minzoom: 5,
      layout: {
        'text-field': ['get', 'text'],
        'text-font': mapFonts.regular,
        'text-size': 11,
        'text-anchor': 'left',
        'text-offset': [0.8, 0],
      },
      paint: { 'text-color': palette.ink, 'text-halo-color': palette.home, 'text-halo-width': 1.5 },
    },
    {
      id: 'trail-handle',
      type: 'circle',
      source: trailSources.handle,
      paint: {
        'circle-radius': 8,
        'circle-color': palette.accent,
        'circle-stroke-width': 3,
        'circle-stroke-color': palette.surface,
      },
    },
  ];
}
