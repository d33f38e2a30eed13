/**
 * What a dealer's room asks of its customers' rooms while somebody watches here: to be told what changes. Asked again
 * before the subscription lapses; given up when nobody watches any more, or the link has ended.
 */
import type { MirroredReadings } from './feed.ts';
import type { RoomState } from './room-state.ts';

/** A subscription lasts a minute; it is renewed after 30 to 45 s, so that not all of a dealer's customers are asked at once. */
const renewAfterMs = 30_000;
const renewSpreadMs = 15_000;
const firstRetryMs = 1_000;
const mostRetryMs = 15_000;

interface Subscription {
  isCalled: boolean;
  /** When the next call is due. */
  dueMs: number;
  failures: number;
  /** True once the source has told everything. */
  isKnown: boolean;
}

export interface MirrorPorts {
  subscribe(sourceTenantId: string, isRenewal: boolean): Promise<MirroredReadings>;
  unsubscribe(sourceTenantId: string): Promise<void>;
  /** 0 to 1, at random. */
  chance(): number;
  reenter(work: (mirrors: Mirrors, nowMs: number, learn: (readings: MirroredReadings) => void) => void): void;
}

export class Mirrors {
  private readonly ports: MirrorPorts;
  private readonly held = new Map<string, Subscription>();
  private isWatched = false;
  private sourcesSeen = 0;
  private nextMs: number | null = null;

  constructor(ports: MirrorPorts) {
    this.ports = ports;
  }

  /** When a subscription is to be made or renewed (epoch milliseconds); null when there is none. */
  get dueMs(): number | null {
    return this.nextMs;
  }

  /** Makes, renews and ends subscriptions. Cheap when there is nothing to do; never throws, never delays the caller. */
  keep(state: RoomState, isWatched: boolean, nowMs: number): void {
    const isDue = this.nextMs !== null && nowMs >= this.nextMs;
    if (isWatched === this.isWatched && state.sources.size === this.sourcesSeen && !isDue) return;
    this.isWatched = isWatched;
    this.sourcesSeen = state.sources.size;
    for (const sourceTenantId of this.held.keys()) {
      if (!isWatched || !state.sources.has(sourceTenantId)) this.end(sourceTenantId);
    }
    if (isWatched) {
      for (const sourceTenantId of state.sources.keys()) {
        if (sourceTenantId !== state.ownTenantId) this.keepOne(sourceTenantId, nowMs);
      }
    }
    this.findNext();
  }

  private keepOne(sourceTenantId: string, nowMs: number): void {
    let subscription = this.held.get(sourceTenantId);
    if (!subscription) {
      subscription = { isCalled: false, dueMs: nowMs, failures: 0, isKnown: false };
      this.held.set(sourceTenantId, subscription);
    }
    if (!subscription.isCalled && nowMs >= subscription.dueMs) void this.call(sourceTenantId, subscription);
  }

  private end(sourceTenantId: string): void {
    this.held.delete(sourceTenantId);
    // Should it not arrive, the subscription lapses, and what is sent until then is refused.
    this.ports.unsubscribe(sourceTenantId).catch(() => {});
  }

  private findNext(): void {
    this.nextMs = null;
    for (const { isCalled, dueMs } of this.held.values()) {
      if (!isCalled && (this.nextMs === null || dueMs < this.nextMs)) this.nextMs = dueMs;
    }
  }

  private async call(sourceTenantId: string, subscription: Subscription): Promise<void> {
    subscription.isCalled = true;
    let answer: MirroredReadings | null = null;
    try {
      answer = await this.ports.subscribe(sourceTenantId, subscription.isKnown);
    } catch (cause) {
      console.error(JSON.stringify({ level: 'error', event: 'not_subscribed', sourceTenantId, cause: String(cause) }));
    }
    try {
      this.ports.reenter((mirrors, nowMs, learn) => {
        mirrors.settleCall(sourceTenantId, subscription, answer !== null, nowMs);
        if (answer && mirrors.held.has(sourceTenantId)) learn(answer);
      });
    } catch (cause) {
      console.error(JSON.stringify({ level: 'error', event: 'room_not_entered', cause: String(cause) }));
    }
  }

  private settleCall(sourceTenantId: string, asked: Subscription, isAnswered: boolean, nowMs: number): void {
    asked.isCalled = false;
    // Given up meanwhile, and perhaps asked for anew since: whoever asked last settles.
    if (this.held.get(sourceTenantId) !== asked) return;
    asked.isKnown ||= isAnswered;
    asked.failures = isAnswered ? 0 : asked.failures + 1;
    asked.dueMs =
      nowMs +
      (isAnswered
        ? renewAfterMs + this.ports.chance() * renewSpreadMs
        : Math.min(mostRetryMs, firstRetryMs * 2 ** (asked.failures - 1)));
    this.findNext();
  }
}
