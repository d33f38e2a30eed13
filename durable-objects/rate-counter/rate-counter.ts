/**
 * RateCounter: exact requests per minute of one subject (a user, a key, an address). One small object per subject; the
 * count is in memory and in storage, so that hibernation does not forgive anyone. A gateway's thousands are written down
 * every half percent of its limit: so much an object that dies may forgive.
 */
import { DurableObject } from 'cloudflare:workers';
import { takeOne, windowMs, type RateTake, type RateWindow } from './window.ts';

/** The RPC face, called through stubs.ts. */
export interface RateCounterRpc {
  /** Counts one request at `nowMs` (epoch milliseconds) against `limit` per minute. */
  take(limit: number, nowMs: number): Promise<RateTake>;
}

const windowKey = 'window';
const writtenPerWindow = 200;

export class RateCounter extends DurableObject implements RateCounterRpc {
  private window: RateWindow | null = null;
  private written: RateWindow | null = null;

  async take(limit: number, nowMs: number): Promise<RateTake> {
    const { storage } = this.ctx;
    const held = this.window ?? storage.kv.get<RateWindow>(windowKey) ?? null;
    const { window, take } = takeOne(held, limit, nowMs);
    this.window = window;
    if (!take.allowed) return take;
    const { written } = this;
    if (written?.startMs === window.startMs && window.count - written.count < limit / writtenPerWindow) return take;
    this.written = window;
    // The answer does not wait for the disk: after a crash within milliseconds a request or two may be forgiven.
    void storage.put(windowKey, window, { allowUnconfirmed: true });
    if (window.startMs !== held?.startMs) {
      void storage.setAlarm(window.startMs + 2 * windowMs, { allowUnconfirmed: true });
    }
    return take;
  }

  /** A subject that was not seen for a minute leaves nothing behind; most addresses come once. */
  override async alarm(): Promise<void> {
    const window = this.window ?? this.ctx.storage.kv.get<RateWindow>(windowKey) ?? null;
    if (window !== null && Date.now() < window.startMs + windowMs) return;
    this.window = null;
    this.written = null;
    await this.ctx.storage.deleteAll();
  }
}
