/**
 * The map as a drawing board: terra-draw, fetched when somebody first draws. It holds one feature per ring (it knows no holes
 * and no parts) or the circle, says what a hand makes of them, and is told what they are after a step back or a typed number.
 */
import type { Map as MapLibreMap } from 'maplibre-gl';
import type * as Draw from 'terra-draw';
import type { GeoJSONStoreFeatures, TerraDraw } from 'terra-draw';
import type * as DrawOnMapLibre from 'terra-draw-maplibre-gl-adapter';
import type { MapPalette } from '../map/palette.ts';
import type { DrawTool } from '../state/geofence-editor.svelte.ts';
import { boardOf, isSame, pixelsToEdge, polygon, ringOf, ringsOf, type Pixels } from './board-parts.ts';
import {
  circleId,
  hasHandles,
  middleOnMap,
  movedCircle,
  resizedCircle,
  roundCorner,
  simplifiedRing,
  withArea,
  withCorners,
  withHole,
  withMovedRing,
  type Draft,
} from './draft.ts';
import { boardStyles } from './draw-styles.ts';
import { circleRing, isInRing, metersBetween, ringSquareMeters, type Corner } from './shapes.ts';

type Engine = typeof Draw & typeof DrawOnMapLibre;

let engine: Promise<Engine> | null = null;

/** @throws when it cannot be fetched; asking again tries again. */
export function loadDrawing(): Promise<Engine> {
  engine ??= Promise.all([import('terra-draw'), import('terra-draw-maplibre-gl-adapter')])
    .then(([draw, adapter]) => ({ ...draw, ...adapter }))
    .catch((thrown: unknown) => {
      engine = null;
      throw thrown;
    });
  return engine;
}

export interface SurfaceEvents {
  /** What the draft would be if the hand let go now; null: nothing is under way. */
  sketch: (draft: Draft | null, isDrawing: boolean) => void;
  /** A step is done. */
  done: (draft: Draft) => void;
  select: (ringId: string | null) => void;
  /** What was drawn cannot be. */
  refused: (note: string) => void;
}

/** How near the pointer must be to a corner to mean it, pixels. */
const reachPx = 14;
/** A hand trembles by so many pixels. */
const tremblePx = 2;

const modes: Readonly<Record<DrawTool, string>> = {
  select: 'select',
  polygon: 'polygon',
  rectangle: 'rectangle',
  circle: 'circle',
  freehand: 'freehand',
  hole: 'polygon',
};

export class DrawSurface {
  readonly #draw: TerraDraw;
  readonly #map: MapLibreMap;
  readonly #events: SurfaceEvents;
  #draft: Draft = { kind: 'empty' };
  #tool: DrawTool = 'select';
  #selectedId: string | null = null;
  /** True while the board is told something: what it says of that is no news. */
  #isTelling = false;
  #frame: number | null = null;
  #pointer: Pixels | null = null;

  constructor(kit: Engine, map: MapLibreMap, palette: MapPalette, events: SurfaceEvents) {
    this.#map = map;
    this.#events = events;
    // How near a click must be to close a line, or to take a corner: terra-draw's 40 pixels swallow small places.
    const near = { pointerDistance: reachPx };
    const keys = { keyEvents: { cancel: 'Escape', finish: 'Enter' } };
    const drag = { drawInteraction: 'click-move-or-drag' as const };
    const corners = { draggable: true, deletable: true, midpoints: { draggable: true } };
    this.#draw = new kit.TerraDraw({
      adapter: new kit.TerraDrawMapLibreGLAdapter({ map }),
      idStrategy: { isValidId: (id) => typeof id === 'string', getId: () => crypto.randomUUID() },
      undoRedo: { modeLevel: new kit.TerraDrawModeUndoRedo() },
      modes: [
        new kit.TerraDrawSelectMode({
          ...near,
          keyEvents: null,
          // Which ring is meant is decided here, where holes are known.
          allowManualSelection: false,
          allowManualDeselection: false,
          // Every move counts: it skips each nth.
          dragEventThrottle: 0,
          flags: {
            polygon: { feature: { draggable: true, coordinates: corners } },
            // Rings with too many corners for handles are drawn under this name: they move as a whole.
            freehand: { feature: { draggable: true } },
            circle: { feature: { draggable: true, coordinates: { resizable: 'center-fixed' } } },
          },
        }),
        new kit.TerraDrawPolygonMode({ ...near, ...keys }),
        new kit.TerraDrawRectangleMode({ ...keys, ...drag }),
        new kit.TerraDrawCircleMode({ ...keys, ...drag }),
        new kit.TerraDrawFreehandMode({ ...keys, ...drag }),
      ],
    });
    this.#draw.start();
    this.paint(palette);
    this.#draw.on('change', () => {
      if (!this.#isTelling) this.#soon();
    });
    this.#draw.on('finish', (id, { action }) => {
      const text = String(id);
      // It is still inside of its own step: whatever changes the board waits until that is over.
      queueMicrotask(() => {
        if (!this.#draw.enabled) return;
        if (action === 'draw') this.#take(text);
        else this.#finish(this.#edited());
      });
    });
    map.on('mousemove', this.#move);
    map.on('click', this.#click);
  }

  readonly #move = ({ point }: { point: Pixels }): void => {
    this.#pointer = point;
  };

  /** A click on another ring chooses it, the smallest of those around it; one beside everything lets go. */
  readonly #click = ({ point, lngLat }: { point: Pixels; lngLat: { lng: number; lat: number } }): void => {
    if (this.#tool !== 'select' || this.#isNearChosen(point)) return;
    const place: Corner = [lngLat.lng, lngLat.lat];
    const [found] = ringsOf(this.#draft)
      .filter(({ corners }) => isInRing(place, corners))
      .sort((a, b) => ringSquareMeters(a.corners) - ringSquareMeters(b.corners));
    this.#events.select(found?.id ?? null);
  };

  /** Within reach of the chosen ring's edge: the click was for its handles. */
  #isNearChosen(point: Pixels): boolean {
    const corners = ringsOf(this.#draft).find(({ id }) => id === this.#selectedId)?.corners ?? [];
    const places = corners.map((corner) => this.#map.project(corner));
    return places.slice(1).some((to, at) => pixelsToEdge(point, places[at] ?? to, to) <= reachPx);
  }

  /** In the colours of a theme. */
  paint(palette: MapPalette): void {
    const { drawing, select } = boardStyles(palette, {
      isHole: (id) => this.#isHole(id),
      isCutting: () => this.#tool === 'hole',
    });
    const { fillColor, fillOpacity, outlineColor, outlineWidth } = drawing;
    this.#draw.updateModeOptions('polygon', { styles: drawing });
    for (const mode of ['rectangle', 'circle', 'freehand'] as const) {
      this.#draw.updateModeOptions(mode, { styles: { fillColor, fillOpacity, outlineColor, outlineWidth } });
    }
    this.#draw.updateModeOptions('select', { styles: select });
  }

  #isHole(id: string): boolean {
    return this.#draft.kind === 'rings' && this.#draft.rings.some((ring) => ring.id === id && ring.holeOf !== null);
  }

  /**
   * Puts the chosen ring of a draft on the board, where it has handles; the others are the map's to draw. One alone, because
   * terra-draw cannot tell a hole from the area it lies in.
   */
  show(draft: Draft, selectedId: string | null): void {
    this.#draft = draft;
    const id = this.#tool === 'select' ? selectedId : null;
    const wanted = boardOf(draft, id);
    this.#tell(() => {
      for (const feature of this.#held()) {
        if (wanted !== null && feature.id === wanted.id && feature.properties['mode'] === wanted.mode) continue;
        // It would take the board back to choosing; a change of tool has let go of everything.
        if (this.#tool === 'select') this.#draw.deselectFeature(String(feature.id));
        this.#draw.removeFeatures([String(feature.id)]);
      }
      if (wanted === null) return;
      const { mode } = wanted;
      if (!this.#draw.hasFeature(wanted.id)) {
        const geometry = polygon(wanted.ring);
        this.#draw.addFeatures([{ type: 'Feature', id: wanted.id, properties: { mode }, geometry }]);
        this.#draw.selectFeature(wanted.id);
      } else if (!isSame(ringOf(this.#draw.getSnapshotFeature(wanted.id)), wanted.ring.map(roundCorner))) {
        this.#draw.updateFeatureGeometry(wanted.id, polygon(wanted.ring));
      }
    });
    this.#selectedId = wanted?.id ?? null;
  }

  use(tool: DrawTool): void {
    this.#tool = tool;
    this.#tell(() => this.#draw.setMode(modes[tool]));
    this.#events.sketch(null, false);
  }

  #tell(work: () => void): void {
    this.#isTelling = true;
    try {
      work();
    } finally {
      this.#isTelling = false;
    }
  }

  /** What lies on the board: no handles, nothing that is only begun. */
  #held(): GeoJSONStoreFeatures[] {
    return this.#draw
      .getSnapshot()
      .filter(({ geometry, properties }) => geometry.type === 'Polygon' && properties['currentlyDrawing'] !== true);
  }

  /** The draft with what the hand has moved. */
  #edited(): Draft {
    let draft = this.#draft;
    if (draft.kind === 'circle') {
      const ring = ringOf(this.#draw.getSnapshotFeature(circleId));
      const before = circleRing(draft.center, draft.radiusMeters).map(roundCorner);
      if (ring.length === 0 || isSame(ring, before)) return draft;
      const width = (corners: readonly Corner[]): number =>
        Math.max(...corners.map(([lon]) => lon)) - Math.min(...corners.map(([lon]) => lon));
      const isMoved = Math.abs(width(ring) / width(before) - 1) < 1e-6;
      return { kind: 'circle', ...(isMoved ? movedCircle(draft, ring) : resizedCircle(draft, ring)) };
    }
    if (draft.kind === 'empty') return draft;
    for (const { id, corners } of draft.rings) {
      const ring = ringOf(this.#draw.getSnapshotFeature(id));
      if (ring.length === 0 || isSame(ring, corners)) continue;
      // A dragged corner leaves the others where they are.
      const isMoved =
        ring.length === corners.length &&
        ring.every(([lon, lat], at) => lon !== corners[at]?.[0] || lat !== corners[at][1]);
      draft = isMoved ? withMovedRing(draft, id, ring) : withCorners(draft, id, ring);
    }
    return draft;
  }

  #finish(draft: Draft): void {
    if (draft !== this.#draft) this.#events.done(draft);
  }

  /** A shape has been drawn: it leaves the board, and comes back as part of the draft. */
  #take(id: string): void {
    const feature = this.#draw.getSnapshotFeature(id);
    this.#tell(() => {
      if (this.#draw.hasFeature(id)) this.#draw.removeFeatures([id]);
    });
    const next = this.#with(feature, id);
    this.#events.sketch(null, false);
    if (next === null) this.#events.refused('A hole has to begin inside of the area. Draw it there.');
    else this.#events.done(next);
  }

  /** The draft and a shape that was drawn, or is being drawn. */
  #with(feature: GeoJSONStoreFeatures | undefined, id: string): Draft | null {
    const ring = ringOf(feature);
    if (ring.length < 4) return this.#draft;
    switch (this.#tool) {
      case 'circle': {
        const radius = Number(feature?.properties['radiusKilometers']) * 1_000;
        const center = middleOnMap(ring);
        return { kind: 'circle', center, radiusMeters: radius > 0 ? radius : metersBetween(center, ring[0] ?? center) };
      }
      case 'hole':
        return withHole(this.#draft, id, ring);
      case 'freehand':
        return withArea(this.#draft, id, simplifiedRing(ring, this.#degreesOf(tremblePx)));
      default:
        return withArea(this.#draft, id, ring);
    }
  }

  /** What so many pixels are in degrees of latitude, in the middle of the map. */
  #degreesOf(pixels: number): number {
    const { lat } = this.#map.getCenter();
    return (pixels * 360 * Math.cos((lat * Math.PI) / 180)) / (512 * 2 ** this.#map.getZoom());
  }

  #soon(): void {
    this.#frame ??= requestAnimationFrame(() => {
      this.#frame = null;
      if (!this.#draw.enabled) return;
      const isDrawing = this.isDrawing;
      const begun = this.#draw.getSnapshot().find(({ properties }) => properties['currentlyDrawing'] === true);
      const draft = isDrawing ? this.#with(begun, String(begun?.id)) : this.#edited();
      this.#events.sketch(draft === this.#draft ? null : draft, isDrawing);
    });
  }

  get isDrawing(): boolean {
    return this.#draw.enabled && this.#draw.getModeState() === 'drawing';
  }

  /** Takes back the last corner of a line that is begun; false when none is. */
  undoCorner(): boolean {
    return this.isDrawing && this.#draw.canUndo() && this.#draw.undo();
  }

  /** Ends or gives up the line that is begun, as the same key on the map does. */
  press(key: 'Enter' | 'Escape'): void {
    this.#map.getCanvas().dispatchEvent(new KeyboardEvent('keyup', { key }));
  }

  /** The corner under the pointer, of the chosen ring; null for none. */
  cornerAtPointer(): { ringId: string; index: number } | null {
    const at = this.#pointer;
    const [draft, id] = [this.#draft, this.#selectedId];
    const ring = draft.kind === 'rings' ? draft.rings.find((known) => known.id === id) : undefined;
    if (at === null || ring === undefined || !hasHandles(ring)) return null;
    let nearest: { index: number; away: number } | null = null;
    for (const [index, corner] of ring.corners.slice(0, -1).entries()) {
      const place = this.#map.project(corner);
      const away = Math.hypot(place.x - at.x, place.y - at.y);
      if (away <= reachPx && (nearest === null || away < nearest.away)) nearest = { index, away };
    }
    return nearest === null ? null : { ringId: ring.id, index: nearest.index };
  }

  /** Takes the board off the map; false leaves the map alone, which is gone already. */
  stop(isMapOpen: boolean): void {
    if (this.#frame !== null) cancelAnimationFrame(this.#frame);
    if (!isMapOpen) return;
    this.#map.off('mousemove', this.#move);
    this.#map.off('click', this.#click);
    this.#tell(() => this.#draw.stop());
  }
}
