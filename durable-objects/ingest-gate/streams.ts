/**
 * The sockets of gateways that stream. Who stands behind one rides on its attachment and survives hibernation; what waits
 * for an answer is in memory only, because nobody has been told yes to it.
 */
import { closeCode } from '#contracts/live';
import { streamLimits, type StreamServerMessage } from '#contracts/telemetry';
import type { RoomPrincipal, Unwelcome } from '../fleet-room/feed.ts';
import { unwelcomeIn } from '../fleet-room/tickets.ts';

/** Of the principal what ends a stream; the rest could be larger than an attachment may be. */
export type StreamPrincipal = Pick<RoomPrincipal, 'kind' | 'userId' | 'sessionId' | 'accessAsOf' | 'endsAt'>;

/** What waits for an answer on one socket. */
interface Line {
  unanswered: number;
  /** Settles once everything before has been answered: answers keep the order of their batches. */
  tail: Promise<void>;
  busySecondMs: number;
  busy: number;
}

const openState = 1;

export class Streams {
  private readonly ctx: DurableObjectState;
  private readonly lines = new WeakMap<WebSocket, Line>();

  constructor(ctx: DurableObjectState) {
    this.ctx = ctx;
  }

  accept(ws: WebSocket, { kind, userId, sessionId, accessAsOf, endsAt }: StreamPrincipal): void {
    this.ctx.acceptWebSocket(ws);
    ws.serializeAttachment({ kind, userId, sessionId, accessAsOf, endsAt } satisfies StreamPrincipal);
  }

  /** True when this batch is one too many for its socket to wait for. */
  isFull(ws: WebSocket): boolean {
    return this.lineOf(ws).unanswered >= streamLimits.maxUnanswered;
  }

  /** Sends the answer of a batch once there is one and everything before it has been answered. `answer` never rejects. */
  answer(ws: WebSocket, answer: Promise<StreamServerMessage>): void {
    const line = this.lineOf(ws);
    line.unanswered += 1;
    line.tail = line.tail
      .then(() => answer)
      .then((message) => {
        line.unanswered -= 1;
        send(ws, message);
      });
    this.ctx.waitUntil(line.tail);
  }

  /** Answers at once that a batch was not looked at; who goes on sending regardless is closed. */
  refuse(ws: WebSocket, batch: number, retryAfterSeconds: number, nowMs: number): void {
    const line = this.lineOf(ws);
    if (nowMs - line.busySecondMs >= 1_000) {
      line.busySecondMs = nowMs;
      line.busy = 0;
    }
    line.busy += 1;
    if (line.busy > streamLimits.maxBusyPerSecond) close(ws, closeCode.tooManyFrames, 'busy was not heeded');
    else send(ws, { type: 'busy', batch, retryAfterSeconds });
  }

  /** Closes those whose session, key or rights have ended. */
  closeUnwelcome(unwelcome: Unwelcome): number {
    const isUnwelcome = unwelcomeIn(unwelcome);
    return this.closeWhere(isUnwelcome, closeCode.sessionRevoked, 'signed out');
  }

  /** Closes those whose key has run out. */
  closeExpired(nowMs: number): number {
    return this.closeWhere((principal) => endMsOf(principal) <= nowMs, closeCode.sessionRevoked, 'the key has expired');
  }

  closeAll(code: number, reason: string): number {
    return this.closeWhere(() => true, code, reason);
  }

  /** When the next key runs out (epoch milliseconds); Infinity: none does. */
  nextEndMs(): number {
    return Math.min(...this.open().map(({ principal }) => endMsOf(principal)), Infinity);
  }

  private closeWhere(isMeant: (principal: StreamPrincipal) => boolean, code: number, reason: string): number {
    const meant = this.open().filter(({ principal }) => isMeant(principal));
    for (const { ws } of meant) close(ws, code, reason);
    return meant.length;
  }

  private open(): { ws: WebSocket; principal: StreamPrincipal }[] {
    return this.ctx
      .getWebSockets()
      .filter((ws) => ws.readyState === openState)
      .map((ws) => ({ ws, principal: ws.deserializeAttachment() as StreamPrincipal }));
  }

  private lineOf(ws: WebSocket): Line {
    const known = this.lines.get(ws);
    if (known !== undefined) return known;
    const line: Line = { unanswered: 0, tail: Promise.resolve(), busySecondMs: 0, busy: 0 };
    this.lines.set(ws, line);
    return line;
  }
}

/** When what a stream was opened with runs out (epoch milliseconds); Infinity where somebody else ends it. */
export const endMsOf = ({ endsAt }: StreamPrincipal): number =>
  endsAt === undefined || endsAt === null ? Infinity : Date.parse(endsAt);

/** A socket that has gone meanwhile hears nothing: its gateway sends again what was not answered. */
function send(ws: WebSocket, message: StreamServerMessage): void {
  if (ws.readyState === openState) ws.send(JSON.stringify(message));
}

function close(ws: WebSocket, code: number, reason: string): void {
  if (ws.readyState === openState) ws.close(code, reason);
}
