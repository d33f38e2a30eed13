/** The map as everything drawn on it finds it: `useMap()` in any component beneath a MapView. */
import type { Map as MapLibreMap } from 'maplibre-gl';
import { getContext, setContext } from 'svelte';
import type { MapEngine } from './engine.ts';
import type { MapPalette } from './palette.ts';

export interface MapHold {
  /** Its style is loaded: sources and layers may be added at once. */
  readonly map: MapLibreMap;
  readonly engine: MapEngine;
  /** Reactive: the colours of the theme that holds now. */
  readonly palette: MapPalette;
  /** Milliseconds a camera move may take; 0 for people who want no motion. */
  readonly motionMs: number;
  /** False while the page is taken down: the map is gone, and its layers with it. */
  readonly isOpen: boolean;
}

const key = Symbol('map');

export const holdMap = (hold: MapHold): MapHold => setContext(key, hold);

/** @throws outside of a MapView */
export function useMap(): MapHold {
  const hold = getContext<MapHold | undefined>(key);
  if (hold === undefined) throw new Error('useMap: there is no MapView above');
  return hold;
}
