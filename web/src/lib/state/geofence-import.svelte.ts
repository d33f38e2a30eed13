/** One GeoJSON file of geofences: read here for a look, drawn one by one, answered one by one; it can be stopped between two. */
import type { CreateGeofenceInput, Geofence } from '#contracts/geofences';
import { toFailure, type ApiFailure } from '../api/failure.ts';
import { readGeoJson, type ReadFeature } from '../geofences/geojson-files.ts';
import { issuesOf } from './form.svelte.ts';

const largestFileBytes = 50_000_000;
/** A pause that the API asks for is kept, up to this long. */
const longestWaitSeconds = 90;
/** The map is told of so many at once: each time it draws anew. */
const toldTogether = 25;

export interface ChosenFile {
  name: string;
  size: number;
  text: () => Promise<string>;
}

export interface Rejected {
  number: number;
  name: string;
  message: string;
}

export class GeofenceImport {
  fileName = $state<string | null>(null);
  problem = $state<string | null>(null);
  features = $state.raw<ReadFeature[]>([]);
  isBusy = $state(false);
  isStopping = $state(false);
  isWaiting = $state(false);
  /** Why it ended before its time. */
  failure = $state.raw<ApiFailure | null>(null);
  /** Features that have been sent, or passed over. */
  doneCount = $state(0);
  createdCount = $state(0);
  rejected = $state.raw<Rejected[]>([]);
  readonly good = $derived(this.features.filter(({ input }) => input !== null));
  readonly hasRun = $derived(this.doneCount > 0 || this.isBusy || this.failure !== null);
  readonly isDone = $derived(this.hasRun && !this.isBusy && this.doneCount === this.features.length);
  readonly #send: (input: CreateGeofenceInput) => Promise<Geofence>;
  readonly #taken: (fences: readonly Geofence[]) => void;
  #made: Geofence[] = [];
  readonly #sleep: (ms: number) => Promise<void>;

  constructor(
    send: (input: CreateGeofenceInput) => Promise<Geofence>,
    taken: (fences: readonly Geofence[]) => void,
    sleep: (ms: number) => Promise<void> = (ms) => new Promise((done) => setTimeout(done, ms)),
  ) {
    this.#send = send;
    this.#taken = taken;
    this.#sleep = sleep;
  }

  async choose(file: ChosenFile): Promise<void> {
    this.forget();
    this.fileName = file.name;
    if (file.size > largestFileBytes) {
      this.problem = 'This file is larger than 50 MB. Split it, or check that it is the right one.';
      return;
    }
    const text = await file.text().catch(() => null);
    if (text === null) {
      this.problem = 'This file could not be read.';
      return;
    }
    const { problem, features } = readGeoJson(text);
    this.problem = problem;
    this.features = features;
  }

  stop(): void {
    this.isStopping = this.isBusy;
  }

  /** Goes on where it was stopped. */
  async start(): Promise<void> {
    if (this.isBusy || this.good.length === 0) return;
    this.isBusy = true;
    this.failure = null;
    try {
      while (this.doneCount < this.features.length && !this.isStopping) {
        const feature = this.features[this.doneCount];
        if (feature === undefined) break;
        await this.#one(feature);
        this.doneCount += 1;
      }
    } catch (thrown) {
      this.failure = toFailure(thrown);
    } finally {
      this.#tell();
      this.isBusy = false;
      this.isStopping = false;
      this.isWaiting = false;
    }
  }

  /** @throws ApiFailure where going on makes no sense */
  async #one(feature: ReadFeature): Promise<void> {
    const { number, name, input, problem } = feature;
    if (input === null) {
      this.#reject({ number, name, message: problem ?? 'It cannot be taken.' });
      return;
    }
    for (;;) {
      try {
        this.#made.push(await this.#send(input));
        this.createdCount += 1;
        if (this.#made.length >= toldTogether) this.#tell();
        return;
      } catch (thrown) {
        const failure = toFailure(thrown);
        const waitSeconds = failure.retryAfterSeconds ?? 1;
        if (failure.code === 'RATE_LIMITED' && waitSeconds <= longestWaitSeconds && !this.isStopping) {
          this.isWaiting = true;
          await this.#sleep(waitSeconds * 1_000);
          this.isWaiting = false;
          if (!this.isStopping) continue;
        }
        if (failure.code !== 'VALIDATION_FAILED') throw failure;
        const [issue] = issuesOf(failure);
        this.#reject({ number, name, message: issue?.message ?? failure.message });
        return;
      }
    }
  }

  #tell(): void {
    if (this.#made.length > 0) this.#taken(this.#made);
    this.#made = [];
  }

  #reject(row: Rejected): void {
    this.rejected = [...this.rejected, row];
  }

  forget(): void {
    this.fileName = null;
    this.problem = null;
    this.features = [];
    this.failure = null;
    this.doneCount = 0;
    this.createdCount = 0;
    this.rejected = [];
  }
}
