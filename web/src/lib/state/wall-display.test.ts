import { describe, expect, it } from 'vitest';
import type { OwnBoard } from '#contracts/displays';
import { ApiFailure, networkFailure } from '../api/failure.ts';
import type { Wall } from '../board/wall.ts';
import { settingOf } from '../board/wall.ts';
import type { LiveSocket } from '../live/connection.ts';
import { idOf, liveVehicle, tenantId } from '../../../test/builders.ts';
import { identifyMs, WallDisplay } from './wall-display.svelte.ts';

const own = (rest: Partial<OwnBoard['display']> = {}): OwnBoard => ({
  display: { id: idOf(1), name: 'Bay 3', layout: 'attention', locationName: 'North shop', isAsleep: false, ...rest },
  tenant: { id: tenantId, name: 'Summit', timeZone: 'America/Denver', units: 'us' },
  linkedTenants: [],
  reasons: {},
  inbound: [],
});
const refused = (code: 'TOKEN_REVOKED' | 'UNAUTHENTICATED' | 'USER_TOKENS_REVOKED' | 'FORBIDDEN', status = 401) =>
  new ApiFailure({ code, status, message: code });
const keptWall: Wall = {
  asOfMs: 5,
  setting: settingOf(own()),
  picture: { epoch: null, seq: 0, vehicles: new Map([[idOf(7), liveVehicle(7)]]), alerts: new Map() },
};

class FakeSocket implements LiveSocket {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  sent: Record<string, unknown>[] = [];
  send(frame: string): void {
    if (frame !== 'ping') this.sent.push(JSON.parse(frame) as Record<string, unknown>);
  }
  close(): void {}
  say(message: object): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
}

function setUp(readOwn: () => Promise<OwnBoard | null> = () => Promise.resolve(own()), kept: Wall | null = null) {
  let nowMs = 1_000_000;
  let timers: { atMs: number; work: () => void }[] = [];
  const sockets: FakeSocket[] = [];
  const walls: Wall[] = [];
  const did: string[] = [];
  const asks = { own: 0 };
  const display = new WallDisplay({
    readOwn: () => {
      asks.own += 1;
      return readOwn();
    },
    openTicket: () => Promise.resolve({ ticket: 't', expiresIn: 30, url: 'ws://x' }),
    openSocket: () => {
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket;
    },
    prefersPacked: () => false,
    onSize: () => {},
    health: () => ({ build: '1', uptimeSeconds: nowMs / 1000, viewport: '1920×1080', lastError: null }),
    readKept: () => Promise.resolve(kept),
    keep: (wall) => walls.push(wall),
    onUnpaired: () => did.push('unpaired'),
    onReload: () => did.push('reload'),
    onOutdated: () => did.push('outdated'),
    onTrouble: () => {},
    nowMs: () => nowMs,
    random: () => 0.5,
    after: (delayMs, work) => {
      const timer = { atMs: nowMs + delayMs, work };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
  });
  const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));
  const socket = (): FakeSocket => {
    const last = sockets.at(-1);
    if (last === undefined) throw new Error('no socket');
    return last;
  };
  return {
    display,
    sockets,
    walls,
    did,
    asks,
    settle,
    socket,
    beats: () => socket().sent.filter(({ type }) => type === 'heartbeat').length,
    async advance(byMs: number): Promise<void> {
      const untilMs = nowMs + byMs;
      for (;;) {
        const due = timers.filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0];
        if (due === undefined) break;
        nowMs = due.atMs;
        timers = timers.filter((timer) => timer !== due);
        due.work();
        await settle();
      }
      nowMs = untilMs;
    },
    async goLive(): Promise<void> {
      await display.start();
      await settle();
      await settle();
      const line = socket();
      line.onopen?.();
      line.say({
        type: 'welcome',
        protocol: 1,
        epoch: 'e',
        seq: 1,
        tickMs: 250,
        serverTime: '2026-11-20T09:00:00.000Z',
      });
      line.say({ type: 'snapshot', epoch: 'e', seq: 1, part: 1, parts: 1, vehicles: [liveVehicle(1)], alerts: [] });
    },
    command(command: string, args?: object): void {
      socket().say({ type: 'command', id: idOf(5), command, ...(args === undefined ? {} : { args }) });
    },
  };
}

describe('a paired screen', () => {
  it('shows what was kept, then the live picture; keeps that soon, and says at once that it lives', async () => {
    const wall = setUp(undefined, keptWall);
    await wall.display.start();
    expect(wall.display.wall).toEqual(keptWall);
    await wall.goLive();
    expect([...(wall.display.wall?.picture.vehicles.keys() ?? [])]).toEqual([idOf(1)]);
    expect(wall.beats()).toBe(1);
    expect(wall.socket().sent[0]).toMatchObject({ type: 'hello' });
    await wall.advance(2_000);
    expect(wall.walls).toHaveLength(1);
    // Pongs keep the line open.
    for (let beat = 0; beat < 6; beat += 1) {
      await wall.advance(15_000);
      wall.socket().onmessage?.({ data: 'pong' });
    }
    expect(wall.beats()).toBe(4);
    expect(wall.walls.length).toBe(2);
  });

  it('is drawn once a second, however fast deltas come', async () => {
    const wall = setUp();
    await wall.goLive();
    const before = wall.display.wall;
    for (let seq = 1; seq < 20; seq += 1) {
      wall
        .socket()
        .say({ type: 'delta', prev: seq, seq: seq + 1, vehicles: [], removed: [], alerts: [], alertsClosed: [] });
    }
    expect(wall.display.wall).toBe(before);
    await wall.advance(1_000);
    expect(wall.display.wall?.picture.seq).toBe(20);
  });

  it('obeys commands', async () => {
    const wall = setUp();
    await wall.goLive();
    wall.command('identify');
    expect(wall.display.isIdentifying).toBe(true);
    await wall.advance(identifyMs);
    expect(wall.display.isIdentifying).toBe(false);
    wall.command('layout', { layout: 'map' });
    expect(wall.display.own?.display.layout).toBe('map');
    expect(wall.walls.at(-1)?.setting.layout).toBe('map');
    wall.command('sleep');
    expect(wall.display.isAsleep).toBe(true);
    wall.command('wake');
    expect(wall.display.isAsleep).toBe(false);
    wall.command('dance');
    wall.command('reload');
    expect(wall.did).toEqual(['reload']);
  });

  it('asks what it is before each connect: what was changed meanwhile holds', async () => {
    let answer: OwnBoard | null = own();
    const wall = setUp(() => Promise.resolve(answer));
    await wall.goLive();
    answer = own({ layout: 'alerts', isAsleep: true });
    wall.socket().onclose?.({ code: 1006 });
    await wall.advance(1_000);
    expect(wall.asks.own).toBe(2);
    expect([wall.display.own?.display.layout, wall.display.isAsleep]).toEqual(['alerts', true]);
    answer = null;
    wall.socket().onclose?.({ code: 1006 });
    await wall.advance(5_000);
    expect(wall.display.own?.display.layout).toBe('alerts');
  });

  it('forgets who it was when it is unpaired: by the socket, by a refused question', async () => {
    const bySocket = setUp();
    await bySocket.goLive();
    bySocket.socket().onclose?.({ code: 4411 });
    expect(bySocket.did).toEqual(['unpaired']);
    for (const code of ['TOKEN_REVOKED', 'UNAUTHENTICATED'] as const) {
      const wall = setUp(() => Promise.reject(refused(code)));
      await wall.display.start();
      await wall.settle();
      expect(wall.did).toEqual(['unpaired']);
    }
  });

  it('keeps its token through everything else, also a refusal that is not the API’s own', async () => {
    for (const thrown of [
      networkFailure(),
      refused('USER_TOKENS_REVOKED'),
      refused('FORBIDDEN', 403),
      new ApiFailure({ code: 'MALFORMED', status: 401, message: 'a proxy asks for a sign-in' }),
    ]) {
      const wall = setUp(() => Promise.reject(thrown), keptWall);
      await wall.display.start();
      await wall.advance(3_600_000);
      expect(wall.did).toEqual([]);
      expect(wall.display.wall).toEqual(keptWall);
    }
  });

  it('says that the organisation is suspended, looks again seldom, and comes back by itself', async () => {
    let isSuspended = false;
    const wall = setUp(() => (isSuspended ? Promise.reject(refused('USER_TOKENS_REVOKED')) : Promise.resolve(own())));
    await wall.goLive();
    isSuspended = true;
    wall.socket().onclose?.({ code: 4410 });
    expect(wall.display.trouble).toContain('suspended');
    const before = wall.asks.own;
    await wall.advance(30 * 60_000);
    expect(wall.asks.own - before).toBe(3);
    isSuspended = false;
    await wall.advance(10 * 60_000);
    expect(wall.display.trouble).toBeNull();
    expect(wall.sockets).toHaveLength(2);
  });

  it('asks again soon after a ticket that came too late, and for a new build when it is too old to talk', async () => {
    const late = setUp();
    await late.goLive();
    late.socket().onclose?.({ code: 4401 });
    await late.advance(10_000);
    expect(late.sockets).toHaveLength(2);
    expect(late.did).toEqual([]);
    const old = setUp();
    await old.goLive();
    old.socket().onclose?.({ code: 4409 });
    expect(old.did).toEqual(['outdated']);
    expect(old.display.trouble).toContain('new version');
  });

  it('asks for the words of a truck that came since, but not all the time', async () => {
    const wall = setUp();
    await wall.goLive();
    for (let seq = 1; seq < 30; seq += 1) {
      wall.socket().say({
        ...{ type: 'delta', prev: seq, seq: seq + 1, removed: [], alerts: [], alertsClosed: [] },
        vehicles: [{ id: idOf(1), riskLevel: 'high', riskScore: 60 }],
      });
      await wall.advance(1_000);
    }
    expect(wall.asks.own).toBe(2);
  });

  it('leaves nothing running when it is stopped', async () => {
    const wall = setUp();
    await wall.goLive();
    wall.display.stop();
    const { own: before } = wall.asks;
    await wall.advance(3_600_000);
    expect(wall.asks.own).toBe(before);
    expect(wall.beats()).toBe(1);
  });
});
