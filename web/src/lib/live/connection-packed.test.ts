import { describe, expect, it } from 'vitest';
import { packDelta, packSnapshot } from '#contracts/live-packed-writer';
import { idOf, liveAlert, liveVehicle } from '../../../test/builders.ts';
import { setUp } from '../../../test/live-line.ts';
import { backoffMs } from './backoff.ts';
import { prefersPacked, rememberedSize, rememberSize } from './fleet-size.ts';

describe('LiveConnection in packed frames', () => {
  const numbers = new Map<string, number>();
  const numberOf = (id: string): number => {
    const number = numbers.get(id) ?? numbers.size;
    numbers.set(id, number);
    return number;
  };
  const vehicles = [
    liveVehicle(1, { lat: 40.1234567, lon: -105.5, speedMph: 61.2, status: 'moving' }),
    liveVehicle(2, { lat: null, lon: null, at: null, make: null }),
  ];
  const frames = (seq: number): Uint8Array[] =>
    packSnapshot({ epoch: 'e', seq }, { vehicles, alerts: [liveAlert(1)] }, numberOf);
  const bytesOf = (frame: Uint8Array | null): Uint8Array => {
    if (frame === null) throw new Error('no frame');
    return frame;
  };
  const move = (prev: number, seq: number): Uint8Array =>
    bytesOf(
      packDelta(
        {
          prev,
          seq,
          vehicles: [{ id: idOf(1), lat: 40.2, at: '2026-11-20T09:00:08.000Z' }],
          removed: [idOf(2)],
          alerts: [],
          alertsClosed: [],
        },
        numberOf,
      ),
    );
  const goLivePacked = async (test: ReturnType<typeof setUp>): Promise<void> => {
    test.connection.start();
    await test.settle();
    test.socket().onopen?.();
    test.welcome(1);
    for (const frame of frames(1)) test.socket().sayBytes(frame);
  };

  it('asks for them, and folds them into the very picture that JSON gives', async () => {
    const test = setUp(undefined, true);
    await goLivePacked(test);
    expect(test.socket().messages[0]).toEqual({ type: 'hello', protocol: 1, encoding: 'packed' });
    expect([...(test.pictures.at(-1)?.vehicles.values() ?? [])]).toEqual(vehicles);
    expect(test.pictures.at(-1)?.alerts.size).toBe(1);
    test.socket().sayBytes(move(1, 2));
    const picture = test.pictures.at(-1);
    expect([...(picture?.vehicles.values() ?? [])]).toEqual([
      { ...vehicles[0], lat: 40.2, at: '2026-11-20T09:00:08.000Z' },
    ]);
    expect(picture?.seq).toBe(2);
  });

  it('resumes on a new line with the numbers that it knows', async () => {
    const test = setUp(undefined, true);
    await goLivePacked(test);
    test.socket().onclose?.({ code: 1006 });
    await test.advance(backoffMs(0, 1));
    test.socket().onopen?.();
    expect(test.socket().messages[0]).toEqual({
      type: 'hello',
      protocol: 1,
      resume: { epoch: 'e', seq: 1 },
      encoding: 'packed',
    });
    test.welcome(3);
    test.socket().sayBytes(move(1, 3));
    expect(test.pictures.at(-1)?.vehicles.get(idOf(1))?.lat).toBe(40.2);
    expect(test.connection.state.kind).toBe('live');
  });

  it('says hello again when a frame does not follow', async () => {
    const test = setUp(undefined, true);
    await goLivePacked(test);
    test.socket().sayBytes(move(5, 6));
    expect(test.socket().messages.at(-1)).toEqual({ type: 'hello', protocol: 1, encoding: 'packed' });
    expect(test.pictures.at(-1)?.seq).toBe(1);
  });

  it.each([
    ['bytes of another format', new Uint8Array(64).fill(9)],
    ['half a frame', frames(2)[0]?.slice(0, 60) ?? new Uint8Array()],
    [
      'a number that was never introduced',
      bytesOf(
        packDelta(
          { prev: 1, seq: 2, vehicles: [{ id: idOf(7), lat: 1 }], removed: [], alerts: [], alertsClosed: [] },
          () => 99,
        ),
      ),
    ],
  ])('goes on in JSON after %s, and loses nothing', async (_name, frame) => {
    const test = setUp(undefined, true);
    await goLivePacked(test);
    test.socket().sayBytes(frame);
    expect(test.socket().messages.at(-1)).toEqual({ type: 'hello', protocol: 1, resume: { epoch: 'e', seq: 1 } });
    test.welcome(2);
    test.socket().say({
      type: 'delta',
      prev: 1,
      seq: 2,
      vehicles: [{ id: idOf(1), lat: 41 }],
      removed: [],
      alerts: [],
      alertsClosed: [],
    });
    expect(test.pictures.at(-1)?.vehicles.get(idOf(1))?.lat).toBe(41);
    expect(test.pictures.at(-1)?.vehicles.size).toBe(2);
  });
});

describe('which encoding', () => {
  it('is packed for what is large or was never seen, JSON for a small fleet', () => {
    expect([null, 0, 500, 501, 5000].map(prefersPacked)).toEqual([true, false, false, true, true]);
  });

  it('follows the size that was last seen, by tenant', () => {
    rememberSize('a', 40);
    rememberSize('b', 5000);
    expect([rememberedSize('a'), rememberedSize('b'), rememberedSize('c')]).toEqual([40, 5000, null]);
    localStorage.setItem('truckiq.fleet-size.a', 'many');
    expect(rememberedSize('a')).toBeNull();
  });
});
