/** The live picture as the screens read it. One connection per page, whatever is shown. */
import { closeCode, type LiveAlert, type LiveVehicle } from '#contracts/live';
import { ApiFailure } from '../api/failure.ts';
import * as fleet from '../api/fleet.ts';
import { alertsByVehicle, attentionTrucks, riskCounts } from '../live/attention.ts';
import { prefersPacked, rememberedSize, rememberSize } from '../live/fleet-size.ts';
import { openBrowserSocket } from '../live/browser-socket.ts';
import { LiveConnection, type LiveState } from '../live/connection.ts';
import { emptyPicture, type LivePicture } from '../live/fold.ts';
import { scope } from './scope.svelte.ts';
import { toasts } from './toasts.svelte.ts';

class Live {
  state = $state.raw<LiveState>({ kind: 'idle' });
  picture = $state.raw<LivePicture>(emptyPicture);
  /** When the server was last heard, epoch milliseconds; null before the first frame. */
  heardAtMs = $state<number | null>(null);

  readonly hasPicture = $derived(this.picture.epoch !== null);
  readonly isLive = $derived(this.state.kind === 'live');
  readonly counts = $derived(riskCounts(this.picture.vehicles.values()));
  readonly attention = $derived(attentionTrucks(this.picture));
  readonly alertsByVehicle = $derived(alertsByVehicle(this.picture.alerts.values()));
  readonly openAlertCount = $derived(
    [...this.picture.alerts.values()].filter((alert) => alert.status === 'open').length,
  );

  #connection = new LiveConnection(
    {
      openTicket: () => fleet.openLiveTicket(scope.query),
      isFinal: (thrown) => thrown instanceof ApiFailure && (thrown.status === 401 || thrown.status === 403),
      waitSeconds: (thrown) => (thrown instanceof ApiFailure ? thrown.retryAfterSeconds : null),
      openSocket: openBrowserSocket,
      prefersPacked: () => prefersPacked(rememberedSize(scope.tenant?.id ?? '')),
      nowMs: () => Date.now(),
      random: () => Math.random(),
      after: (delayMs, work) => {
        const timer = setTimeout(work, delayMs);
        return () => clearTimeout(timer);
      },
    },
    {
      onState: (state) => {
        this.state = state;
        // Closed for want of a right to look: nothing that was seen may stay on screen.
        if (state.kind === 'ended' && state.code !== closeCode.protocolMismatch) this.#forget();
      },
      onPicture: (picture) => {
        this.picture = picture;
        rememberSize(scope.tenant?.id ?? '', picture.vehicles.size);
      },
      onHeard: (nowMs) => {
        this.heardAtMs = nowMs;
      },
      onNotice: (level, message) => toasts.show(level === 'error' ? 'error' : 'info', message),
    },
  );

  vehicle(id: string): LiveVehicle | undefined {
    return this.picture.vehicles.get(id);
  }

  alertsOf(vehicleId: string): LiveAlert[] {
    return this.alertsByVehicle.get(vehicleId) ?? [];
  }

  /** Connects for the tenant in scope; the answer disconnects and forgets. */
  connect(): () => void {
    this.#connection.start();
    const retry = (): void => {
      if (document.visibilityState === 'visible') this.#connection.retryNow();
    };
    addEventListener('online', retry);
    document.addEventListener('visibilitychange', retry);
    return () => {
      removeEventListener('online', retry);
      document.removeEventListener('visibilitychange', retry);
      this.#connection.stop();
      this.#forget();
    };
  }

  #forget(): void {
    this.picture = emptyPicture;
    this.heardAtMs = null;
  }
}

export const live = new Live();
