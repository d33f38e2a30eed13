/** The room as the record of its tenant's latest readings, and as the target of feeds. */
import { runInDurableObject } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import type { VehicleReading } from './feed.ts';
import type { FleetRoom } from './fleet-room.ts';
import { changeOf, newRoom, readingOf, seedOf, truck, uuid, who } from '#test/durable-objects/room-builders';
import { connect } from '#test/durable-objects/room-client';

describe('readings', () => {
  it('are copied back in order, and one that came meanwhile stays to be copied', async () => {
    const { tenantId, room } = newRoom();
    const nowMs = Date.now();
    await room.seed(seedOf(tenantId, [truck(tenantId, 1), truck(tenantId, 2)]));
    const record = (readings: VehicleReading[]) => room.recordReadings({ sourceTenantId: tenantId, readings });
    await record([readingOf(uuid(1), nowMs), readingOf(uuid(2), nowMs)]);
    const first = await room.listDirtyReadings(1);
    expect(first.readings).toMatchObject([{ vehicleId: uuid(1), status: 'moving', odometerMiles: 1_000 }]);
    await record([readingOf(uuid(1), nowMs + 1)]);
    await room.confirmCopiedBack(first.mark);
    const rest = await room.listDirtyReadings(10);
    expect(rest.readings.map((reading) => reading.vehicleId)).toEqual([uuid(2), uuid(1)]);
    await room.confirmCopiedBack(rest.mark);
    expect((await room.listDirtyReadings(10)).readings).toEqual([]);
    expect(await room.overlay([uuid(1), uuid(99)])).toMatchObject([{ vehicleId: uuid(1), status: 'moving' }]);
  });

  it('of linked customers are shown but not copied back, and a seed never overwrites a newer one', async () => {
    const { room } = newRoom();
    const customer = uuid(999_999);
    const nowMs = Date.now();
    await room.seed(seedOf(customer, [truck(customer, 5)]));
    await room.recordReadings({ sourceTenantId: customer, readings: [readingOf(uuid(5), nowMs, { lat: 2 })] });
    await room.seed(
      seedOf(customer, [truck(customer, 5)], { readings: [readingOf(uuid(5), nowMs - 5_000, { lat: 1 })] }),
    );
    expect((await room.overlay([uuid(5)]))[0]?.reading?.lat).toBe(2);
    expect((await room.listDirtyReadings(10)).readings).toEqual([]);
  });

  it('arm the alarm that asks for the copy within 20 s', async () => {
    const { tenantId, room, stub } = newRoom();
    await room.recordReadings({ sourceTenantId: tenantId, readings: [readingOf(uuid(1), Date.now())] });
    await runInDurableObject(stub, async (_, ctx) => {
      expect(await ctx.storage.getAlarm()).toBeLessThanOrEqual(Date.now() + 20_000);
    });
  });

  it('age: moving, stale, offline arrive as deltas', async () => {
    const { tenantId, room } = newRoom();
    await room.seed(seedOf(tenantId, [truck(tenantId, 1)]));
    const almostStale = Date.now() - 15 * 60_000 + 400;
    await room.recordReadings({ sourceTenantId: tenantId, readings: [readingOf(uuid(1), almostStale)] });
    const client = await connect(room, who([tenantId]));
    await client.untilSnapshot();
    expect(client.picture.vehicles.get(uuid(1))?.status).toBe('moving');
    await client.until(() => client.picture.vehicles.get(uuid(1))?.status === 'stale');
    expect(client.deltas[0]?.vehicles).toEqual([{ id: uuid(1), status: 'stale' }]);
    expect((await room.listDirtyReadings(10)).readings).toMatchObject([{ status: 'stale' }]);
  });
});

describe('a feed that names another tenant', () => {
  it('is refused and leaves nothing behind', async () => {
    const { tenantId, room, stub } = newRoom();
    await room.seed(seedOf(tenantId, [truck(tenantId, 1)]));
    await runInDurableObject(stub, async (instance: FleetRoom) => {
      const stray = changeOf(tenantId, 11, { vehicles: [truck('other', 2)] });
      await expect(instance.applyChange(stray)).rejects.toThrow('another tenant');
    });
    expect(await room.status()).toMatchObject({ vehicles: 1, heardThrough: { [tenantId]: 10 } });
  });
});
