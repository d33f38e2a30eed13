import { describe, expect, it } from 'vitest';
import { closeCode } from '#contracts/live';
import { setUp, ticket } from '../../../test/live-line.ts';
import { backoffMs } from './backoff.ts';

describe('LiveConnection', () => {
  it('says hello without a resume first, and is live with the first snapshot', async () => {
    const { goLive, socket, connection, pictures } = setUp();
    await goLive();
    expect(socket().messages[0]).toEqual({ type: 'hello', protocol: 1 });
    expect(connection.state.kind).toBe('live');
    expect(pictures.at(-1)?.vehicles.size).toBe(1);
  });

  it('resumes from what it holds after a lost line, and is live again when the room has not moved', async () => {
    const { goLive, socket, connection, advance, welcome } = setUp();
    await goLive();
    socket().onclose?.({ code: 1006 });
    expect(connection.state.kind).toBe('reconnecting');
    await advance(backoffMs(0, 1));
    socket().onopen?.();
    expect(socket().messages[0]).toEqual({ type: 'hello', protocol: 1, resume: { epoch: 'e', seq: 1 } });
    welcome(1);
    expect(connection.state.kind).toBe('live');
  });

  it('keeps the picture while the line is away and reads as offline after twelve seconds', async () => {
    let isUp = true;
    const { goLive, socket, connection, advance, pictures } = setUp(() =>
      isUp ? Promise.resolve(ticket) : Promise.reject(new Error('no network')),
    );
    await goLive();
    isUp = false;
    socket().onclose?.({ code: 1006 });
    await advance(11_000);
    expect(connection.state.kind).toBe('reconnecting');
    await advance(2_000);
    expect(connection.state).toEqual({ kind: 'offline', sinceMs: 0 });
    expect(pictures.at(-1)?.vehicles.size).toBe(1);
  });

  it('asks for a fresh snapshot on the same socket when a delta does not follow', async () => {
    const { goLive, socket, sockets, delta } = setUp();
    await goLive();
    delta(5, 6);
    expect(socket().messages.at(-1)).toEqual({ type: 'hello', protocol: 1 });
    expect(sockets).toHaveLength(1);
  });

  it('acknowledges every fifth tick at once, and fewer within a second', async () => {
    const { goLive, socket, delta, advance } = setUp();
    await goLive();
    for (let seq = 2; seq <= 5; seq += 1) delta(seq - 1, seq);
    expect(socket().messages.filter(({ type }) => type === 'ack')).toEqual([{ type: 'ack', seq: 5 }]);
    delta(5, 6);
    await advance(1_000);
    expect(socket().messages.at(-1)).toEqual({ type: 'ack', seq: 6 });
  });

  it.each([
    closeCode.unauthenticated,
    closeCode.forbidden,
    closeCode.protocolMismatch,
    closeCode.sessionRevoked,
    closeCode.displayUnpaired,
  ])('stops for good on close code %i', async (code) => {
    const { goLive, socket, connection, advance, ticketCount } = setUp();
    await goLive();
    socket().onclose?.({ code });
    await advance(120_000);
    expect(connection.state).toMatchObject({ kind: 'ended', code });
    expect(ticketCount()).toBe(1);
  });

  it.each([closeCode.restarting, closeCode.tooSlow, 1006])('comes back after close code %i', async (code) => {
    const { goLive, socket, advance, ticketCount } = setUp();
    await goLive();
    socket().onclose?.({ code });
    await advance(1_000);
    expect(ticketCount()).toBe(2);
  });

  it('gives up a line that does not answer a ping', async () => {
    const { goLive, socket, sockets, advance } = setUp();
    await goLive();
    const first = socket();
    await advance(15_000);
    expect(first.sent).toContain('ping');
    await advance(9_000);
    expect(first.isClosed).toBe(true);
    expect(sockets.length).toBeGreaterThan(1);
  });

  it('keeps a quiet line whose pings are answered', async () => {
    const { goLive, socket, sockets, advance } = setUp();
    await goLive();
    for (let minute = 0; minute < 4; minute += 1) {
      await advance(15_500);
      socket().onmessage?.({ data: 'pong' });
    }
    expect(sockets).toHaveLength(1);
  });

  it('ends when a ticket is refused for good, and waits as long as the server asks otherwise', async () => {
    const refused = setUp(() => Promise.reject('final'));
    refused.connection.start();
    await refused.settle();
    expect(refused.connection.state.kind).toBe('ended');

    const limited = setUp(() => Promise.reject(20));
    limited.connection.start();
    await limited.settle();
    await limited.advance(19_000);
    expect(limited.ticketCount()).toBe(1);
    await limited.advance(1_500);
    expect(limited.ticketCount()).toBe(2);
  });

  it('ignores frames that it does not understand', async () => {
    const { goLive, socket, connection } = setUp();
    await goLive();
    socket().onmessage?.({ data: 'not json' });
    socket().say({ type: 'something_new', value: 1 });
    expect(connection.state.kind).toBe('live');
  });

  it('forgets its picture and everything under way when stopped', async () => {
    const { goLive, socket, connection, advance, sockets } = setUp();
    await goLive();
    connection.stop();
    expect(socket().isClosed).toBe(true);
    await advance(60_000);
    expect(sockets).toHaveLength(1);
    expect(connection.state.kind).toBe('idle');
  });
});

describe('backoffMs', () => {
  it('doubles, stays between half and all of its step, and never passes thirty seconds', () => {
    expect(backoffMs(0, 0)).toBe(250);
    expect(backoffMs(0, 1)).toBe(500);
    expect(backoffMs(3, 1)).toBe(4_000);
    expect(backoffMs(50, 1)).toBe(30_000);
    expect(backoffMs(50, 0)).toBe(15_000);
  });
});
