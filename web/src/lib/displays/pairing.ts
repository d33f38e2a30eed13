/**
 * Pairing as a screen does it (RFC 8628): a code is asked for and shown, and the server is asked until somebody has confirmed
 * it. A code that runs out is replaced, a lost line is waited for, a refusal stands until somebody at the screen asks again.
 * Everything outside comes in as an effect.
 */
import type { DeviceCode, DisplayToken } from '#contracts/displays';
import { toFailure, type ApiFailure } from '../api/failure.ts';
import { backoffMs } from '../live/backoff.ts';

export type PairingState =
  | { kind: 'starting' }
  /** `trouble`: why the last question got no good answer; null while all is well. */
  | { kind: 'waiting'; userCode: string; verificationUri: string; endsAtMs: number; trouble: string | null }
  /** No code yet: the server does not give one. */
  | { kind: 'unreachable'; message: string }
  | { kind: 'denied' }
  | { kind: 'paired'; paired: DisplayToken };

export interface PairingEffects {
  /** Both throw ApiFailure. */
  askCode: () => Promise<DeviceCode>;
  askToken: (deviceCode: string) => Promise<DisplayToken>;
  /** Milliseconds of a clock that nobody sets. */
  nowMs: () => number;
  random: () => number;
  after: (delayMs: number, work: () => void) => () => void;
  onState: (state: PairingState) => void;
}

/** RFC 8628, 3.5: this much longer after each SLOW_DOWN. */
const slowDownSeconds = 5;
const longestWaitMs = 60_000;
/** The server takes a code for so long after its end, for screens that had to slow down; past that only a new one helps. */
const graceMs = 150_000;

const intervalIn = ({ details }: ApiFailure): number | null =>
  typeof details === 'object' && details !== null && 'interval' in details && typeof details.interval === 'number'
    ? details.interval
    : null;

export class Pairing {
  #state: PairingState = { kind: 'starting' };
  #intervalSeconds = 0;
  #failures = 0;
  /** Grows with every beginning; an answer that belongs to an older one is dropped. */
  #generation = 0;
  #cancel: (() => void) | null = null;
  readonly #effects: PairingEffects;

  constructor(effects: PairingEffects) {
    this.#effects = effects;
  }

  get state(): PairingState {
    return this.#state;
  }

  /** Begins, or begins again with a new code. */
  start(): void {
    this.stop();
    this.#failures = 0;
    this.#set({ kind: 'starting' });
    void this.#askCode();
  }

  stop(): void {
    this.#generation += 1;
    this.#cancel?.();
    this.#cancel = null;
  }

  async #askCode(): Promise<void> {
    const generation = this.#generation;
    try {
      const code = await this.#effects.askCode();
      if (generation !== this.#generation) return;
      this.#failures = 0;
      this.#intervalSeconds = code.interval;
      this.#set({
        kind: 'waiting',
        userCode: code.userCode,
        verificationUri: code.verificationUri,
        endsAtMs: this.#effects.nowMs() + code.expiresIn * 1000,
        trouble: null,
      });
      this.#after(code.interval * 1000, () => void this.#askToken(code.deviceCode));
    } catch (thrown) {
      if (generation !== this.#generation) return;
      const failure = toFailure(thrown);
      this.#set({ kind: 'unreachable', message: failure.message });
      this.#after(this.#longerWaitMs(failure, 1000), () => void this.#askCode());
    }
  }

  async #askToken(deviceCode: string): Promise<void> {
    const generation = this.#generation;
    try {
      const paired = await this.#effects.askToken(deviceCode);
      if (generation === this.#generation) this.#set({ kind: 'paired', paired });
    } catch (thrown) {
      if (generation === this.#generation) this.#refused(toFailure(thrown), deviceCode);
    }
  }

  #refused(failure: ApiFailure, deviceCode: string): void {
    if (this.#state.kind !== 'waiting') return;
    const again = (waitMs: number): void => this.#after(waitMs, () => void this.#askToken(deviceCode));
    switch (failure.code) {
      case 'AUTHORIZATION_PENDING':
        this.#failures = 0;
        this.#set({ ...this.#state, trouble: null });
        again(this.#intervalSeconds * 1000);
        break;
      case 'SLOW_DOWN':
        this.#failures = 0;
        this.#intervalSeconds = Math.max(this.#intervalSeconds + slowDownSeconds, intervalIn(failure) ?? 0);
        this.#set({ ...this.#state, trouble: null });
        again(this.#intervalSeconds * 1000);
        break;
      case 'EXPIRED_TOKEN':
        this.start();
        break;
      case 'ACCESS_DENIED':
        this.#set({ kind: 'denied' });
        break;
      default:
        // The code stays good while the line is away, but not for ever.
        if (this.#effects.nowMs() > this.#state.endsAtMs + graceMs) {
          this.start();
          break;
        }
        this.#set({ ...this.#state, trouble: failure.message });
        again(this.#longerWaitMs(failure, this.#intervalSeconds * 1000));
    }
  }

  /** Longer each time, never the same on all screens of a hall, and never less than the server asked for. */
  #longerWaitMs({ retryAfterSeconds }: ApiFailure, leastMs: number): number {
    const backedOffMs = leastMs + backoffMs(this.#failures, this.#effects.random());
    this.#failures += 1;
    return Math.max(Math.min(longestWaitMs, backedOffMs), (retryAfterSeconds ?? 0) * 1000);
  }

  #after(delayMs: number, work: () => void): void {
    this.#cancel?.();
    this.#cancel = this.#effects.after(delayMs, work);
  }

  #set(state: PairingState): void {
    this.#state = state;
    this.#effects.onState(state);
  }
}
