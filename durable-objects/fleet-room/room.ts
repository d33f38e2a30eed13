/** Everything a room holds in memory, and how it is found again after the memory was lost. */
import { roomOf, tracksOf } from '../stubs.ts';
import { Displays } from './displays.ts';
import { FanOut } from './fan-out.ts';
import { RoomLinks, type LinkPorts } from './room-links.ts';
import type { RoomState } from './room-state.ts';
import { RoomStorage } from './room-storage.ts';
import { Sockets } from './sockets.ts';
import type { TickNeeds } from './ticker.ts';
import { Tickets } from './tickets.ts';
import { VehicleNumbers } from './vehicle-numbers.ts';

export interface FleetRoomEnv {
  /** Asks the Worker to fetch this room's dirty readings: a room never touches D1. */
  LIVE_QUEUE: Queue<{ kind: 'copy_back' | 'display_health'; tenantId: string }>;
  FLEET_ROOM: DurableObjectNamespace;
  FLEET_TRACKS: DurableObjectNamespace;
}

export interface Room {
  state: RoomState;
  storage: RoomStorage;
  tickets: Tickets;
  sockets: Sockets;
  fanOut: FanOut;
  displays: Displays;
  links: RoomLinks;
}

/** Reads the room from its storage and finds the sockets that outlived the memory. */
export function loadRoom(ctx: DurableObjectState, env: FleetRoomEnv, reenter: LinkPorts['reenter']): Room {
  const disk = ctx.storage;
  const storage = new RoomStorage(disk);
  const tickets = new Tickets(disk);
  const state = storage.load(ctx.id.name ?? null, () => crypto.randomUUID());
  const sockets = new Sockets(ctx, tickets, state.seq);
  return {
    state,
    storage,
    tickets,
    sockets,
    fanOut: new FanOut(sockets, new VehicleNumbers(disk)),
    displays: new Displays(disk),
    links: new RoomLinks(disk, storage.readings, portsOf(env, state.ownTenantId, reenter)),
  };
}

export const needsOf = ({ state, storage, sockets, links, displays }: Room, nowMs: number): TickNeeds => ({
  hasChanges: state.hasChanges,
  // By sockets that have said hello, or by other rooms.
  isAwaited: sockets.hasAudience || links.isAwaited(nowMs),
  sockets: sockets.count,
  openEntries: state.tick.left.size,
  mustKeep: displays.mustSave || storage.readings.mustKeep || sockets.mustKeep(state.seq),
});

const portsOf = (
  { FLEET_ROOM, FLEET_TRACKS }: FleetRoomEnv,
  tenantId: string,
  reenter: LinkPorts['reenter'],
): LinkPorts => ({
  append: (readings) => tracksOf(FLEET_TRACKS, tenantId).append(readings),
  mirror: (to, readings) => roomOf(FLEET_ROOM, to).mirror({ sourceTenantId: tenantId, readings }),
  subscribe: (to, isRenewal) => roomOf(FLEET_ROOM, to).subscribe(tenantId, isRenewal),
  unsubscribe: (from) => roomOf(FLEET_ROOM, from).unsubscribe(tenantId),
  chance: () => Math.random(),
  reenter,
});
