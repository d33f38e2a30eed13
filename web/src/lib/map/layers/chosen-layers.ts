/** How the chosen vehicle is set off: a ring around it, drawn above every cluster. Pure. */
import type { CircleLayerSpecification, SymbolLayerSpecification } from 'maplibre-gl';
import { mapFonts } from '../base-style.ts';
import type { MapPalette } from '../palette.ts';
import { badgeOfRank } from './vehicle-layers.ts';

export const chosenSource = 'chosen';

export function chosenLayers(palette: MapPalette): (CircleLayerSpecification | SymbolLayerSpecification)[] {
  return [
    {
      id: 'chosen-ring',
      type: 'circle',
      source: chosenSource,
      paint: {
        'circle-radius': 18,
        'circle-color': palette.surface,
        'circle-opacity': 0.9,
        'circle-stroke-width': 3,
        'circle-stroke-color': palette.accent,
      },
    },
    {
      id: 'chosen-truck',
      type: 'symbol',
      source: chosenSource,
      layout: {
        'icon-image': ['get', 'marker'],
        'icon-rotate': ['get', 'turn'],
        'icon-rotation-alignment': 'map',
        'icon-allow-overlap': true,
        'icon-ignore-placement': true,
      },
    },
    {
      id: 'chosen-shoulder',
      type: 'symbol',
      source: chosenSource,
      layout: {
        'icon-image': badgeOfRank(['get', 'rank']),
        'icon-offset': [14, -14],
        'icon-allow-overlap': true,
        'icon-ignore-placement': true,
      },
    },
    {
      id: 'chosen-name',
      type: 'symbol',
      source: chosenSource,
      layout: {
        'text-field': ['get', 'unit'],
        'text-font': mapFonts.strong,
        'text-size': 13,
        'text-anchor': 'top',
        'text-offset': [0, 1.65],
        'text-allow-overlap': true,
      },
      paint: { 'text-color': palette.ink, 'text-halo-color': palette.surface, 'text-halo-width': 2 },
    },
  ];
}
