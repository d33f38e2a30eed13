import { describe, expect, it } from 'vitest';
import { serverMessageSchema, snapshotMessageSchema } from '#contracts/live';
import type { VehicleFacts } from './feed.ts';
import { viewerOf } from './live-view.ts';
import { factsOf, startMs } from '#test/durable-objects/random-world';
import { applyChange, applySeed, closeTick } from './room-feeds.ts';
import { emptyRoom } from './room-state.ts';
import { DeltaRound, epochFor, errorFrame, snapshotFrames, welcomeFrame } from './server-frames.ts';

const tenantId = '01940000-0000-7000-8000-000000000001';
const vehicleId = '01940000-0000-7000-8000-000000000002';
const facts = (patch: Partial<VehicleFacts> = {}) => factsOf(tenantId, 1, { id: vehicleId, ...patch });

function roomAfterOneChange() {
  const room = emptyRoom(tenantId, 'epoch');
  applySeed(room, { sourceTenantId: tenantId, counter: 1, vehicles: [facts()], alerts: [], readings: [] }, startMs);
  closeTick(room);
  const changed = { vehicles: [facts({ riskScore: 77 })], removedVehicleIds: [], alerts: [] };
  applyChange(room, { sourceTenantId: tenantId, counters: [2], ...changed });
  const tick = closeTick(room);
  return { room, round: new DeltaRound(room, tick) };
}

describe('frames', () => {
  it('are of the contract’s shapes', () => {
    const { room, round } = roomAfterOneChange();
    const viewer = viewerOf({ tenantIds: [tenantId], onlyAssignedTo: null });
    for (const frame of [
      welcomeFrame(room, viewer, startMs),
      errorFrame('VALIDATION_FAILED', 'no'),
      round.frameFor(viewer, 1, 1),
    ]) {
      expect(serverMessageSchema.safeParse(JSON.parse(frame ?? 'null')).success).toBe(true);
    }
  });

  it('an empty picture is still one part', () => {
    const frames = snapshotFrames({ epoch: 'e', seq: 0 }, { vehicles: [], alerts: [] });
    expect(frames.map((frame) => snapshotMessageSchema.parse(JSON.parse(frame)))).toEqual([
      { type: 'snapshot', epoch: 'e', seq: 0, part: 1, parts: 1, vehicles: [], alerts: [] },
    ]);
  });
});

describe('a round', () => {
  it('serialises once for viewers who see and hold the same', () => {
    const { room, round } = roomAfterOneChange();
    const one = viewerOf({ tenantIds: [tenantId, 'b'], onlyAssignedTo: null });
    const same = viewerOf({ tenantIds: ['b', tenantId, 'b'], onlyAssignedTo: null });
    expect(same.key).toBe(one.key);
    expect(epochFor(room, same)).toBe(epochFor(room, one));
    expect(round.frameFor(one, 1, 1)).toBe(round.frameFor(same, 1, 1));
    expect(JSON.parse(round.frameFor(one, 1, 1) ?? '')).toMatchObject({
      prev: 1,
      seq: 2,
      vehicles: [{ id: vehicleId, riskScore: 77 }],
    });
  });

  it('has nothing for who sees nothing of it, or holds it already', () => {
    const { round } = roomAfterOneChange();
    expect(round.frameFor(viewerOf({ tenantIds: ['b'], onlyAssignedTo: null }), 1, 1)).toBeNull();
    expect(round.frameFor(viewerOf({ tenantIds: [tenantId], onlyAssignedTo: 'driver' }), 1, 1)).toBeNull();
    expect(round.frameFor(viewerOf({ tenantIds: [tenantId], onlyAssignedTo: null }), 1, 2)).toBeNull();
  });

  it('tells a filter and rights apart in the epoch', () => {
    const { room } = roomAfterOneChange();
    const rights = { tenantIds: [tenantId], onlyAssignedTo: null };
    const epochs = [
      viewerOf(rights),
      viewerOf(rights, { riskLevels: [] }),
      viewerOf(rights, { riskLevels: ['high'] }),
      viewerOf(rights, { vehicleIds: [vehicleId] }),
      viewerOf({ ...rights, onlyAssignedTo: 'driver' }),
      viewerOf({ ...rights, tenantIds: [] }),
    ].map((viewer) => epochFor(room, viewer));
    expect(new Set(epochs).size).toBe(epochs.length);
  });
});
