/** Whatever a client sends: the documented close code, never an exception, and nothing for the neighbours to notice. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { closeCode, liveLimits } from '#contracts/live';
import { changeOf, newRoom, seedOf, truck, uuid, who } from '#test/durable-objects/room-builders';
import { connect, openWith, type RoomClient } from '#test/durable-objects/room-client';
import type { FleetRoomStub } from '#durable-objects/stubs';

const megabyte = 1024 * 1024;
const deep = (open: string, close: string, depth: number) => open.repeat(depth) + close.repeat(depth);
const hello = { type: 'hello', protocol: 1 };

type Sent = string | ArrayBuffer | object;

async function throwAt(room: FleetRoomStub, tenantId: string, frames: readonly Sent[]): Promise<RoomClient> {
  const client = await openWith(room, (await room.issueTicket(who([tenantId]))).ticket, false);
  for (const frame of frames) client.send(frame);
  return client;
}

/** A room with two clients that behave, and a check that they were not touched. */
async function neighbourhood() {
  const { tenantId, room } = newRoom();
  await room.seed(seedOf(tenantId, [truck(tenantId, 1)]));
  const neighbours = [
    await connect(room, who([tenantId])),
    await connect(room, who([tenantId], { userId: 'user-2' }), { encoding: 'packed' }),
  ];
  for (const one of neighbours) await one.untilSnapshot();
  let counter = 10;
  const stillWell = async () => {
    counter += 1;
    await room.applyChange(changeOf(tenantId, counter, { vehicles: [truck(tenantId, 1, { riskScore: counter })] }));
    for (const one of neighbours) {
      await one.until(() => one.picture.vehicles.get(uuid(1))?.riskScore === counter);
      expect(one.closed).toBeNull();
      expect(one.of('snapshot')).toHaveLength(1);
    }
  };
  return { tenantId, room, stillWell };
}

describe('a bad frame', () => {
  it.each<[string, Sent[], number]>([
    ['a megabyte of text', [hello, 'x'.repeat(megabyte)], closeCode.frameTooLarge],
    ['a megabyte of bytes', [hello, new ArrayBuffer(megabyte)], closeCode.frameTooLarge],
    ['a megabyte instead of a hello', [new ArrayBuffer(megabyte)], closeCode.frameTooLarge],
    ['a few bytes', [hello, new Uint8Array([0, 1, 2, 255]).buffer], closeCode.badFrame],
    ['a packed frame, as the server sends them', [hello, new ArrayBuffer(36)], closeCode.badFrame],
    ['no bytes', [hello, new ArrayBuffer(0)], closeCode.badFrame],
    ['no text', [hello, ''], closeCode.badFrame],
    ['an unknown type', [hello, { type: 'dance' }], closeCode.badFrame],
    ['a message of the server', [hello, { type: 'delta', seq: 1, prev: 0, vehicles: [] }], closeCode.badFrame],
    ['an ack from the future', [hello, { type: 'ack', seq: 9_007_199_254_740_991 }], closeCode.badFrame],
    ['an ack beyond every whole number', [hello, '{"type":"ack","seq":1e400}'], closeCode.badFrame],
    ['an ack without a hello', ['{"type":"ack","seq":0}'], closeCode.badFrame],
    [
      'a heartbeat without a hello',
      [{ type: 'heartbeat', build: '1', uptimeSeconds: 1, viewport: '1' }],
      closeCode.badFrame,
    ],
    ['NUL bytes', [hello, '\u0000\u0000'], closeCode.badFrame],
    ['a NUL where a number stands', [hello, '{"type":"ack","seq":\u0000}'], closeCode.badFrame],
    ['arrays within arrays', [hello, deep('[', ']', 8_000)], closeCode.badFrame],
    ['objects within objects', [hello, `${'{"a":'.repeat(2_700)}1${'}'.repeat(2_700)}`], closeCode.badFrame],
    [
      'a prototype',
      [hello, '{"type":"filter","filter":{"__proto__":{"tenantIds":[]},"constructor":1}}'],
      closeCode.badFrame,
    ],
    ['another protocol', [{ ...hello, protocol: 2 }], closeCode.protocolMismatch],
    ['an unknown encoding', [{ ...hello, encoding: 'zip' }], closeCode.badFrame],
    ['a flood of hellos', Array.from({ length: 30 }, () => hello), closeCode.tooManyFrames],
  ])('%s has its code', async (_, frames, code) => {
    const { tenantId, room, stillWell } = await neighbourhood();
    const client = await throwAt(room, tenantId, frames);
    expect(await client.untilClosed()).toBe(code);
    await stillWell();
    expect((await room.status()).sockets).toBe(2);
  });

  it('of any other kind ends in a documented code or in an answer, hundreds of them beside two that behave', async () => {
    const { tenantId, room, stillWell } = await neighbourhood();
    const json = fc.json({ maxDepth: 4 });
    const nearly = fc.record(
      {
        type: fc.constantFrom('hello', 'ack', 'filter', 'heartbeat', 'ping', 'x', null),
        protocol: fc.constantFrom(1, 1, 1, 2, '1', 1.5),
        seq: fc.oneof(fc.integer(), fc.double(), fc.constant(0)),
        filter: fc.oneof(fc.object({ maxDepth: 2 }), fc.constant({}), fc.constant({ riskLevels: ['low', 'x'] })),
        resume: fc.oneof(fc.record({ epoch: fc.string(), seq: fc.nat() }), fc.anything({ maxDepth: 1 })),
        encoding: fc.constantFrom('packed', 'json', 1),
        build: fc.string({ maxLength: 200 }),
        uptimeSeconds: fc.double(),
        viewport: fc.oneof(fc.string(), fc.record({ width: fc.integer(), height: fc.integer() })),
      },
      { requiredKeys: ['type'] },
    );
    const frame: fc.Arbitrary<Sent> = fc.oneof(
      fc.uint8Array({ maxLength: 64 }).map((bytes) => bytes.slice().buffer),
      fc.string({ maxLength: 100 }),
      json,
      json.map((text) => text.slice(1)),
      nearly.map(
        (message) => JSON.stringify(message, (_key, value: unknown) => (typeof value === 'bigint' ? 1 : value)) ?? '',
      ),
      fc.integer({ min: 1, max: 3 }).map((times) => 'y'.repeat(times * liveLimits.maxFrameBytes)),
    );
    const attacks = fc.sample(fc.tuple(fc.boolean(), fc.array(frame, { minLength: 1, maxLength: 12 })), 120);
    const codes = new Set<number>(Object.values(closeCode));
    let sent = 0;
    for (const [saysHello, frames] of attacks) {
      const client = await throwAt(room, tenantId, saysHello ? [hello, ...frames] : frames);
      sent += frames.length;
      // Everything before it has been judged once this is answered, in words or by the close.
      client.send({ type: 'filter', filter: { groupId: uuid(9) } });
      await client.until(() => client.closed !== null || client.of('error').length > 0);
      if (client.closed) expect(codes.has(client.closed.code), `${client.closed.code}`).toBe(true);
      else client.close();
    }
    expect(sent).toBeGreaterThan(300);
    await stillWell();
  });
});
