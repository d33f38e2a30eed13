/**
 * Rooms of dealers that watch this tenant's trucks: each is sent what changed since it was last sent something, after a
 * tick, in one call at a time. What changes while a call is under way goes with the next one.
 */
import { packReadings } from '../readings/packed-readings.ts';
import type { RoomState } from './room-state.ts';

const schema = `
CREATE TABLE IF NOT EXISTS subscribers (tenant_id TEXT PRIMARY KEY, until_ms INTEGER NOT NULL) WITHOUT ROWID;
`;

/** A subscription lapses unless it is renewed. */
export const subscribedForMs = 60_000;
const retryAfterMs = 1_000;

interface Subscriber {
  untilMs: number;
  /** Vehicles it has to be sent; 'everything' when that was forgotten together with the object's memory. */
  owed: Set<string> | 'everything';
  isCalled: boolean;
  /** After a failure not before this. */
  notBeforeMs: number;
}

export interface SubscriberPorts {
  mirror(subscriberTenantId: string, readings: Uint8Array): Promise<{ isWanted: boolean }>;
  reenter(work: (subscribers: Subscribers, state: RoomState, nowMs: number) => void): void;
}

/** The own vehicles' readings, packed: all of them, or those of some vehicles. */
function packOwn(state: RoomState, ids: Set<string> | 'everything'): Uint8Array {
  const rows = [];
  for (const vehicleId of ids === 'everything' ? state.readings.keys() : ids) {
    const held = state.readings.get(vehicleId);
    if (held?.sourceTenantId === state.ownTenantId) rows.push({ vehicleId, reading: held.reading });
  }
  return packReadings(rows);
}

export class Subscribers {
  private readonly sql: SqlStorage;
  private readonly ports: SubscriberPorts;
  private readonly known = new Map<string, Subscriber>();

  constructor(storage: DurableObjectStorage, ports: SubscriberPorts) {
    this.sql = storage.sql;
    this.ports = ports;
    this.sql.exec(schema);
    for (const row of this.sql.exec<{ tenant_id: string; until_ms: number }>('SELECT * FROM subscribers')) {
      const subscriber: Subscriber = { untilMs: row.until_ms, owed: 'everything', isCalled: false, notBeforeMs: 0 };
      this.known.set(row.tenant_id, subscriber);
    }
  }

  /** True while somebody is to be sent what changes. Forgets those who have not renewed. */
  isAwaited(nowMs: number): boolean {
    for (const [tenantId, { untilMs }] of this.known) if (untilMs <= nowMs) this.remove(tenantId);
    return this.known.size > 0;
  }

  /** Adds or renews a subscriber; answers what it is to be told now. */
  add(state: RoomState, tenantId: string, isRenewal: boolean, nowMs: number): Uint8Array {
    const untilMs = nowMs + subscribedForMs;
    this.sql.exec('INSERT OR REPLACE INTO subscribers VALUES (?, ?)', tenantId, untilMs);
    const held = this.known.get(tenantId);
    if (isRenewal && held && held.untilMs > nowMs) {
      held.untilMs = untilMs;
      return new Uint8Array();
    }
    this.known.set(tenantId, { untilMs, owed: new Set(), isCalled: held?.isCalled ?? false, notBeforeMs: 0 });
    return packOwn(state, 'everything');
  }

  remove(tenantId: string): void {
    if (this.known.delete(tenantId)) this.sql.exec('DELETE FROM subscribers WHERE tenant_id = ?', tenantId);
  }

  /** Notes the vehicles that a tick has changed. */
  note(vehicleIds: ReadonlySet<string>): void {
    for (const { owed } of this.known.values()) {
      if (owed !== 'everything') for (const id of vehicleIds) owed.add(id);
    }
  }

  /** When something is to be sent though no tick comes (epoch milliseconds); null when nothing is owed. */
  dueMs(nowMs: number): number | null {
    let earliest: number | null = null;
    for (const { owed, isCalled, notBeforeMs } of this.known.values()) {
      if (owed === 'everything' || isCalled || owed.size === 0) continue;
      const dueMs = Math.max(nowMs, notBeforeMs);
      if (earliest === null || dueMs < earliest) earliest = dueMs;
    }
    return earliest;
  }

  /** Sends what is owed. Never throws, never delays the caller. */
  pump(state: RoomState, nowMs: number): void {
    for (const [tenantId, subscriber] of this.known) {
      const { owed, isCalled, notBeforeMs } = subscriber;
      if (isCalled || nowMs < notBeforeMs || (owed !== 'everything' && owed.size === 0)) continue;
      const readings = packOwn(state, owed);
      subscriber.owed = new Set();
      if (readings.length > 0) void this.send(tenantId, subscriber, owed, readings);
    }
  }

  private async send(
    tenantId: string,
    subscriber: Subscriber,
    sent: Subscriber['owed'],
    readings: Uint8Array,
  ): Promise<void> {
    subscriber.isCalled = true;
    const { untilMs } = subscriber;
    let answer: { isWanted: boolean } | null = null;
    try {
      answer = await this.ports.mirror(tenantId, readings);
    } catch (cause) {
      console.error(JSON.stringify({ level: 'error', event: 'mirror_not_fed', tenantId, cause: String(cause) }));
    }
    try {
      this.ports.reenter((subscribers, state, nowMs) =>
        subscribers.settleCall(tenantId, { sent, untilMs }, answer, state, nowMs),
      );
    } catch (cause) {
      console.error(JSON.stringify({ level: 'error', event: 'room_not_entered', cause: String(cause) }));
    }
  }

  private settleCall(
    tenantId: string,
    { sent, untilMs }: { sent: Subscriber['owed']; untilMs: number },
    answer: { isWanted: boolean } | null,
    state: RoomState,
    nowMs: number,
  ): void {
    const subscriber = this.known.get(tenantId);
    if (!subscriber) return;
    subscriber.isCalled = false;
    // Asked again since the call was made, it is wanted, whatever was the case when the call arrived.
    const isUnwanted = answer?.isWanted === false && subscriber.untilMs === untilMs;
    if (isUnwanted) this.remove(tenantId);
    else if (answer?.isWanted === true) this.pump(state, nowMs);
    else {
      const { owed } = subscriber;
      subscriber.owed = sent === 'everything' || owed === 'everything' ? 'everything' : new Set([...sent, ...owed]);
      subscriber.notBeforeMs = nowMs + retryAfterMs;
    }
  }
}
