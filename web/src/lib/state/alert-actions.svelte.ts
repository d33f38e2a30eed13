/**
 * What a person decides about alerts. An acknowledgement can be taken back for five seconds: it is shown at once and sent
 * when they have passed, because the API knows no way back. A resolution has had its form and is sent at once.
 */
import type { Alert, AlertStatus } from '#contracts/alerts';
import { SvelteMap } from 'svelte/reactivity';
import { toFailure } from '../api/failure.ts';
import * as fleet from '../api/fleet.ts';
import { toasts } from './toasts.svelte.ts';

const undoWithinMs = 5_000;
/** A decision is believed for this long after the server took it; by then the live picture has it. */
const confirmWithinMs = 3_000;

export interface AlertRequests {
  acknowledge: (id: string, comment: string) => Promise<Alert>;
  resolve: (id: string, comment: string) => Promise<Alert>;
}

export class AlertActions {
  /** Decided here, not confirmed by the live picture yet. */
  readonly decided = new SvelteMap<string, AlertStatus>();
  /** Answers of the server, for views that hold their own copy. */
  onAnswer: (alert: Alert) => void = () => {};
  readonly #waiting = new SvelteMap<
    string,
    { timer: ReturnType<typeof setTimeout>; send: () => Promise<void>; toast: number }
  >();
  readonly #requests: AlertRequests;

  constructor(requests: AlertRequests) {
    this.#requests = requests;
  }

  acknowledge(alert: { id: string; title: string }, comment = ''): void {
    if (this.#waiting.has(alert.id)) return;
    this.decided.set(alert.id, 'acknowledged');
    const send = (): Promise<void> => {
      this.#waiting.delete(alert.id);
      return this.#commit(alert.id, () => this.#requests.acknowledge(alert.id, comment), 'could not be acknowledged');
    };
    const timer = setTimeout(() => void send(), undoWithinMs);
    const toast = toasts.show('info', `Acknowledged: ${alert.title}`, () => this.#undo(alert.id), undoWithinMs);
    this.#waiting.set(alert.id, { timer, send, toast });
  }

  /** Resolves; a false answer means that it was refused and a toast has said why. */
  async resolve(alert: { id: string; title: string }, comment: string): Promise<boolean> {
    this.#cancelWaiting(alert.id);
    this.decided.set(alert.id, 'resolved');
    const isDone = await this.#commit(
      alert.id,
      () => this.#requests.resolve(alert.id, comment),
      'could not be resolved',
    ).then(() => this.decided.has(alert.id));
    if (isDone) toasts.show('success', `Resolved: ${alert.title}`);
    return isDone;
  }

  /** Sends what still waits: the page is being left. */
  flush(): void {
    for (const [id, waiting] of this.#waiting) {
      this.#cancelWaiting(id);
      void waiting.send();
    }
  }

  #undo(id: string): void {
    this.#cancelWaiting(id);
    this.decided.delete(id);
  }

  #cancelWaiting(id: string): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    clearTimeout(waiting.timer);
    toasts.dismiss(waiting.toast);
    this.#waiting.delete(id);
  }

  async #commit(id: string, request: () => Promise<Alert>, refusal: string): Promise<void> {
    try {
      this.onAnswer(await request());
      setTimeout(() => this.decided.delete(id), confirmWithinMs);
    } catch (thrown) {
      this.decided.delete(id);
      toasts.show('error', `The alert ${refusal}. ${toFailure(thrown).message}`);
    }
  }
}

export const alertActions = new AlertActions({ acknowledge: fleet.acknowledgeAlert, resolve: fleet.resolveAlert });
