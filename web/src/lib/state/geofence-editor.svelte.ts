/** One geofence being drawn or changed: its drawing with every step back, its form, and how it is saved. */
import type { CreateGeofenceInput, Geofence, UpdateGeofenceInput } from '#contracts/geofences';
import { toFailure, type ApiFailure } from '../api/failure.ts';
import * as api from '../api/geofences.ts';
import { circleId, draftOf, emptyDraft, shapeOf, withoutRing, type Draft } from '../geofences/draft.ts';
import { geofenceForm, valuesOf, type GeofenceForm } from '../geofences/form.ts';
import { scope } from './scope.svelte.ts';

export type DrawTool = 'select' | 'polygon' | 'rectangle' | 'circle' | 'freehand' | 'hole';

/** The version of something that has been changed since it was shown: no version is called so, and saving it is refused. */
const overtaken = '"overtaken"';

/** Steps that can be taken back. */
const mostSteps = 100;

/** What can be chosen of a draft. */
const idsOf = (draft: Draft): string[] =>
  draft.kind === 'rings' ? draft.rings.map(({ id }) => id) : draft.kind === 'circle' ? [circleId] : [];

export class GeofenceEditor {
  /** What was there before; null for a new one. */
  fence = $state.raw<Geofence | null>(null);
  tool = $state<DrawTool>('select');
  draft = $state.raw<Draft>(emptyDraft);
  /** What it would be if the hand let go now; null while nothing is under way. */
  sketch = $state.raw<Draft | null>(null);
  /** The ring with handles. */
  selectedId = $state<string | null>(null);
  /** A line is begun. */
  isDrawing = $state(false);
  /** What the hand did that cannot be. */
  note = $state<string | null>(null);
  /** Somebody has changed it meanwhile. */
  conflict = $state.raw<ApiFailure | null>(null);
  form: GeofenceForm;
  #past = $state.raw<Draft[]>([]);
  #future = $state.raw<Draft[]>([]);
  #tag: string | null = null;
  #opening: Promise<void> = Promise.resolve();
  #first: Draft = emptyDraft;
  readonly canUndo = $derived(this.#past.length > 0);
  readonly canRedo = $derived(this.#future.length > 0);
  readonly isShapeChanged = $derived.by(() => this.draft !== this.#first);
  readonly isChanged = $derived.by(() => {
    const before = valuesOf(this.fence, scope.units);
    const { values } = this.form;
    return (
      this.isShapeChanged ||
      values.name !== before.name ||
      values.alertOnEntry !== before.alertOnEntry ||
      values.alertOnExit !== before.alertOnExit ||
      values.dwellMinutes !== before.dwellMinutes ||
      values.speedLimitMph !== before.speedLimitMph
    );
  });
  readonly #saved: (fence: Geofence) => void;

  constructor(fence: Geofence | null, saved: (fence: Geofence) => void) {
    this.#saved = saved;
    this.fence = fence;
    this.#first = fence === null ? emptyDraft : draftOf(fence.shape, () => crypto.randomUUID());
    this.draft = this.#first;
    this.form = geofenceForm(
      () => this.fence,
      scope.units,
      () => this.draft,
      (input) => this.#send(input),
    );
    if (fence === null) this.tool = 'polygon';
  }

  /** Reads the version that a change must name. Never throws: without it the API decides alone. */
  open(): Promise<void> {
    this.#opening = this.#open();
    return this.#opening;
  }

  async #open(): Promise<void> {
    const id = this.fence?.id;
    if (id === undefined) return;
    try {
      const { data, tag } = await api.getGeofence(id);
      if (this.fence?.id !== id) return;
      // What is on screen may be a minute old.
      if (data.updatedAt !== this.fence.updatedAt && !this.isChanged) this.#begin(data);
      if (data.updatedAt === this.fence.updatedAt) this.#tag = tag;
      else this.#tag = overtaken;
    } catch {
      this.#tag = null;
    }
  }

  #begin(fence: Geofence): void {
    this.fence = fence;
    this.#first = draftOf(fence.shape, () => crypto.randomUUID());
    this.draft = this.#first;
    this.#past = [];
    this.#future = [];
    this.selectedId = null;
    this.form.reset(valuesOf(fence, scope.units));
  }

  /** One step further; it can be taken back. */
  change(draft: Draft): void {
    if (draft === this.draft) return;
    this.#past = [...this.#past.slice(1 - mostSteps), this.draft];
    this.#future = [];
    this.#put(draft);
  }

  #put(draft: Draft): void {
    this.draft = draft;
    this.sketch = null;
    this.note = null;
    const ids = idsOf(draft);
    if (this.selectedId !== null && !ids.includes(this.selectedId)) this.selectedId = null;
  }

  undo(): void {
    const before = this.#past.at(-1);
    if (before === undefined) return;
    this.#future = [...this.#future, this.draft];
    this.#past = this.#past.slice(0, -1);
    this.#step(before);
  }

  redo(): void {
    const next = this.#future.at(-1);
    if (next === undefined) return;
    this.#past = [...this.#past, this.draft];
    this.#future = this.#future.slice(0, -1);
    this.#step(next);
  }

  /** A step back or forth; what it brings is in hand again. */
  #step(draft: Draft): void {
    const known = idsOf(this.draft);
    this.#put(draft);
    const ids = idsOf(draft);
    if (this.tool !== 'select') return;
    const brought = ids.find((id) => !known.includes(id)) ?? null;
    this.selectedId = brought ?? this.selectedId ?? (ids.length === 1 ? (ids[0] ?? null) : null);
  }

  pick(tool: DrawTool): void {
    this.note = null;
    this.tool = tool;
    if (tool !== 'select') this.selectedId = null;
  }

  clear(): void {
    this.change(emptyDraft);
    this.pick('polygon');
  }

  /** Takes the chosen area or hole away. */
  removeSelected(): void {
    if (this.selectedId !== null) this.change(withoutRing(this.draft, this.selectedId));
  }

  /** Only what differs: what was not drawn anew stays exactly as it is kept. */
  #changes(input: CreateGeofenceInput, fence: Geofence): UpdateGeofenceInput {
    const { name, shape, alertOnEntry, alertOnExit, dwellMinutes, speedLimitMph } = input;
    return {
      ...(name === fence.name ? {} : { name }),
      ...(this.isShapeChanged ? { shape } : {}),
      ...(alertOnEntry === fence.alertOnEntry ? {} : { alertOnEntry }),
      ...(alertOnExit === fence.alertOnExit ? {} : { alertOnExit }),
      ...(dwellMinutes === fence.dwellMinutes ? {} : { dwellMinutes }),
      ...(speedLimitMph === fence.speedLimitMph ? {} : { speedLimitMph }),
    };
  }

  async #send(input: CreateGeofenceInput): Promise<void> {
    // Whoever saves at once must not overwrite what they have not seen.
    await this.#opening;
    this.conflict = null;
    const { fence } = this;
    if (fence === null) {
      this.#saved(await api.createGeofence(scope.query, input));
      return;
    }
    try {
      this.#saved(await api.changeGeofence(fence.id, this.#changes(input, fence), this.#tag));
    } catch (thrown) {
      const failure = toFailure(thrown);
      if (failure.code === 'PRECONDITION_FAILED') this.conflict = failure;
      throw failure;
    }
  }

  /** Gives up what was done here for what somebody else has saved. @throws ApiFailure */
  async loadTheirs(): Promise<void> {
    const id = this.fence?.id;
    if (id === undefined) return;
    const { data, tag } = await api.getGeofence(id);
    this.#begin(data);
    this.#tag = tag;
    this.conflict = null;
  }

  /** Saves what was done here over what somebody else has saved; what only they changed stays. */
  async keepMine(): Promise<boolean> {
    const id = this.fence?.id;
    if (id === undefined) return false;
    const { tag } = await api.getGeofence(id);
    this.#tag = tag;
    return this.form.submit();
  }

  /** The shape as it would be saved. */
  get shape() {
    return shapeOf(this.draft);
  }
}
