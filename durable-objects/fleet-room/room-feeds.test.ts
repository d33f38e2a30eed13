import { describe, expect, it } from 'vitest';
import type { RoomChange } from './feed.ts';
import { alertOf, factsOf, startMs } from '#test/durable-objects/random-world';
import {
  applyChange,
  applySeed,
  closeTick,
  confirmCopiedBack,
  dropSource,
  isCopyBackDue,
  listDirtyReadings,
  maxLogEntries,
  pruneLog,
  recordReadings,
} from './room-feeds.ts';
import { ageStatuses } from './room-readings.ts';
import { emptyRoom, nothingUnsaved, type RoomState } from './room-state.ts';

const seededRoom = (): RoomState => {
  const room = emptyRoom('own', 'epoch');
  const vehicles = [factsOf('own', 1), factsOf('own', 2)];
  applySeed(room, { sourceTenantId: 'own', counter: 5, vehicles, alerts: [alertOf('own', 1)], readings: [] }, startMs);
  closeTick(room);
  room.unsaved = nothingUnsaved();
  return room;
};

const change = (counters: number[], patch: Partial<RoomChange> = {}): RoomChange => ({
  sourceTenantId: 'own',
  counters,
  vehicles: [],
  removedVehicleIds: [],
  alerts: [],
  ...patch,
});

const reading = (vehicle: number, atMs: number, speedMph = 55) => ({
  vehicleId: `own/v${vehicle}`,
  at: new Date(atMs).toISOString(),
  lat: 1,
  lon: 2,
  speedMph,
  heading: null,
  odometerMiles: null,
  engineHours: null,
  fuelPercent: null,
  ignition: null,
});

const riskOf = (room: RoomState, vehicle: number) => room.vehicles.get(`own/v${vehicle}`)?.facts.riskScore;

describe('a change', () => {
  it('of a source never seeded asks for a seed and leaves nothing', () => {
    const room = emptyRoom('own', 'epoch');
    expect(applyChange(room, change([1], { vehicles: [factsOf('own', 1)] }))).toEqual({ isSeeded: false });
    expect(room.vehicles.size).toBe(0);
    expect(room.sources.size).toBe(0);
  });

  it('applied twice changes nothing, not even the tick', () => {
    const room = seededRoom();
    const feed = change([6], { vehicles: [factsOf('own', 1, { riskScore: 60 })] });
    applyChange(room, feed);
    expect(closeTick(room)).not.toBeNull();
    applyChange(room, feed);
    applyChange(room, change([4], { vehicles: [factsOf('own', 1, { riskScore: 4 })] }));
    expect(closeTick(room)).toBeNull();
    expect(riskOf(room, 1)).toBe(60);
  });

  it('that comes late does not overwrite a newer one, but brings what only it knows', () => {
    const room = seededRoom();
    applyChange(room, change([7], { vehicles: [factsOf('own', 1, { riskScore: 70 })] }));
    expect(room.sources.get('own')?.heardThrough).toBe(5);
    const both = [factsOf('own', 1, { riskScore: 60 }), factsOf('own', 2, { riskScore: 62 })];
    applyChange(room, change([6], { vehicles: both }));
    expect([riskOf(room, 1), riskOf(room, 2)]).toEqual([70, 62]);
    expect(room.sources.get('own')?.heardThrough).toBe(7);
  });

  it('covers exactly its counts: another writer’s count between them stays a gap', () => {
    const room = seededRoom();
    applyChange(room, change([6, 8], { vehicles: [factsOf('own', 1, { riskScore: 80 })] }));
    expect(room.sources.get('own')?.heardThrough).toBe(6);
    applyChange(room, change([7]));
    expect(room.sources.get('own')?.heardThrough).toBe(8);
  });

  it('from before a removal, or a resolution, brings nothing back', () => {
    const room = seededRoom();
    const resolved = alertOf('own', 1, { status: 'resolved' });
    applyChange(room, change([7], { removedVehicleIds: ['own/v1'], alerts: [resolved] }));
    applyChange(room, change([6], { vehicles: [factsOf('own', 1)], alerts: [alertOf('own', 1, { title: 'late' })] }));
    expect(room.vehicles.has('own/v1')).toBe(false);
    expect(room.alerts.size).toBe(0);
    expect(room.tombstones.size).toBe(0);
  });

  it('that says the same as before writes no vehicle and makes no tick', () => {
    const room = seededRoom();
    applyChange(room, change([6], { vehicles: [factsOf('own', 1)] }));
    expect(closeTick(room)).toBeNull();
    expect(room.unsaved.vehicles.size).toBe(0);
    expect([...room.unsaved.sources]).toEqual(['own']);
  });

  it('that names another tenant’s vehicle or alert is refused whole', () => {
    const room = seededRoom();
    expect(() => applyChange(room, change([6], { vehicles: [factsOf('other', 1)] }))).toThrow('another tenant');
    expect(() => applyChange(room, change([6], { alerts: [alertOf('other', 1)] }))).toThrow('another tenant');
    applyChange(room, change([6], { removedVehicleIds: ['other/v1'] }));
    expect(room.vehicles.size).toBe(2);
  });
});

describe('a seed', () => {
  it('replaces what it does not name, save what is newer', () => {
    const room = seededRoom();
    applyChange(room, change([9], { vehicles: [factsOf('own', 2, { riskScore: 99 })] }));
    const vehicles = [factsOf('own', 2, { riskScore: 20 }), factsOf('own', 3)];
    applySeed(room, { sourceTenantId: 'own', counter: 8, vehicles, alerts: [], readings: [] }, startMs);
    expect([...room.vehicles.keys()]).toEqual(['own/v2', 'own/v3']);
    expect(riskOf(room, 2)).toBe(99);
    expect(room.sources.get('own')?.heardThrough).toBe(9);
  });

  it('older than what was heard through is ignored', () => {
    const room = seededRoom();
    applySeed(room, { sourceTenantId: 'own', counter: 4, vehicles: [], alerts: [], readings: [] }, startMs);
    expect(room.vehicles.size).toBe(2);
  });

  it('of what is held already writes nothing but the count', () => {
    const room = seededRoom();
    const vehicles = [factsOf('own', 1), factsOf('own', 2)];
    applySeed(
      room,
      { sourceTenantId: 'own', counter: 6, vehicles, alerts: [alertOf('own', 1)], readings: [] },
      startMs,
    );
    expect(room.hasChanges).toBe(false);
    expect([room.unsaved.vehicles.size, room.unsaved.alerts.size]).toEqual([0, 0]);
  });
});

describe('readings', () => {
  it('are kept of an own vehicle not heard of yet, and not of a stranger’s', () => {
    const room = seededRoom();
    expect(recordReadings(room, { sourceTenantId: 'own', readings: [reading(8, startMs)] }, startMs)).toBe(1);
    const stray = { ...reading(1, startMs), vehicleId: 'other/v1' };
    expect(recordReadings(room, { sourceTenantId: 'other', readings: [stray] }, startMs)).toBe(0);
    applyChange(room, change([6], { vehicles: [factsOf('own', 8)] }));
    expect(room.readings.get('own/v8')?.status).toBe('moving');
  });

  it('of one vehicle never come from two tenants', () => {
    const room = seededRoom();
    applySeed(room, { sourceTenantId: 'other', counter: 1, vehicles: [], alerts: [], readings: [] }, startMs);
    expect(recordReadings(room, { sourceTenantId: 'other', readings: [reading(1, startMs)] }, startMs)).toBe(0);
  });

  it('age into stale and offline, each once, and D1 is to hear of it', () => {
    const room = seededRoom();
    recordReadings(room, { sourceTenantId: 'own', readings: [reading(1, startMs)] }, startMs);
    const { mark } = listDirtyReadings(room, 10);
    confirmCopiedBack(room, mark, startMs);
    expect(room.copyBackDueMs).toBeNull();
    const statusAt = (minutes: number) => {
      ageStatuses(room, startMs + minutes * 60_000);
      return room.readings.get('own/v1')?.status;
    };
    expect([statusAt(14), statusAt(15), statusAt(24 * 60 - 1), statusAt(24 * 60)]).toEqual([
      'moving',
      'stale',
      'stale',
      'offline',
    ]);
    expect(room.statusDueMs).toBeNull();
    expect(listDirtyReadings(room, 10).readings).toMatchObject([{ status: 'offline' }]);
  });

  it('are confirmed only as far as they were listed', () => {
    const room = seededRoom();
    recordReadings(room, { sourceTenantId: 'own', readings: [reading(1, startMs), reading(2, startMs)] }, startMs);
    const first = listDirtyReadings(room, 1);
    confirmCopiedBack(room, first.mark, startMs + 7);
    expect(room.copyBackDueMs).toBe(startMs + 7);
    confirmCopiedBack(room, 1_000, startMs);
    expect(listDirtyReadings(room, 9).readings.map((row) => row.vehicleId)).toEqual(['own/v2']);
  });
});

describe('the copy to D1', () => {
  it('is asked for again until it is confirmed, and not for what has gone', () => {
    const room = seededRoom();
    recordReadings(room, { sourceTenantId: 'own', readings: [reading(1, startMs)] }, startMs);
    const isDue = (afterMs: number) => isCopyBackDue(room, startMs + afterMs, startMs + afterMs + 20_000);
    expect([isDue(19_999), isDue(20_000), isDue(39_999), isDue(40_000)]).toEqual([false, true, false, true]);
    applyChange(room, change([6], { removedVehicleIds: ['own/v1'] }));
    expect(isDue(60_000)).toBe(false);
    expect(room.copyBackDueMs).toBeNull();
  });
});

describe('the end of a dealer link', () => {
  it('leaves nothing of the source, and its late feeds unheard', () => {
    const room = seededRoom();
    recordReadings(room, { sourceTenantId: 'own', readings: [reading(1, startMs), reading(8, startMs)] }, startMs);
    dropSource(room, 'own');
    expect([room.vehicles.size, room.alerts.size, room.readings.size, room.sources.size]).toEqual([0, 0, 0, 0]);
    expect(applyChange(room, change([6], { vehicles: [factsOf('own', 1)] }))).toEqual({ isSeeded: false });
  });
});

describe('the log', () => {
  it('is bounded by the window, and by its length when a fleet comes and goes', () => {
    const room = emptyRoom('own', 'epoch');
    for (let round = 1; round <= 50; round += 1) {
      const isEven = round % 2 === 0;
      const vehicles = isEven ? [] : Array.from({ length: 1_000 }, (_, n) => factsOf('own', n));
      applySeed(room, { sourceTenantId: 'own', counter: round, vehicles, alerts: [], readings: [] }, startMs);
      closeTick(room);
      pruneLog(room, 10_000);
      expect(room.log.length).toBeLessThanOrEqual(maxLogEntries);
    }
    expect(room.resumeFloor).toBeGreaterThan(0);
    expect(pruneLog(room, 2)).toBe(48);
    expect(room.log.every((entry) => entry.seq > 48)).toBe(true);
  });
});
