/**
 * The settings of risk: what is in force, what is being tried, and what today's fleet would look like with it. They are
 * saved as a change of the version that was read, so that two people cannot undo one another unseen.
 */
import type { RiskPreview, RiskSettings, RiskSettingsInput } from '#contracts/scoring';
import type { Tagged } from '../api/client.ts';
import { toFailure, type ApiFailure } from '../api/failure.ts';
import { inputFrom, isSameRisk, valuesFrom, type RiskValues } from '../risk/values.ts';
import { LatestRead } from './latest-read.svelte.ts';
import { toasts } from './toasts.svelte.ts';
import { offerUndo } from './undo.ts';

/** A slider on its way is not asked about at every step. */
const settleMs = 500;

export interface RiskSettingsRequests {
  get: () => Promise<Tagged<RiskSettings>>;
  save: (input: RiskSettingsInput, tag: string | null) => Promise<Tagged<RiskSettings>>;
  preview: (input: RiskSettingsInput) => Promise<RiskPreview>;
}

/**
 * What today's fleet would look like; the last answer stays while the next is awaited. The server scores the whole fleet
 * for each, so it takes only so many a minute: what it refuses is asked again when it may be, what it has said once is kept.
 */
class RiskWhatIf extends LatestRead {
  preview = $state.raw<RiskPreview | null>(null);
  readonly #known = new Map<string, RiskPreview>();
  readonly #ask: RiskSettingsRequests['preview'];
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(ask: RiskSettingsRequests['preview']) {
    super();
    this.#ask = ask;
  }

  /** Asks about these settings once nothing else is wanted for a while. */
  soon(input: () => RiskSettingsInput | null, afterMs: number): void {
    this.stop();
    this.#timer = setTimeout(() => {
      const wanted = input();
      if (wanted !== null) void this.#load(wanted);
    }, afterMs);
  }

  async #load(input: RiskSettingsInput): Promise<void> {
    const key = JSON.stringify(input);
    await this.read(
      async () => this.#known.get(key) ?? (await this.#ask(input)),
      (preview) => {
        this.#known.set(key, preview);
        this.preview = preview;
      },
    );
    const waitSeconds = this.failure?.code === 'RATE_LIMITED' ? this.failure.retryAfterSeconds : null;
    if (waitSeconds !== null) this.soon(() => input, waitSeconds * 1000);
  }

  /** What is in force has changed, and with it what "before" means. */
  forget(): void {
    this.#known.clear();
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }
}

export class RiskSettingsEditor extends LatestRead {
  /** In force, as last read or saved; null until read. */
  settings = $state.raw<RiskSettings | null>(null);
  /** On screen; an emptied field is null. */
  values = $state<RiskValues | null>(null);
  isSaving = $state(false);
  saveFailure = $state.raw<ApiFailure | null>(null);
  /** Somebody else has saved meanwhile: theirs must be read before these can be saved. */
  isOutdated = $state(false);
  readonly whatIf: RiskWhatIf;
  readonly isChanged = $derived(
    this.settings !== null && this.values !== null && !isSameRisk(this.values, valuesFrom(this.settings)),
  );
  /** What would be sent; null while something on screen is no setting. */
  readonly input = $derived(
    this.values === null || this.settings === null ? null : inputFrom(this.values, this.settings.defaults),
  );
  /** Told what holds after every read and save. */
  onSettings: (settings: RiskSettings) => void = () => {};
  #tag: string | null = null;
  readonly #requests: RiskSettingsRequests;

  constructor(requests: RiskSettingsRequests) {
    super();
    this.#requests = requests;
    this.whatIf = new RiskWhatIf(requests.preview);
  }

  /** Reads what is in force; what was typed goes. */
  async load(): Promise<void> {
    await this.read(this.#requests.get, (answer) => this.#take(answer));
    this.preview(0);
  }

  #take({ data, tag }: Tagged<RiskSettings>): void {
    this.settings = data;
    this.values = valuesFrom(data);
    this.#tag = tag;
    this.whatIf.forget();
    this.isOutdated = false;
    this.saveFailure = null;
    this.onSettings(data);
  }

  /** Asks what the values on screen would do, once they have settled. */
  preview(afterMs = settleMs): void {
    this.whatIf.soon(() => this.input, afterMs);
  }

  stop(): void {
    this.whatIf.stop();
  }

  discard(): void {
    if (this.settings === null) return;
    this.values = valuesFrom(this.settings);
    this.saveFailure = null;
    this.preview(0);
  }

  /** Every value as TruckIQ comes with it; nothing is saved by that. */
  useDefaults(): void {
    if (this.settings === null) return;
    this.values = valuesFrom(this.settings.defaults);
    this.preview(0);
  }

  /** Saves what is on screen, with a way back to what was in force before. */
  async save(): Promise<void> {
    const before = this.settings;
    const input = this.input;
    if (this.isSaving || before === null || input === null) return;
    this.isSaving = true;
    this.saveFailure = null;
    try {
      this.#take(await this.#requests.save(input, this.#tag));
      this.preview(0);
      offerUndo('The risk settings are saved. Every truck is being scored with them.', () => this.#restore(before));
    } catch (thrown) {
      this.saveFailure = toFailure(thrown);
      this.isOutdated = this.saveFailure.code === 'PRECONDITION_FAILED';
    } finally {
      this.isSaving = false;
    }
  }

  async #restore(before: RiskSettings): Promise<void> {
    const input = inputFrom(valuesFrom(before), before.defaults);
    if (input === null) return;
    try {
      this.#take(await this.#requests.save(input, this.#tag));
      this.preview(0);
      toasts.show('success', 'The risk settings are as they were.');
    } catch (thrown) {
      toasts.show('error', `The risk settings could not be put back. ${toFailure(thrown).message}`);
    }
  }
}
