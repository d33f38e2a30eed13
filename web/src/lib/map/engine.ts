/** The map's engine and ground, fetched when a map is first opened: no other page pays for them. */
import type * as MapLibre from 'maplibre-gl';
import type { BaseMap } from './base-map.ts';

export interface MapEngine {
  maplibre: typeof MapLibre;
  baseMap: BaseMap;
}

let engine: Promise<MapEngine> | null = null;

async function load(): Promise<MapEngine> {
  const [maplibre, { default: workerUrl }, { default: baseMap }] = await Promise.all([
    import('maplibre-gl'),
    import('maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url'),
    import('virtual:base-map'),
    import('maplibre-gl/dist/maplibre-gl.css'),
  ]);
  // A file of this origin, as the content security policy wants it; never one made up on the page.
  maplibre.setWorkerUrl(workerUrl);
  return { maplibre, baseMap };
}

/** @throws when a part of it cannot be fetched; asking again tries again. */
export function loadEngine(): Promise<MapEngine> {
  engine ??= load().catch((thrown: unknown) => {
    engine = null;
    throw thrown;
  });
  return engine;
}

/** Whether this browser can draw the map at all. */
export function canDrawMaps(): boolean {
  const canvas = document.createElement('canvas');
  return canvas.getContext('webgl2') !== null;
}
