/**
 * What a tenant's room and the Worker ask of its tracks: the RPC surface of FleetTracks as plain types.
 *
 * FleetTracks keeps every position of a tenant's vehicles for thirty days and watches the geofences. It is fed by the
 * tenant's room, which keeps what it has taken until the tracks have confirmed it.
 */
import type { GeofenceEventKind, GeofenceShape } from '#contracts/geofences';
import type { Reading } from '#contracts/telemetry';

export type AppendOutcome =
  /** Durable; saying it again changes nothing. */
  | { kind: 'taken' }
  /** Nothing was kept: too much waits to be compacted. */
  | { kind: 'busy'; retryAfterSeconds: number };

export interface TrackRange {
  vehicleId: string;
  /** Epoch milliseconds, both included. */
  fromMs: number;
  toMs: number;
  /** Only fixes later than this; null from the beginning. */
  afterMs: number | null;
  limit: number;
}

/** One vehicle's fixes, oldest first; of two with one time the first that came. */
export interface TrackPage {
  readings: Reading[];
  /** More follow within the range. */
  hasMore: boolean;
}

/** A geofence as the tracks watch it. */
export interface WatchedFence {
  id: string;
  shape: GeofenceShape;
  alertOnEntry: boolean;
  alertOnExit: boolean;
  dwellMinutes: number | null;
  speedLimitMph: number | null;
}

/** A change of the fences that made them `version` (`tenants.geofence_version`), or all there are at that version. */
export interface FenceChange {
  version: number;
  /** True in every part of a list of all fences: with the last part, what no part named and nothing newer changed goes. */
  isWhole: boolean;
  /** False: more parts of this list follow. */
  isLast: boolean;
  fences: WatchedFence[];
  removedIds: string[];
}

/** What happened at a fence, waiting to be taken over by the Worker. */
export interface FenceEvent {
  /** Place in the order of events. */
  mark: number;
  geofenceId: string;
  vehicleId: string;
  kind:
    | GeofenceEventKind
    | 'dwell_ended'
    | 'speeding_ended'
    /** The fence was changed around a vehicle that did not move: it is inside, or outside, by now. */
    | 'visit_began'
    | 'visit_ended';
  at: string;
  lat: number;
  lon: number;
  speedMph: number | null;
}

/** A part of a day that is to leave for R2: whole vehicles, few enough for one Parquet file. */
export interface DayPart {
  part: number;
  /** Packed by durable-objects/readings, sorted by vehicle and time; empty: there is no such part. */
  readings: Uint8Array;
  hasMore: boolean;
  /** Which freezing of the day this is; a later one has a larger number. Missing when the day is not frozen. */
  move?: number;
}

export interface TracksStatus {
  vehicles: number;
  /** Fixes that wait to be compacted. */
  intakeFixes: number;
  chunks: number;
  chunkBytes: number;
  databaseBytes: number;
  fenceVersion: number;
  fences: number;
}

export interface FleetTracksRpc {
  /** Readings packed by durable-objects/readings. Durable before it returns; in order per room, perhaps more than once. */
  append(readings: Uint8Array): Promise<AppendOutcome>;
  read(range: TrackRange): Promise<TrackPage>;
  /** The latest fix of each vehicle at or before an instant (epoch milliseconds). */
  fleetAt(atMs: number): Promise<{ vehicleId: string; reading: Reading }[]>;
  /** Says it again as often as you like. Answers the version through which every change is known. */
  changeFences(change: FenceChange): Promise<{ version: number }>;
  /** The oldest events that nobody has confirmed, at most `limit`. */
  listFenceEvents(limit: number): Promise<FenceEvent[]>;
  confirmFenceEvents(throughMark: number): Promise<void>;
  /** Days (UTC, `2026-11-20`) older than the given one of which something is held, oldest first. */
  listDaysBefore(day: string): Promise<string[]>;
  /** Part 0 freezes the day: from then on a part asked for again is the same bytes, until the day is dropped. */
  readDayPart(day: string, part: number): Promise<DayPart>;
  /**
   * The day is safe in R2: forgets what its parts held. What came since part 0 is held as a day of its own, to be moved again.
   * Another number of parts than the day has changes nothing; a day that is gone already is no error. With `move` only that
   * freezing goes: a word that comes late does not drop what came since.
   */
  dropDay(day: string, partsMoved: number, move?: number): Promise<void>;
  /** Forgets a vehicle that is gone. */
  forgetVehicle(vehicleId: string): Promise<void>;
  status(): Promise<TracksStatus>;
}
