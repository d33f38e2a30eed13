/** The shop's cases of a truck as the portal shows them: what the world's shop did, filed under its numbers. */
import { caseNumberOf } from '../world/faults/case-number.ts';
import { between } from '../world/random.ts';
import type { RosterTruck } from '../world/roster.ts';
import type { World } from '../world/world.ts';
import { isHostile } from './fleet-view.ts';
import { hostileText } from './hostile-text.ts';
import type { AccountState } from './portal-state.ts';

export interface PortalCase {
  number: string;
  type: string;
  openedMs: number;
  /** null while the case is open. */
  closedMs: number | null;
  odometerMiles: number;
  system: string;
  complaint: string;
  cause: string;
  correction: string;
}

const hourMs = 3_600_000;
const shownMs = 365 * 24 * hourMs;
/** No case stays open for longer, in world time. */
const longestHours = 36;

const typeOf = { repair: 'Repair', breakdown: 'Breakdown', preventive: 'PM', inspection: 'Inspection' } as const;
const complaintOf = {
  repair: 'Driver reports warning lamp',
  breakdown: '',
  preventive: 'Scheduled service due',
  inspection: 'Annual inspection due',
} as const;

/** Cases of the last year that have been opened by now, newest first. */
export function casesOf(world: World, state: AccountState, truck: RosterTruck): PortalCase[] {
  const { clock } = world;
  const nowMs = clock.realMs();
  const untilMs = clock.realOfWorld(clock.worldMs() + longestHours * hourMs);
  const hostile = isHostile(state, truck);
  const cases = world.shopEvents(truck, nowMs - shownMs, untilMs).map((event, index): PortalCase => {
    const hours = between(event.kind === 'repair' || event.kind === 'breakdown' ? 6 : 1, event.kind === 'breakdown' ? longestHours : 6, truck.seed, truck.vin, event.atMs, 'in shop'); // prettier-ignore
    // A breakdown is filed when the truck stops, everything else when the work is done.
    const isBreakdown = event.kind === 'breakdown';
    const openedMs = clock.realOfWorld(isBreakdown ? event.atMs : event.atMs - hours * hourMs);
    const closedMs = clock.realOfWorld(isBreakdown ? event.atMs + hours * hourMs : event.atMs);
    const code = event.spn === null ? '' : `Confirmed SPN: ${event.spn} FMI: ${event.fmi ?? 31}`;
    const text = (own: string, place: number) => (hostile ? hostileText(truck.index + index + place) : own);
    return {
      number: caseNumberOf(truck.vin, event),
      type: typeOf[event.kind],
      openedMs,
      closedMs: closedMs <= nowMs ? closedMs : null,
      odometerMiles: event.odometerMiles,
      system: event.system?.replaceAll('_', ' ') ?? '',
      complaint: text(isBreakdown ? event.description : complaintOf[event.kind], 0),
      cause: hostile ? `${hostileText(truck.index + index + 1)} ${code}` : code,
      correction: text(isBreakdown ? '' : event.description, 2),
    };
  });
  return cases.filter(({ openedMs }) => openedMs <= nowMs).sort((a, b) => b.openedMs - a.openedMs);
}
