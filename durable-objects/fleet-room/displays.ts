/**
 * What a room knows of the tenant's wall displays: when each was last heard, what it said of itself, and whether it has
 * fallen silent. A heartbeat is kept in memory and written when the room falls quiet; losing the last few seconds of them
 * costs nothing. That a display fell silent or came back is written at once, and told to the Worker until it was taken.
 */
import { displayLimits, type HeartbeatFields } from '#contracts/displays';
import type { DisplayState } from './feed.ts';

const schema = `
CREATE TABLE IF NOT EXISTS displays (
  id TEXT PRIMARY KEY, heard_ms INTEGER NOT NULL, is_red INTEGER NOT NULL, is_told INTEGER NOT NULL,
  heartbeat TEXT) WITHOUT ROWID;
`;
const redAfterMs = displayLimits.redAfterSeconds * 1_000;
const tellAgainAfterMs = 5_000;

type Heartbeat = Pick<DisplayState, 'lastHeartbeatAt' | 'build' | 'uptimeSeconds' | 'viewport' | 'lastError'>;

export interface Display {
  /** Of the last heartbeat; before the first one, when it connected (epoch milliseconds). */
  heardMs: number;
  isRed: boolean;
  /** The Worker has taken note of `isRed`. */
  isTold: boolean;
  heartbeat: Heartbeat | null;
}

/** Displays whose silence or return nobody has taken note of. */
export type DisplayNews = ReadonlyMap<string, Display>;

const noHeartbeat: Heartbeat = {
  lastHeartbeatAt: null,
  build: null,
  uptimeSeconds: null,
  viewport: null,
  lastError: null,
};

const viewportText = (viewport: HeartbeatFields['viewport']): string =>
  typeof viewport === 'string' ? viewport : `${viewport.width}×${viewport.height}`;

export class Displays {
  private readonly sql: SqlStorage;
  private readonly displays = new Map<string, Display>();
  private readonly unsaved = new Set<string>();
  /** Not later than the first display is due; may be early. */
  private dueMs: number | null = null;
  private tellAfterMs = 0;

  constructor(storage: DurableObjectStorage) {
    this.sql = storage.sql;
    this.sql.exec(schema);
    type Row = { id: string; heard_ms: number; is_red: number; is_told: number; heartbeat: string | null };
    for (const row of this.sql.exec<Row>('SELECT * FROM displays')) {
      this.displays.set(row.id, {
        heardMs: row.heard_ms,
        isRed: row.is_red === 1,
        isTold: row.is_told === 1,
        heartbeat: row.heartbeat === null ? null : (JSON.parse(row.heartbeat) as Heartbeat),
      });
    }
    this.dueMs = this.findDue();
  }

  /** A display has opened a socket. From the first time on its silence is noticed. */
  noteConnected(displayId: string, nowMs: number): void {
    if (this.displays.has(displayId)) return;
    this.put(displayId, { heardMs: nowMs, isRed: false, isTold: true, heartbeat: null });
    this.save();
  }

  noteHeartbeat(displayId: string, fields: HeartbeatFields, nowMs: number): void {
    const known = this.displays.get(displayId);
    const comesBack = known?.isRed === true;
    this.put(displayId, {
      heardMs: nowMs,
      isRed: false,
      isTold: comesBack ? false : (known?.isTold ?? true),
      heartbeat: {
        lastHeartbeatAt: new Date(nowMs).toISOString(),
        build: fields.build,
        uptimeSeconds: fields.uptimeSeconds,
        viewport: viewportText(fields.viewport),
        lastError: fields.lastError ?? null,
      },
    });
    if (comesBack) this.save();
  }

  /** The display was unpaired. */
  forget(displayId: string): void {
    this.displays.delete(displayId);
    this.unsaved.delete(displayId);
    this.sql.exec('DELETE FROM displays WHERE id = ?', displayId);
  }

  /** Everything known; `connected` holds the displays that have an open socket. */
  states(connected: ReadonlySet<string>): DisplayState[] {
    return [...this.displays].map(([displayId, { heartbeat }]) => ({
      displayId,
      isConnected: connected.has(displayId),
      ...(heartbeat ?? noHeartbeat),
    }));
  }

  /** When `sweep` has something to do (epoch milliseconds); null when never. */
  get nextDueMs(): number | null {
    return this.dueMs;
  }

  /** Notes who has fallen silent; answers what the Worker is to be told now, or null when there is nothing. */
  sweep(nowMs: number): DisplayNews | null {
    if (this.dueMs === null || nowMs < this.dueMs) return null;
    for (const [id, display] of this.displays) {
      if (display.isRed || nowMs < display.heardMs + redAfterMs) continue;
      this.put(id, { ...display, isRed: true, isTold: false });
      this.tellAfterMs = nowMs;
    }
    this.save();
    const news = new Map([...this.displays].filter(([, { isTold }]) => !isTold));
    const isTime = news.size > 0 && nowMs >= this.tellAfterMs;
    if (isTime) this.tellAfterMs = nowMs + tellAgainAfterMs;
    this.dueMs = this.findDue();
    return isTime ? news : null;
  }

  /** The Worker has been told; what has changed again since is still news. */
  noteTold(news: DisplayNews): void {
    for (const [id, display] of news) {
      if (this.displays.get(id) === display) this.put(id, { ...display, isTold: true });
    }
    this.tellAfterMs = 0;
    this.save();
    this.dueMs = this.findDue();
  }

  get mustSave(): boolean {
    return this.unsaved.size > 0;
  }

  save(): void {
    if (this.unsaved.size === 0) return;
    const rows = [...this.unsaved].flatMap((id) => {
      const display = this.displays.get(id);
      if (!display) return [];
      const { heardMs, isRed, isTold, heartbeat } = display;
      return [[id, heardMs, Number(isRed), Number(isTold), heartbeat && JSON.stringify(heartbeat)]];
    });
    this.unsaved.clear();
    this.sql.exec(
      `INSERT OR REPLACE INTO displays
        SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 FROM json_each(?)`,
      JSON.stringify(rows),
    );
  }

  private put(displayId: string, display: Display): void {
    this.displays.set(displayId, display);
    this.unsaved.add(displayId);
    const dueMs = this.dueOf(display);
    if (dueMs !== null && (this.dueMs === null || dueMs < this.dueMs)) this.dueMs = dueMs;
  }

  private dueOf({ heardMs, isRed, isTold }: Display): number | null {
    if (!isTold) return this.tellAfterMs;
    return isRed ? null : heardMs + redAfterMs;
  }

  private findDue(): number | null {
    let dueMs: number | null = null;
    for (const display of this.displays.values()) {
      const due = this.dueOf(display);
      if (due !== null && (dueMs === null || due < dueMs)) dueMs = due;
    }
    return dueMs;
  }
}
