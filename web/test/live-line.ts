/** A live connection whose clock, tickets and sockets the test holds. */
import type { LiveTicket } from '#contracts/live';
import { LiveConnection, type LiveSocket, type LiveState } from '../src/lib/live/connection.ts';
import type { LivePicture } from '../src/lib/live/fold.ts';
import { liveVehicle } from './builders.ts';

export class FakeSocket implements LiveSocket {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  sent: string[] = [];
  isClosed = false;
  send(frame: string): void {
    this.sent.push(frame);
  }
  close(): void {
    this.isClosed = true;
  }
  say(message: object): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
  sayBytes(frame: Uint8Array): void {
    this.onmessage?.({ data: frame.buffer });
  }
  get messages(): Record<string, unknown>[] {
    return this.sent.filter((frame) => frame !== 'ping').map((frame) => JSON.parse(frame) as Record<string, unknown>);
  }
}

export const ticket: LiveTicket = { ticket: 't', expiresIn: 30, url: 'ws://x/live?ticket=t' };

export function setUp(openTicket: () => Promise<LiveTicket> = () => Promise.resolve(ticket), isPacked = false) {
  let nowMs = 0;
  let timers: { atMs: number; work: () => void }[] = [];
  const sockets: FakeSocket[] = [];
  const states: LiveState[] = [];
  const pictures: LivePicture[] = [];
  let tickets = 0;
  const connection = new LiveConnection(
    {
      openTicket: () => {
        tickets += 1;
        return openTicket();
      },
      isFinal: (thrown) => thrown === 'final',
      waitSeconds: (thrown) => (typeof thrown === 'number' ? thrown : null),
      openSocket: () => {
        const socket = new FakeSocket();
        sockets.push(socket);
        return socket;
      },
      prefersPacked: () => isPacked,
      nowMs: () => nowMs,
      random: () => 1,
      after: (delayMs, work) => {
        const timer = { atMs: nowMs + delayMs, work };
        timers.push(timer);
        return () => {
          timers = timers.filter((other) => other !== timer);
        };
      },
    },
    {
      onState: (state) => states.push(state),
      onPicture: (picture) => pictures.push(picture),
      onHeard: () => {},
      onNotice: () => {},
    },
  );
  const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));
  const advance = async (byMs: number): Promise<void> => {
    const untilMs = nowMs + byMs;
    for (;;) {
      const next = timers.filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined) break;
      nowMs = next.atMs;
      timers = timers.filter((timer) => timer !== next);
      next.work();
      await settle();
    }
    nowMs = untilMs;
  };
  const socket = (): FakeSocket => {
    const last = sockets.at(-1);
    if (last === undefined) throw new Error('no socket was opened');
    return last;
  };
  const welcome = (seq: number, epoch = 'e'): void =>
    socket().say({ type: 'welcome', protocol: 1, epoch, seq, tickMs: 250, serverTime: '2026-11-20T09:00:00.000Z' });
  const snapshot = (seq: number): void =>
    socket().say({ type: 'snapshot', epoch: 'e', seq, part: 1, parts: 1, vehicles: [liveVehicle(1)], alerts: [] });
  const delta = (prev: number, seq: number): void =>
    socket().say({ type: 'delta', prev, seq, vehicles: [], removed: [], alerts: [], alertsClosed: [] });
  const goLive = async (): Promise<void> => {
    connection.start();
    await settle();
    socket().onopen?.();
    welcome(1);
    snapshot(1);
  };
  return {
    connection,
    states,
    pictures,
    sockets,
    socket,
    settle,
    advance,
    welcome,
    snapshot,
    delta,
    goLive,
    ticketCount: () => tickets,
  };
}
