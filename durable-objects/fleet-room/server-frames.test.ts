import { describe, expect, it } from 'vitest';
import { serverMessageSchema, snapshotMessageSchema } from '#contracts/live';
import type { VehicleFacts } from './feed.ts';
import { PackedReader, readPackedHeader } from '#contracts/live-packed';
import type { Audience, Encoding } from './connection.ts';
import { viewerOf } from './live-view.ts';
import { factsOf, startMs } from '#test/durable-objects/random-world';
import { applyChange, applySeed, closeTick } from './room-feeds.ts';
import { emptyRoom } from './room-state.ts';
import { epochFor, errorFrame, FramesOfTick, snapshotFrames, welcomeFrame } from './server-frames.ts';

const tenantId = '01940000-0000-7000-8000-000000000001';
const vehicleId = '01940000-0000-7000-8000-000000000002';
const facts = (patch: Partial<VehicleFacts> = {}) => factsOf(tenantId, 1, { id: vehicleId, ...patch });

const numberOf = () => 7;
const audienceOf = (encoding: Encoding, ...viewer: Parameters<typeof viewerOf>): Audience => ({
  viewer: viewerOf(...viewer),
  encoding,
});
const everything = { tenantIds: [tenantId], onlyAssignedTo: null };
const text = (frame: unknown): string => (typeof frame === 'string' ? frame : 'null');

function roomAfterOneChange() {
  const room = emptyRoom(tenantId, 'epoch');
  applySeed(room, { sourceTenantId: tenantId, counter: 1, vehicles: [facts()], alerts: [], readings: [] }, startMs);
  closeTick(room);
  const changed = { vehicles: [facts({ riskScore: 77 })], removedVehicleIds: [], alerts: [] };
  applyChange(room, { sourceTenantId: tenantId, counters: [2], ...changed });
  const tick = closeTick(room);
  return { room, frames: new FramesOfTick(room, tick, numberOf) };
}

describe('frames', () => {
  it('are of the contract’s shapes', () => {
    const { room, frames } = roomAfterOneChange();
    const audience = audienceOf('json', everything);
    for (const frame of [
      welcomeFrame(room, audience, startMs),
      errorFrame('VALIDATION_FAILED', 'no'),
      frames.deltaFor(audience, 1, 1),
      frames.resumeFor(audience, 2),
      ...frames.snapshotFor(audience),
    ]) {
      expect(serverMessageSchema.safeParse(JSON.parse(text(frame))).success).toBe(true);
    }
  });

  it('an empty picture is still one part', () => {
    const frames = snapshotFrames({ epoch: 'e', seq: 0 }, { vehicles: [], alerts: [] });
    expect(frames.map((frame) => snapshotMessageSchema.parse(JSON.parse(frame)))).toEqual([
      { type: 'snapshot', epoch: 'e', seq: 0, part: 1, parts: 1, vehicles: [], alerts: [] },
    ]);
  });
});

describe('the frames of a tick', () => {
  it('are made once for an audience that holds the same', () => {
    const { frames } = roomAfterOneChange();
    const audience = audienceOf('packed', everything);
    expect(frames.deltaFor(audience, 1, 1)).toBe(frames.deltaFor(audience, 1, 1));
    expect(frames.deltaFor(audience, 0, 1)).not.toBe(frames.deltaFor(audience, 1, 1));
    expect(frames.resumeFor(audience, 1)).toBe(frames.deltaFor(audience, 1, 1));
    expect(frames.snapshotFor(audience)).toBe(frames.snapshotFor(audience));
  });

  it('say the same in both encodings', () => {
    const { room, frames } = roomAfterOneChange();
    const [json, packed] = [audienceOf('json', everything), audienceOf('packed', everything)];
    const reader = new PackedReader();
    const read = (frame: unknown) => reader.read((frame as Uint8Array<ArrayBuffer>).buffer);
    expect(frames.snapshotFor(packed).map(read)).toEqual(
      frames
        .snapshotFor(json)
        .map((frame) => ({ ...JSON.parse(text(frame)), epoch: epochFor(room, packed) }) as unknown),
    );
    const delta = frames.deltaFor(packed, 1, 1);
    expect(read(delta)).toEqual(JSON.parse(text(frames.deltaFor(json, 1, 1))));
    expect(read(delta)).toMatchObject({ prev: 1, seq: 2, vehicles: [{ id: vehicleId, riskScore: 77 }] });
    expect(readPackedHeader((delta as Uint8Array<ArrayBuffer>).buffer)).toMatchObject({
      kind: 'delta',
      prev: 1,
      seq: 2,
    });
  });

  it('are none for who sees nothing of it, or holds it already; one who comes back is told so', () => {
    const { frames } = roomAfterOneChange();
    const others = audienceOf('json', { tenantIds: ['b'], onlyAssignedTo: null });
    expect(frames.deltaFor(others, 1, 1)).toBeNull();
    expect(frames.deltaFor(audienceOf('json', { ...everything, onlyAssignedTo: 'driver' }), 1, 1)).toBeNull();
    expect(frames.deltaFor(audienceOf('json', everything), 1, 2)).toBeNull();
    expect(JSON.parse(text(frames.resumeFor(others, 1)))).toMatchObject({ prev: 1, seq: 2, vehicles: [], removed: [] });
  });

  it('tells rights, filter and encoding apart in the epoch', () => {
    const { room } = roomAfterOneChange();
    const epochs = [
      audienceOf('json', everything),
      audienceOf('packed', everything),
      audienceOf('json', everything, { riskLevels: [] }),
      audienceOf('json', everything, { riskLevels: ['high'] }),
      audienceOf('json', everything, { vehicleIds: [vehicleId] }),
      audienceOf('json', { ...everything, onlyAssignedTo: 'driver' }),
      audienceOf('json', { ...everything, tenantIds: [] }),
    ].map((audience) => epochFor(room, audience));
    expect(new Set(epochs).size).toBe(epochs.length);
    expect(viewerOf({ tenantIds: ['b', 'a', 'b'], onlyAssignedTo: null }).key).toBe(
      viewerOf({ tenantIds: ['a', 'b'], onlyAssignedTo: null }).key,
    );
  });
});
