/** How vehicles and their clusters are drawn. Pure: a theme's colours in, layers out. */
import type {
  CircleLayerSpecification,
  ExpressionSpecification,
  GeoJSONSourceSpecification,
  SymbolLayerSpecification,
} from 'maplibre-gl';
import { riskLevels } from '#contracts/risk';
import { mapFonts } from '../base-style.ts';
import { levelOfRank, riskRank } from '../fleet-features.ts';
import { badgedLevels, badgeName, levelColour } from '../marker-images.ts';
import type { MapPalette } from '../palette.ts';

export const vehicleSource = 'vehicles';
/** Where a click or a pointer finds a vehicle or a cluster. */
export const vehicleLayerIds = { clusters: 'vehicle-clusters', trucks: 'vehicle-trucks' } as const;
/** From this zoom on every truck stands alone. */
const clusterMaxZoom = 10;

export const vehicleSourceSpec: GeoJSONSourceSpecification = {
  type: 'geojson',
  data: { type: 'FeatureCollection', features: [] },
  promoteId: 'id',
  cluster: true,
  clusterMaxZoom,
  clusterRadius: 42,
  clusterMinPoints: 3,
  clusterProperties: { worst: ['max', ['get', 'rank']] },
  maxzoom: 14,
};

const isCluster: ExpressionSpecification = ['has', 'point_count'];
const worst: ExpressionSpecification = ['get', 'worst'];
const isCriticalCluster: ExpressionSpecification = ['==', worst, riskRank('critical')];

/** The pixels of a cluster's radius, by how many trucks are in it. */
export const clusterRadiusPx: ExpressionSpecification = ['step', ['get', 'point_count'], 14, 10, 17, 100, 21, 1000, 26];

/** The colour of a rank, 0 to 4. */
export const colourOfRank = (rank: ExpressionSpecification, palette: MapPalette): ExpressionSpecification => [
  'match',
  rank,
  1,
  levelColour(levelOfRank(1), palette),
  2,
  levelColour(levelOfRank(2), palette),
  3,
  levelColour(levelOfRank(3), palette),
  4,
  levelColour(levelOfRank(4), palette),
  levelColour(null, palette),
];

/** The shoulder shape of a rank; nothing for those without. */
export const badgeOfRank = (rank: ExpressionSpecification): ExpressionSpecification => [
  'match',
  rank,
  2,
  badgeName('medium'),
  3,
  badgeName('high'),
  4,
  badgeName('critical'),
  '',
];
const leastBadged = Math.min(...badgedLevels.map((level) => riskLevels.indexOf(level) + 1));

export function vehicleLayers(palette: MapPalette): (CircleLayerSpecification | SymbolLayerSpecification)[] {
  const bubbles: CircleLayerSpecification = {
    id: vehicleLayerIds.clusters,
    type: 'circle',
    source: vehicleSource,
    filter: isCluster,
    paint: {
      'circle-radius': clusterRadiusPx,
      'circle-color': ['case', isCriticalCluster, palette.criticalFill, palette.surface],
      'circle-stroke-width': 3,
      'circle-stroke-color': ['case', isCriticalCluster, palette.criticalFill, colourOfRank(worst, palette)],
    },
  };
  const counts: SymbolLayerSpecification = {
    id: 'vehicle-counts',
    type: 'symbol',
    source: vehicleSource,
    filter: isCluster,
    layout: {
      'text-field': ['get', 'point_count_abbreviated'],
      'text-font': mapFonts.strong,
      'text-size': 13,
      'text-allow-overlap': true,
      'text-ignore-placement': true,
      'icon-image': badgeOfRank(worst),
      'icon-allow-overlap': true,
      'icon-ignore-placement': true,
      'icon-offset': [
        'step',
        ['get', 'point_count'],
        ['literal', [12, -12]],
        10,
        ['literal', [14, -14]],
        100,
        ['literal', [17, -17]],
        1000,
        ['literal', [21, -21]],
      ],
    },
    paint: { 'text-color': ['case', isCriticalCluster, palette.onCritical, palette.ink] },
  };
  const trucks: SymbolLayerSpecification = {
    id: vehicleLayerIds.trucks,
    type: 'symbol',
    source: vehicleSource,
    filter: ['!', isCluster],
    layout: {
      'icon-image': ['get', 'marker'],
      'icon-rotate': ['get', 'turn'],
      'icon-rotation-alignment': 'map',
      'icon-allow-overlap': true,
      'icon-ignore-placement': true,
      // The worst lies on top.
      'symbol-sort-key': ['get', 'rank'],
      'icon-size': ['interpolate', ['linear'], ['zoom'], 3, 0.8, 7, 1],
    },
  };
  const shoulders: SymbolLayerSpecification = {
    id: 'vehicle-shoulders',
    type: 'symbol',
    source: vehicleSource,
    filter: ['all', ['!', isCluster], ['>=', ['get', 'rank'], leastBadged]],
    layout: {
      'icon-image': badgeOfRank(['get', 'rank']),
      'icon-offset': [9, -9],
      'icon-allow-overlap': true,
      'icon-ignore-placement': true,
      'symbol-sort-key': ['get', 'rank'],
      'icon-size': ['interpolate', ['linear'], ['zoom'], 3, 0.8, 7, 1],
    },
  };
  const names: SymbolLayerSpecification = {
    id: 'vehicle-names',
    type: 'symbol',
    source: vehicleSource,
    filter: ['!', isCluster],
    minzoom: 5.5,
    layout: {
      'text-field': ['get', 'unit'],
      'text-font': mapFonts.strong,
      'text-size': 11.5,
      'text-anchor': 'top',
      'text-offset': [0, 1],
      'symbol-sort-key': ['-', ['get', 'rank']],
    },
    paint: { 'text-color': palette.ink, 'text-halo-color': palette.home, 'text-halo-width': 1.4 },
  };
  return [names, trucks, shoulders, bubbles, counts];
}
