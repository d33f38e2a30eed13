/** Everything the live map shows, for what its address asks: the fleet now or then, the order, the chosen truck, its trail. */
import type { LiveVehicle } from '#contracts/live';
import { emptyOrder, orderOf, type FleetOrder } from '../map/fleet-order.ts';
import { isPlaced } from '../map/fleet-features.ts';
import { legsOf, momentAt, stopsOf, trailOf, withPresent } from '../map/trail.ts';
import { askFrom, matcherOf, type MapAsk } from '../map/view-url.ts';
import { live } from './live.svelte.ts';
import { PastFleet } from './past-fleet.svelte.ts';
import { Trail } from './trail.svelte.ts';

const nothingAsked = askFrom(new URLSearchParams());

export class LiveMap {
  ask = $state.raw<MapAsk>(nothingAsked);
  /** The map goes where the chosen truck goes. */
  isFollowing = $state(false);
  /** The instant of the trail's handle, epoch milliseconds; null: at its end. */
  scrubMs = $state<number | null>(null);
  readonly past = new PastFleet();
  readonly trail = new Trail();

  readonly isPast = $derived(this.ask.at !== null);
  /** What the map shows is there: a first picture, or a first answer of the past. */
  readonly isReady = $derived(this.isPast ? this.past.at !== null : live.hasPicture);
  readonly vehicles: ReadonlyMap<string, LiveVehicle> = $derived(
    this.isPast ? this.past.vehicles : live.picture.vehicles,
  );
  readonly isShown = $derived(matcherOf(this.ask));
  #order: FleetOrder = emptyOrder;
  readonly order = $derived.by(() => (this.#order = orderOf(this.vehicles, this.#order)));
  readonly shownIds: readonly string[] = $derived(
    this.order.ids.filter((id) => {
      const vehicle = this.vehicles.get(id);
      return vehicle !== undefined && this.isShown(vehicle);
    }),
  );
  readonly placedCount = $derived([...this.vehicles.values()].filter(isPlaced).length);
  readonly chosen: LiveVehicle | null = $derived(
    this.ask.vehicleId === null ? null : (this.vehicles.get(this.ask.vehicleId) ?? null),
  );

  readonly #readings = $derived(trailOf(this.trail.held?.positions ?? []));
  readonly points = $derived(withPresent(this.#readings, this.isPast ? null : this.chosen));
  readonly #isWhole = $derived(this.trail.held?.isWhole ?? true);
  readonly legs = $derived(legsOf(this.points, this.#isWhole));
  readonly stops = $derived(stopsOf(this.legs));
  /** The window that the trail's handle moves in; its end goes with the present. */
  readonly window = $derived.by(() => {
    const held = this.trail.held;
    if (held === null) return null;
    const toMs = Math.max(held.toMs, this.points.at(-1)?.atMs ?? 0);
    return { fromMs: held.fromMs, toMs };
  });
  readonly moment = $derived(
    this.window === null ? null : momentAt(this.points, this.scrubMs ?? this.window.toMs, this.#isWhole),
  );

  stop(): void {
    this.past.stop();
  }
}
