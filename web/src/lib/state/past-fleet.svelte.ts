/** The fleet as it stood at a past instant. A handle that is dragged asks once it rests. */
import { readFleetAt } from '../api/positions.ts';
import { byId, noVehicles } from '../map/fleet-order.ts';
import { LatestRead } from './latest-read.svelte.ts';
import { scope } from './scope.svelte.ts';

/** A handle under a finger rests for about this long between two thoughts. */
const restMs = 200;

export class PastFleet extends LatestRead {
  /** The instant that the vehicles below stand for; null before the first answer. */
  at = $state<string | null>(null);
  vehicles = $state.raw(noVehicles);
  #wanted: string | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;

  /** Shows the fleet at an instant, what was shown until then staying on screen; null forgets it. The first is asked at once. */
  show(at: string | null): void {
    this.stop();
    const isFirst = this.#wanted === null;
    this.#wanted = at;
    if (at === null) {
      this.at = null;
      this.vehicles = noVehicles;
      this.failure = null;
    } else if (isFirst) {
      this.#ask(at);
    } else {
      this.#timer = setTimeout(() => this.#ask(at), restMs);
    }
  }

  again(): void {
    if (this.#wanted !== null) this.#ask(this.#wanted);
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #ask(at: string): void {
    void this.read(
      () => readFleetAt(scope.query, at),
      ({ vehicles }) => {
        // Gone back to the present meanwhile.
        if (this.#wanted === null) return;
        this.at = at;
        this.vehicles = byId(vehicles);
      },
    );
  }
}
