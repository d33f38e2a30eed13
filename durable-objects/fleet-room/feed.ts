/**
 * What the Worker feeds a room, and what a room answers: the RPC surface of FleetRoom as plain types.
 *
 * A room shows the vehicles of its own tenant and, for a dealer, mirrors of its linked customers'. Each source tenant
 * counts its committed changes in D1 (`tenants.change_counter`); every feed names the count it brings, so that a room
 * knows for each source up to which change it has heard everything, and a sweep can find a lost push.
 */
import type { CommandMessage, LiveAlert, LiveVehicle } from '#contracts/live';
import type { Role } from '#contracts/roles';
import type { Reading } from '#contracts/telemetry';
import type { VehicleStatus } from '#contracts/vehicles';

/** The part of a live vehicle that D1 is the record of; position and status are the room's own. */
export type VehicleFacts = Omit<LiveVehicle, 'status' | 'lat' | 'lon' | 'heading' | 'speedMph' | 'at'> & {
  assignedDriverId: string | null;
  /** By which gateways name it; never shown by the room. */
  vin: string;
};

/** One committed change of one source tenant. Applying it twice, or late, changes nothing. */
export interface RoomChange {
  sourceTenantId: string;
  /**
   * The change counts this feed covers, exactly (never a range: another writer's count may lie between).
   * The facts were read after the largest of them was committed.
   */
  counters: number[];
  vehicles: VehicleFacts[];
  removedVehicleIds: string[];
  /** Whole alerts; those resolved or false positive leave the picture. */
  alerts: LiveAlert[];
}

/** Ids above `after` up to and including `through`; null: without end on that side. */
export interface IdRange {
  after: string | null;
  through: string | null;
}

/** A large tenant is seeded in parts, each read on its own, so that no call and no moment is too large. */
export interface SeedPart {
  /** The ids that the part speaks for: those it does not name are gone. Null: it says nothing of them. */
  vehicles: IdRange | null;
  alerts: IdRange | null;
  /** On the last part: the count read with the first one. The room has then heard everything up to it. */
  completes: number | null;
}

/** Everything of one source tenant as of `counter`; replaces what the room held of it, save newer changes. */
export interface RoomSeed {
  sourceTenantId: string;
  counter: number;
  /** Absent: it is the whole. */
  part?: SeedPart;
  vehicles: VehicleFacts[];
  /** Open, acknowledged and snoozed alerts. */
  alerts: LiveAlert[];
  /** Last known readings from D1, used only where the room holds none or an older one. */
  readings: VehicleReading[];
}

export interface VehicleReading extends Reading {
  vehicleId: string;
}

/** Readings of one source tenant; per vehicle an older one never overwrites a newer one. */
export interface RoomReadings {
  sourceTenantId: string;
  readings: VehicleReading[];
}

/**
 * What became of a batch of rows. `taken`: durable; `unknown` holds the indices, ascending, of rows that name no vehicle of
 * the room's own.
 */
export type IngestOutcome =
  | { kind: 'taken'; unknown: number[] }
  /** Nothing was kept: what was taken before must reach the tracks first. */
  | { kind: 'busy'; retryAfterSeconds: number };

/** What a dealer's room is told of a customer's readings while somebody watches there. */
export interface MirroredReadings {
  sourceTenantId: string;
  /** Packed by durable-objects/readings. */
  readings: Uint8Array;
}

/** What a room heard last from one display. */
export interface DisplayState {
  displayId: string;
  isConnected: boolean;
  lastHeartbeatAt: string | null;
  build: string | null;
  uptimeSeconds: number | null;
  /** `1920×1080`. */
  viewport: string | null;
  lastError: string | null;
}

/** The room's word on one vehicle, laid over a page of vehicles read from D1. */
export interface LiveOverlay {
  vehicleId: string;
  status: VehicleStatus;
  reading: Reading | null;
}

/** Who a ticket lets in. It is bound to all of this and works once. */
export interface RoomPrincipal {
  kind: 'user' | 'display' | 'api_key';
  /** Of the person, the display or the key. */
  userId: string;
  /** Of the session; a display's and a key's own id. */
  sessionId: string;
  role: Role;
  /** May open a live socket. */
  mayWatch: boolean;
  /** May open a stream of telemetry. */
  mayStream: boolean;
  /** Tenants whose vehicles this person may see in this room. */
  tenantIds: string[];
  /** Set for a driver: only vehicles assigned to this user are shown. */
  onlyAssignedTo: string | null;
  /** When these rights last changed (RFC 3339), as of their reading; null: never since the person was entered. */
  accessAsOf: string | null;
  /** When what it was issued for runs out by itself (RFC 3339): an API key's secret. Null or absent: somebody ends it. */
  endsAt?: string | null;
}

/** Whose sockets and unused tickets are to go; whoever is named in any of the ways. */
export interface Unwelcome {
  everyone?: boolean;
  userIds?: readonly string[];
  /** Sessions that are over: no ticket of theirs is good any more, one that is asked for too late included. */
  endedSessionIds?: readonly string[];
  /** People whose rights have changed: what was opened with rights from before goes. */
  outdated?: readonly { userId: string; accessAsOf: string }[];
}

export interface RoomStatus {
  epoch: string;
  seq: number;
  sockets: number;
  vehicles: number;
  /** Per source tenant the counter up to which every change has been heard; a source never seeded is absent. */
  heardThrough: Record<string, number>;
}

/** Latest readings not yet copied back to D1, with a mark to confirm once they are. */
export interface DirtyReadings {
  mark: number;
  readings: (VehicleReading & { status: VehicleStatus })[];
}

/** The public face of a room, implemented by FleetRoom and called through durable-objects/stubs.ts. */
export interface FleetRoomRpc {
  /** True when the change was heard; `isSeeded: false` asks the caller to seed this source. */
  applyChange(change: RoomChange): Promise<{ isSeeded: boolean }>;
  seed(seed: RoomSeed): Promise<void>;
  /**
   * Lets everyone in this room see these linked tenants besides their own, open sockets and unused tickets too: a dealer
   * link was accepted. Their trucks come with `seed`. Answers how many had lacked one; saying it again changes nothing.
   */
  grantSources(sourceTenantIds: string[]): Promise<{ widened: number }>;
  /** Forgets a source tenant: the end of a dealer link. */
  dropSource(sourceTenantId: string): Promise<void>;
  /** Durable before it returns. */
  recordReadings(batch: RoomReadings): Promise<{ recorded: number }>;
  /**
   * Takes rows of the room's own tenant, packed by durable-objects/readings; durable before it returns. The tracks get them
   * from the room, in order and each at least once.
   */
  ingest(rows: Uint8Array): Promise<IngestOutcome>;
  /** Resolves once everything taken so far is in the tracks, or after two seconds. */
  settleTracks(): Promise<void>;
  /**
   * For the room of a linked dealer while somebody watches there: everything known now comes back, what changes is sent
   * to its `mirror`, until `unsubscribe` or until a minute has passed without being asked again. Asked again with
   * `isRenewal`, what was sent already does not come back, unless the subscription had lapsed.
   */
  subscribe(subscriberTenantId: string, isRenewal?: boolean): Promise<MirroredReadings>;
  unsubscribe(subscriberTenantId: string): Promise<void>;
  /** False when nobody watches here any more, or the source is none of ours: send no more. */
  mirror(readings: MirroredReadings): Promise<{ isWanted: boolean }>;
  overlay(vehicleIds: string[]): Promise<LiveOverlay[]>;
  listDirtyReadings(limit: number): Promise<DirtyReadings>;
  confirmCopiedBack(mark: number): Promise<void>;
  issueTicket(principal: RoomPrincipal): Promise<{ ticket: string }>;
  /** Uses up the ticket of a stream of telemetry (SHA-256 in hex); null for one that is not good, or not for streaming. */
  redeemStreamTicket(ticketHash: string): Promise<RoomPrincipal | null>;
  displayStates(): Promise<DisplayState[]>;
  /** Sends a command to every socket of a display; false when there is none. */
  sendCommand(displayId: string, command: Omit<CommandMessage, 'type'>): Promise<{ isDelivered: boolean }>;
  /** Closes the sockets of an unpaired display (4411) and voids its tickets. */
  closeDisplay(displayId: string): Promise<void>;
  /** Closes sockets (4410) and voids unused tickets; saying it again changes nothing. Answers how many sockets. */
  close(unwelcome: Unwelcome): Promise<{ closed: number }>;
  status(): Promise<RoomStatus>;
}
