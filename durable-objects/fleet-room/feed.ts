/**
 * What the Worker feeds a room, and what a room answers: the RPC surface of FleetRoom as plain types.
 *
 * A room shows the vehicles of its own tenant and, for a dealer, mirrors of its linked customers'. Each source tenant
 * counts its committed changes in D1 (`tenants.change_counter`); every feed names the count it brings, so that a room
 * knows for each source up to which change it has heard everything, and a sweep can find a lost push.
 */
import type { LiveAlert, LiveVehicle } from '#contracts/live';
import type { Role } from '#contracts/roles';
import type { Reading } from '#contracts/telemetry';
import type { VehicleStatus } from '#contracts/vehicles';

/** The part of a live vehicle that D1 is the record of; position and status are the room's own. */
export type VehicleFacts = Omit<LiveVehicle, 'status' | 'lat' | 'lon' | 'heading' | 'speedMph' | 'at'> & {
  assignedDriverId: string | null;
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

/** Everything of one source tenant as of `counter`; replaces what the room held of it, save newer changes. */
export interface RoomSeed {
  sourceTenantId: string;
  counter: number;
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

/** The room's word on one vehicle, laid over a page of vehicles read from D1. */
export interface LiveOverlay {
  vehicleId: string;
  status: VehicleStatus;
  reading: Reading | null;
}

/** Who a ticket lets in. It is bound to all of this and works once. */
export interface RoomPrincipal {
  userId: string;
  sessionId: string;
  role: Role;
  /** Tenants whose vehicles this person may see in this room. */
  tenantIds: string[];
  /** Set for a driver: only vehicles assigned to this user are shown. */
  onlyAssignedTo: string | null;
  /** When these rights last changed (RFC 3339), as of their reading; null: never since the person was entered. */
  accessAsOf: string | null;
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
  overlay(vehicleIds: string[]): Promise<LiveOverlay[]>;
  listDirtyReadings(limit: number): Promise<DirtyReadings>;
  confirmCopiedBack(mark: number): Promise<void>;
  issueTicket(principal: RoomPrincipal): Promise<{ ticket: string }>;
  /** Closes sockets (4410) and voids unused tickets; saying it again changes nothing. Answers how many sockets. */
  close(unwelcome: Unwelcome): Promise<{ closed: number }>;
  status(): Promise<RoomStatus>;
}
