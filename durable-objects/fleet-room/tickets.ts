/**
 * Tickets into a room and who stands behind its sockets. A ticket works once and for 30 seconds; only its SHA-256 is
 * kept. `<tenantId>.<43 characters of base64url>`: the first part lets the Worker find the room, the second is the secret.
 */
import { liveLimits } from '#contracts/live';
import type { RoomPrincipal, Unwelcome } from './feed.ts';
import type { RoomFilter } from './live-view.ts';

const schema = `
CREATE TABLE IF NOT EXISTS tickets (
  hash TEXT PRIMARY KEY, user_id TEXT NOT NULL, session_id TEXT NOT NULL, principal TEXT NOT NULL,
  expires_ms INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS connections (
  id TEXT PRIMARY KEY, principal TEXT NOT NULL, filter TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sockets_kept (only INTEGER PRIMARY KEY CHECK (only = 1), through_seq INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS ended_sessions (id TEXT PRIMARY KEY, until_ms INTEGER NOT NULL) WITHOUT ROWID;
`;

/** Who stands behind a socket: the ticket's bearer, and the one truck if it was opened for one. */
export interface SocketPrincipal extends RoomPrincipal {
  onlyVehicleId: string | null;
}

/** A ticket asked for just before its session ended must not open a socket after; sessions' ids never come back. */
const rememberEndedMs = 15 * 60_000;

/** 32 random bytes as 43 characters of base64url. */
export function newSecret(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}

/** SHA-256 of the text in hex. */
export async function hashOf(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

export class Tickets {
  private readonly sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.sql = storage.sql;
    this.sql.exec(schema);
  }

  issue(hash: string, principal: RoomPrincipal, nowMs: number): void {
    this.sql.exec('DELETE FROM tickets WHERE expires_ms <= ?', nowMs);
    this.sql.exec(
      'INSERT INTO tickets VALUES (?, ?, ?, ?, ?)',
      hash,
      principal.userId,
      principal.sessionId,
      JSON.stringify(principal),
      nowMs + liveLimits.ticketSeconds * 1_000,
    );
  }

  /**
   * Uses a ticket up; null when it never was, is used, has expired, is not for this, or its session has ended.
   */
  redeem(hash: string, use: 'watch' | 'stream', nowMs: number): RoomPrincipal | null {
    const [row] = this.sql
      .exec<{ principal: string; session_id: string; expires_ms: number }>(
        'DELETE FROM tickets WHERE hash = ? RETURNING principal, session_id, expires_ms',
        hash,
      )
      .toArray();
    if (!row || row.expires_ms <= nowMs) return null;
    const ended = this.sql.exec('SELECT 1 FROM ended_sessions WHERE id = ? AND until_ms > ?', row.session_id, nowMs);
    if (ended.toArray().length > 0) return null;
    const principal = JSON.parse(row.principal) as RoomPrincipal;
    return (use === 'watch' ? principal.mayWatch : principal.mayStream) ? principal : null;
  }

  /** From now on no ticket of these sessions is good, whenever it is made. */
  rememberEnded(sessionIds: readonly string[], nowMs: number): void {
    this.sql.exec('DELETE FROM ended_sessions WHERE until_ms <= ?', nowMs);
    for (const sessionId of sessionIds) {
      this.sql.exec('INSERT OR REPLACE INTO ended_sessions VALUES (?, ?)', sessionId, nowMs + rememberEndedMs);
    }
  }

  /** Takes back the tickets of these people that nobody has used yet. */
  voidWhere(belongs: (principal: RoomPrincipal) => boolean): void {
    for (const { hash, principal } of this.unused()) {
      if (belongs(principal)) this.sql.exec('DELETE FROM tickets WHERE hash = ?', hash);
    }
  }

  /** Takes a tenant out of the rights of tickets not yet used: its dealer link has ended. */
  withdrawTenant(tenantId: string): void {
    for (const { hash, principal } of this.unused()) {
      if (principal.tenantIds.includes(tenantId)) this.changeRights(hash, without(principal, tenantId));
    }
  }

  /** Adds tenants to the rights of tickets not yet used: a dealer link was accepted. Answers how many lacked one. */
  grantTenants(tenantIds: readonly string[]): number {
    const lacking = this.unused().filter(({ principal }) => lacksAny(principal, tenantIds));
    for (const { hash, principal } of lacking) this.changeRights(hash, withTenants(principal, tenantIds));
    return lacking.length;
  }

  private unused(): { hash: string; principal: RoomPrincipal }[] {
    return this.sql
      .exec<{ hash: string; principal: string }>('SELECT hash, principal FROM tickets')
      .toArray()
      .map(({ hash, principal }) => ({ hash, principal: JSON.parse(principal) as RoomPrincipal }));
  }

  private changeRights(hash: string, principal: RoomPrincipal): void {
    this.sql.exec('UPDATE tickets SET principal = ? WHERE hash = ?', JSON.stringify(principal), hash);
  }

  /** Rights and filter may be larger than the 16 KB of a socket's attachment, so they are kept here under its id. */
  saveConnection(id: string, principal: SocketPrincipal, filter: RoomFilter | null): void {
    const body = filter === null ? null : JSON.stringify(filter);
    this.sql.exec('INSERT OR REPLACE INTO connections VALUES (?, ?, ?)', id, JSON.stringify(principal), body);
  }

  /** Notes that the attachments of all sockets are those of tick `seq`. */
  noteKeptThrough(seq: number): void {
    this.sql.exec('INSERT OR REPLACE INTO sockets_kept VALUES (1, ?)', seq);
  }

  /** The tick as of which all sockets were last kept; -1 when they never were. */
  keptThrough(): number {
    const [row] = this.sql.exec<{ through_seq: number }>('SELECT through_seq FROM sockets_kept').toArray();
    return row?.through_seq ?? -1;
  }

  forgetConnection(id: string): void {
    this.sql.exec('DELETE FROM connections WHERE id = ?', id);
  }

  loadConnections(): Map<string, { principal: SocketPrincipal; filter: RoomFilter | null }> {
    const connections = new Map<string, { principal: SocketPrincipal; filter: RoomFilter | null }>();
    type Row = { id: string; principal: string; filter: string | null };
    for (const row of this.sql.exec<Row>('SELECT * FROM connections')) {
      connections.set(row.id, {
        principal: JSON.parse(row.principal) as SocketPrincipal,
        filter: row.filter === null ? null : (JSON.parse(row.filter) as RoomFilter),
      });
    }
    return connections;
  }
}

/** Says of each person whether they are to go. */
export function unwelcomeIn({
  everyone = false,
  ...named
}: Unwelcome): (principal: Pick<RoomPrincipal, 'userId' | 'sessionId' | 'accessAsOf'>) => boolean {
  const users = new Set(named.userIds);
  const sessions = new Set(named.endedSessionIds);
  const accessOf = new Map(named.outdated?.map(({ userId, accessAsOf }) => [userId, accessAsOf]));
  return ({ userId, sessionId, accessAsOf }) => {
    const current = accessOf.get(userId);
    const isOutdated = current !== undefined && (accessAsOf ?? '') < current;
    return everyone || isOutdated || users.has(userId) || sessions.has(sessionId);
  };
}

export const without = <T extends RoomPrincipal>(principal: T, tenantId: string): T => ({
  ...principal,
  tenantIds: principal.tenantIds.filter((held) => held !== tenantId),
});

export const lacksAny = (principal: RoomPrincipal, tenantIds: readonly string[]): boolean =>
  tenantIds.some((tenantId) => !principal.tenantIds.includes(tenantId));

export const withTenants = <T extends RoomPrincipal>(principal: T, tenantIds: readonly string[]): T => ({
  ...principal,
  tenantIds: [...new Set([...principal.tenantIds, ...tenantIds])],
});
