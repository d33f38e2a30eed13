/** Brings a map's layers in line with what they should be: adds what is missing, changes only the properties that differ. */
import type { FilterSpecification, LayerSpecification, Map as MapLibreMap } from 'maplibre-gl';
import { mapSlots, type MapSlot } from './base-style.ts';

type Bag = Readonly<Record<string, unknown>>;

const bagOf = (layer: LayerSpecification, part: 'paint' | 'layout'): Bag => (layer[part] ?? {}) as Bag;

/** The properties that must be set to get from one bag to another; undefined for those that go. Pure. */
export function changedProperties(from: Bag, to: Bag): [name: string, value: unknown][] {
  const changes: [string, unknown][] = [];
  for (const name of new Set([...Object.keys(from), ...Object.keys(to)])) {
    if (JSON.stringify(from[name]) !== JSON.stringify(to[name])) changes.push([name, to[name]]);
  }
  return changes;
}

/** Draws `wanted`, in this order, beneath the slot (or in the base stack itself); `held` is what was drawn before. */
export function syncLayers(
  map: MapLibreMap,
  held: readonly LayerSpecification[],
  wanted: readonly LayerSpecification[],
  slot: MapSlot | null,
): void {
  for (const layer of wanted) {
    const before = held.find(({ id }) => id === layer.id);
    if (before === undefined || map.getLayer(layer.id) === undefined) {
      map.addLayer(layer, slot === null ? undefined : mapSlots[slot]);
      continue;
    }
    for (const [name, value] of changedProperties(bagOf(before, 'paint'), bagOf(layer, 'paint'))) {
      setPaint(map, layer.id, name, value);
    }
    for (const [name, value] of changedProperties(bagOf(before, 'layout'), bagOf(layer, 'layout'))) {
      setLayout(map, layer.id, name, value);
    }
    const [was, is] = [filterOf(before), filterOf(layer)];
    if (JSON.stringify(was) !== JSON.stringify(is)) map.setFilter(layer.id, is);
  }
}

const filterOf = (layer: LayerSpecification): FilterSpecification | undefined =>
  'filter' in layer ? layer.filter : undefined;

type PaintCall = Parameters<MapLibreMap['setPaintProperty']>;
type LayoutCall = Parameters<MapLibreMap['setLayoutProperty']>;
// Names and values come out of layers that were type-checked as a whole; apart they have lost each other's type.
const setPaint = (map: MapLibreMap, id: string, name: string, value: unknown): unknown =>
  map.setPaintProperty(id, name as PaintCall[1], value as PaintCall[2]);
const setLayout = (map: MapLibreMap, id: string, name: string, value: unknown): unknown =>
  map.setLayoutProperty(id, name as LayoutCall[1], value as LayoutCall[2]);

/** Takes layers, and then the sources that fed them, off the map. */
export function dropLayers(map: MapLibreMap, layers: readonly LayerSpecification[], sources: readonly string[]): void {
  for (const { id } of layers) if (map.getLayer(id) !== undefined) map.removeLayer(id);
  for (const id of sources) if (map.getSource(id) !== undefined) map.removeSource(id);
}
