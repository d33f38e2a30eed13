/**
 * Tickets into a room and who stands behind its sockets. A ticket works once and for 30 seconds; only its SHA-256 is
 * kept. `<tenantId>.<43 characters of base64url>`: the first part lets the Worker find the room, the second is the secret.
 */
import { liveLimits } from '#contracts/live';
import type { RoomPrincipal } from './feed.ts';
import type { RoomFilter } from './live-view.ts';

const schema = `
CREATE TABLE IF NOT EXISTS tickets (
  hash TEXT PRIMARY KEY, user_id TEXT NOT NULL, session_id TEXT NOT NULL, principal TEXT NOT NULL,
  expires_ms INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS connections (
  id TEXT PRIMARY KEY, principal TEXT NOT NULL, filter TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ended_sessions (id TEXT PRIMARY KEY, until_ms INTEGER NOT NULL) WITHOUT ROWID;
`;

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

  /** Uses a ticket up; null when it never was, is used, has expired, or its session has ended. */
  redeem(hash: string, nowMs: number): RoomPrincipal | null {
    const [row] = this.sql
      .exec<{ principal: string; session_id: string; expires_ms: number }>(
        'DELETE FROM tickets WHERE hash = ? RETURNING principal, session_id, expires_ms',
        hash,
      )
      .toArray();
    if (!row || row.expires_ms <= nowMs) return null;
    if (this.sql.exec('SELECT 1 FROM ended_sessions WHERE id = ?', row.session_id).toArray().length > 0) return null;
    return JSON.parse(row.principal) as RoomPrincipal;
  }

  endSession(sessionId: string, nowMs: number): void {
    this.sql.exec('DELETE FROM ended_sessions WHERE until_ms <= ?', nowMs);
    this.sql.exec('INSERT OR REPLACE INTO ended_sessions VALUES (?, ?)', sessionId, nowMs + rememberEndedMs);
    this.sql.exec('DELETE FROM tickets WHERE session_id = ?', sessionId);
  }

  endUser(userId: string): void {
    this.sql.exec('DELETE FROM tickets WHERE user_id = ?', userId);
  }

  /** Takes a tenant out of the rights of tickets not yet used: its dealer link has ended. */
  withdrawTenant(tenantId: string): void {
    for (const row of this.sql.exec<{ hash: string; principal: string }>('SELECT * FROM tickets').toArray()) {
      const principal = JSON.parse(row.principal) as RoomPrincipal;
      if (!principal.tenantIds.includes(tenantId)) continue;
      this.sql.exec(
        'UPDATE tickets SET principal = ? WHERE hash = ?',
        JSON.stringify(without(principal, tenantId)),
        row.hash,
      );
    }
  }

  /** Rights and filter may be larger than the 16 KB of a socket's attachment, so they are kept here under its id. */
  saveConnection(id: string, principal: RoomPrincipal, filter: RoomFilter | null): void {
    const body = filter === null ? null : JSON.stringify(filter);
    this.sql.exec('INSERT OR REPLACE INTO connections VALUES (?, ?, ?)', id, JSON.stringify(principal), body);
  }

  forgetConnection(id: string): void {
    this.sql.exec('DELETE FROM connections WHERE id = ?', id);
  }

  loadConnections(): Map<string, { principal: RoomPrincipal; filter: RoomFilter | null }> {
    const connections = new Map<string, { principal: RoomPrincipal; filter: RoomFilter | null }>();
    type Row = { id: string; principal: string; filter: string | null };
    for (const row of this.sql.exec<Row>('SELECT * FROM connections')) {
      connections.set(row.id, {
        principal: JSON.parse(row.principal) as RoomPrincipal,
        filter: row.filter === null ? null : (JSON.parse(row.filter) as RoomFilter),
      });
    }
    return connections;
  }
}

export const without = (principal: RoomPrincipal, tenantId: string): RoomPrincipal => ({
  ...principal,
  tenantIds: principal.tenantIds.filter((held) => held !== tenantId),
});
