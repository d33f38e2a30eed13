/**
 * One live connection: ticket → socket → hello → snapshot or resume → acks and pings, and back again when it is lost.
 * The picture is kept while the connection is away; only its age grows. Everything outside comes in as an effect.
 */
import {
  liveProtocolVersion,
  mayReconnect,
  serverMessageSchema,
  type ClientMessage,
  type CommandMessage,
  type LiveTicket,
  type ServerMessage,
} from '#contracts/live';
import { PackedReader } from '#contracts/live-packed';
import { backoffMs } from './backoff.ts';
import { emptyFolding, fold, type Folding, type LivePicture } from './fold.ts';

/** The server stops at ten unacknowledged ticks; half of that leaves room for one on the wire. */
const ackEveryTicks = 5;
const ackWithinMs = 1_000;
const pingEveryMs = 15_000;
/** A ping unanswered for this long means that the line is dead, whatever the socket says. */
const pongWithinMs = 8_000;
/** A ticket or a socket that takes longer than this is given up. */
const openWithinMs = 15_000;
/** Lost for longer than this reads as offline rather than as a hiccup. */
const offlineAfterMs = 12_000;

export type LiveState =
  | { kind: 'idle' }
  | { kind: 'connecting'; sinceMs: number }
  | { kind: 'live'; sinceMs: number }
  | { kind: 'reconnecting'; sinceMs: number }
  | { kind: 'offline'; sinceMs: number }
  /** Trying again cannot help: the session is over or may not look. */
  | { kind: 'ended'; sinceMs: number; code: number };

/** What a browser's WebSocket offers, as far as it is used here. */
export interface LiveSocket {
  onopen: (() => void) | null;
  /** Text, or packed frames as an ArrayBuffer. */
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number }) => void) | null;
  send(frame: string): void;
  close(code?: number): void;
}

export interface LiveEffects {
  /** Throws when there is no ticket; `isFinal` says whether the refusal will stay. */
  openTicket: () => Promise<LiveTicket>;
  isFinal: (thrown: unknown) => boolean;
  /** Seconds the server asked to wait, when it did. */
  waitSeconds: (thrown: unknown) => number | null;
  openSocket: (url: string) => LiveSocket;
  /** Whether snapshots and deltas shall come as packed bytes: worth it for all but small fleets. */
  prefersPacked: () => boolean;
  nowMs: () => number;
  random: () => number;
  /** Runs `work` once after `delayMs`; the answer cancels it. */
  after: (delayMs: number, work: () => void) => () => void;
}

export interface LiveListener {
  onState: (state: LiveState) => void;
  /** After every applied snapshot or delta. */
  onPicture: (picture: LivePicture) => void;
  /** Any frame at all: the picture is confirmed as of now. */
  onHeard: (nowMs: number) => void;
  onNotice: (level: 'info' | 'warning' | 'error', message: string) => void;
  /** The server has taken the hello: from now on `say` is heard. */
  onWelcome?: () => void;
  /** Told to wall displays only. */
  onCommand?: (command: CommandMessage) => void;
}

export class LiveConnection {
  #state: LiveState = { kind: 'idle' };
  #folding: Folding = emptyFolding;
  /** Knows which number stands for which vehicle, as long as the picture is held; null: JSON is spoken. */
  #packed: PackedReader | null = null;
  #socket: LiveSocket | null = null;
  #attempt = 0;
  #unacknowledged = 0;
  #lostSinceMs: number | null = null;
  /** Grows with every new try; an answer that belongs to an older one is dropped. */
  #generation = 0;
  #cancels = new Map<'retry' | 'offline' | 'ack' | 'ping' | 'pong' | 'open', () => void>();
  readonly #effects: LiveEffects;
  readonly #listener: LiveListener;

  constructor(effects: LiveEffects, listener: LiveListener) {
    this.#effects = effects;
    this.#listener = listener;
  }

  get state(): LiveState {
    return this.#state;
  }

  start(): void {
    if (this.#state.kind !== 'idle') return;
    this.#lostSinceMs = this.#effects.nowMs();
    this.#packed = this.#effects.prefersPacked() ? new PackedReader() : null;
    this.#setState({ kind: 'connecting', sinceMs: this.#lostSinceMs });
    this.#armOffline();
    void this.#open();
  }

  /** Ends the connection and forgets the picture. */
  stop(): void {
    this.#generation += 1;
    this.#cancelAll();
    this.#detach(1000);
    this.#folding = emptyFolding;
    this.#attempt = 0;
    this.#setState({ kind: 'idle' });
  }

  /** A word of one's own (a display's heartbeat); lost while there is no socket. */
  say(message: ClientMessage): void {
    this.#send(message);
  }

  /** Does not wait for the back-off: the network has come back or the screen has woken. */
  retryNow(): void {
    if (!this.#cancels.has('retry')) return;
    this.#cancel('retry');
    void this.#open();
  }

  async #open(): Promise<void> {
    const generation = ++this.#generation;
    const isCurrent = (): boolean => generation === this.#generation;
    this.#schedule('open', openWithinMs, () => {
      if (isCurrent()) this.#lost(null);
    });
    let ticket: LiveTicket;
    try {
      ticket = await this.#effects.openTicket();
    } catch (thrown) {
      if (!isCurrent()) return;
      if (this.#effects.isFinal(thrown)) this.#end(4401);
      else this.#lost(this.#effects.waitSeconds(thrown));
      return;
    }
    if (!isCurrent()) return;
    const socket = this.#effects.openSocket(ticket.url);
    this.#socket = socket;
    socket.onopen = () => {
      if (isCurrent()) this.#hello(true);
    };
    socket.onmessage = (event) => {
      if (!isCurrent()) return;
      if (typeof event.data === 'string') this.#receive(event.data);
      else if (event.data instanceof ArrayBuffer) this.#receivePacked(event.data);
    };
    socket.onclose = (event) => {
      if (!isCurrent()) return;
      if (mayReconnect(event.code)) this.#lost(null);
      else this.#end(event.code);
    };
  }

  #hello(mayResume: boolean): void {
    const { picture } = this.#folding;
    this.#unacknowledged = 0;
    const resume = mayResume && picture.epoch !== null ? { epoch: picture.epoch, seq: picture.seq } : null;
    this.#send({
      type: 'hello',
      protocol: liveProtocolVersion,
      ...(resume === null ? {} : { resume }),
      ...(this.#packed === null ? {} : { encoding: 'packed' }),
    });
  }

  #receive(frame: string): void {
    this.#cancel('pong');
    this.#listener.onHeard(this.#effects.nowMs());
    if (frame === 'pong') return;
    let parsed: unknown;
    try {
      parsed = JSON.parse(frame);
    } catch {
      return;
    }
    const message = serverMessageSchema.safeParse(parsed);
    // A kind of message that this build does not know is none of its business.
    if (message.success) this.#take(message.data);
  }

  #receivePacked(frame: ArrayBuffer): void {
    this.#cancel('pong');
    this.#listener.onHeard(this.#effects.nowMs());
    if (this.#packed === null) return;
    let message: ServerMessage;
    try {
      message = this.#packed.read(frame);
    } catch {
      // Bytes that this build cannot read it will not learn to read: the rest of this connection's life is JSON.
      this.#packed = null;
      this.#hello(true);
      return;
    }
    this.#take(message);
  }

  #take(message: ServerMessage): void {
    if (message.type === 'notice') this.#listener.onNotice(message.level, message.message);
    if (message.type === 'command') this.#listener.onCommand?.(message);
    const outcome = fold(this.#folding, message);
    this.#folding = outcome.folding;
    if (outcome.kind === 'out_of_step') {
      this.#hello(false);
      return;
    }
    if (message.type === 'welcome') this.#welcomed(message.seq);
    if (outcome.kind === 'applied') {
      this.#listener.onPicture(outcome.folding.picture);
      this.#acknowledgeSoon();
      this.#becomeLive();
    }
  }

  /** A resume at the room's own seq brings no delta: what is held is already the present. */
  #welcomed(roomSeq: number): void {
    this.#cancel('open');
    this.#armPing();
    this.#listener.onWelcome?.();
    const { picture, roomEpoch } = this.#folding;
    if (picture.epoch !== null && picture.epoch === roomEpoch && picture.seq === roomSeq) this.#becomeLive();
  }

  #becomeLive(): void {
    this.#attempt = 0;
    this.#lostSinceMs = null;
    this.#cancel('offline');
    this.#cancel('open');
    if (this.#state.kind !== 'live') this.#setState({ kind: 'live', sinceMs: this.#effects.nowMs() });
  }

  #acknowledgeSoon(): void {
    this.#unacknowledged += 1;
    if (this.#unacknowledged >= ackEveryTicks) this.#acknowledge();
    else if (!this.#cancels.has('ack')) this.#schedule('ack', ackWithinMs, () => this.#acknowledge());
  }

  #acknowledge(): void {
    this.#cancel('ack');
    this.#unacknowledged = 0;
    this.#send({ type: 'ack', seq: this.#folding.picture.seq });
  }

  #armPing(): void {
    this.#schedule('ping', pingEveryMs, () => {
      this.#socket?.send('ping');
      this.#schedule('pong', pongWithinMs, () => this.#lost(null));
      this.#armPing();
    });
  }

  #lost(waitSeconds: number | null): void {
    this.#generation += 1;
    this.#detach(1000);
    for (const name of ['open', 'ack', 'ping', 'pong'] as const) this.#cancel(name);
    this.#folding = { ...this.#folding, underway: null };
    if (this.#lostSinceMs === null) {
      this.#lostSinceMs = this.#effects.nowMs();
      this.#setState({ kind: 'reconnecting', sinceMs: this.#lostSinceMs });
      this.#armOffline();
    }
    const delayMs = Math.max(backoffMs(this.#attempt, this.#effects.random()), (waitSeconds ?? 0) * 1000);
    this.#attempt += 1;
    this.#schedule('retry', delayMs, () => void this.#open());
  }

  #armOffline(): void {
    this.#schedule('offline', offlineAfterMs, () => {
      if (this.#lostSinceMs !== null) this.#setState({ kind: 'offline', sinceMs: this.#lostSinceMs });
    });
  }

  #end(code: number): void {
    this.#generation += 1;
    this.#cancelAll();
    this.#detach(1000);
    this.#setState({ kind: 'ended', sinceMs: this.#lostSinceMs ?? this.#effects.nowMs(), code });
  }

  #detach(code: number): void {
    const socket = this.#socket;
    this.#socket = null;
    if (socket === null) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close(code);
  }

  #send(message: ClientMessage): void {
    this.#socket?.send(JSON.stringify(message));
  }

  #setState(state: LiveState): void {
    this.#state = state;
    this.#listener.onState(state);
  }

  #schedule(name: 'retry' | 'offline' | 'ack' | 'ping' | 'pong' | 'open', delayMs: number, work: () => void): void {
    this.#cancel(name);
    this.#cancels.set(
      name,
      this.#effects.after(delayMs, () => {
        this.#cancels.delete(name);
        work();
      }),
    );
  }

  #cancel(name: 'retry' | 'offline' | 'ack' | 'ping' | 'pong' | 'open'): void {
    this.#cancels.get(name)?.();
    this.#cancels.delete(name);
  }

  #cancelAll(): void {
    for (const cancel of this.#cancels.values()) cancel();
    this.#cancels.clear();
  }
}
