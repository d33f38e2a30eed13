/**
 * One socket of a room: what the room knows of it, what of that survives hibernation, and the audience it belongs to.
 */
import type { HelloMessage } from '#contracts/live';
import type { AckWindow } from './ack-window.ts';
import type { FrameRate } from './client-frames.ts';
import type { RoomFilter, Viewer } from './live-view.ts';
import type { SocketPrincipal } from './tickets.ts';

export type Encoding = 'json' | 'packed';

/** Viewers who see the same and are spoken to in the same way: a frame made for one is made for all. */
export interface Audience {
  readonly viewer: Viewer;
  readonly encoding: Encoding;
}

/** What rides on the socket itself. Rights and filter may be larger than that allows: SQLite has them. */
export interface Attachment {
  id: string;
  /** Epoch milliseconds by which the client must say hello; null once it has. */
  helloByMs: number | null;
  encoding: Encoding;
  window: AckWindow;
}

export interface Connection extends Attachment {
  readonly ws: WebSocket;
  principal: SocketPrincipal;
  /** As the client chose it; null: everything its rights show. */
  filter: RoomFilter | null;
  audience: Audience;
  /** Nothing this viewer sees changed between what it was sent and this sequence number. Memory only. */
  heldThrough: number;
  readonly rate: FrameRate;
  /** A hello that came between two ticks: the next one answers it. */
  greeting: Pick<HelloMessage, 'resume'> | null;
  /** The attachment is older than the window. */
  isDirty: boolean;
  /** Memory was lost before the window was kept: what the client holds is not known, until it has a snapshot. */
  isStale: boolean;
}

/** One object per audience, so that equal viewers are found equal without comparing what they see. */
export class Audiences {
  private readonly known = new Map<string, Audience>();

  of(viewer: Viewer, encoding: Encoding): Audience {
    const key = `${encoding} ${viewer.key}`;
    let audience = this.known.get(key);
    if (!audience) {
      audience = { viewer, encoding };
      this.known.set(key, audience);
    }
    return audience;
  }

  /** Forgets those that nobody belongs to any more, once they are many. */
  prune(inUse: Iterable<{ audience: Audience }>): void {
    if (this.known.size < 256) return;
    const used = new Set<Audience>();
    for (const { audience } of inUse) used.add(audience);
    for (const [key, audience] of this.known) if (!used.has(audience)) this.known.delete(key);
  }
}
