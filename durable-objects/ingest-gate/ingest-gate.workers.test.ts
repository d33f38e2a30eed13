import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import type { IngestOutcome } from '../fleet-room/feed.ts';
import { packReadings } from '../readings/packed-readings.ts';
import { gateOf, roomOf, tracksOf } from '../stubs.ts';
import type { IngestGate } from './ingest-gate.ts';
import { newRoom, seedOf, truck, uuid } from '#test/durable-objects/room-builders';

const stubOf = (tenantId: string, gate: number) =>
  env.INGEST_GATE.get(env.INGEST_GATE.idFromName(`${tenantId}/${gate}`));
const startMs = Date.now() - 3_600_000;
const trucks = [1, 2, 3, 4];

/** Row `n` of a truck: every one has a place of its own, so that none can be taken for another. */
const rowOf = (vehicle: number, n: number) => ({
  vehicleId: uuid(vehicle),
  reading: {
    ...{ at: new Date(startMs + n * 1_000).toISOString(), lat: n / 100, lon: -vehicle, speedMph: 55, heading: null },
    ...{ odometerMiles: 1_000 + n, engineHours: null, fuelPercent: null, ignition: true },
  },
});
type Row = ReturnType<typeof rowOf>;

async function seeded() {
  const { tenantId, room, stub } = newRoom();
  await room.seed(
    seedOf(
      tenantId,
      trucks.map((n) => truck(tenantId, n)),
    ),
  );
  return { tenantId, room, stub };
}

/** What the tenant's objects hold in the end: the live picture and every position. */
async function heldBy(tenantId: string) {
  const room = roomOf(env.FLEET_ROOM, tenantId);
  await room.settleTracks();
  const tracks = tracksOf(env.FLEET_TRACKS, tenantId);
  const histories = await Promise.all(
    trucks.map((n) => tracks.read({ vehicleId: uuid(n), fromMs: 0, toMs: Date.now(), afterMs: null, limit: 100_000 })),
  );
  return { live: await room.overlay(trucks.map(uuid)), histories: histories.map(({ readings }) => readings) };
}

/** Every row once, out of order, some twice, a few of trucks that nobody knows. */
function batchesOf(count: number, rowsPerBatch: number): Row[][] {
  const rows = Array.from({ length: count * rowsPerBatch }, (_, n) =>
    n % 17 === 0
      ? rowOf(99, n)
      : rowOf((trucks[n % trucks.length] ?? 1) as number, (n * 7919) % (count * rowsPerBatch)),
  );
  return Array.from({ length: count }, (_, n) => rows.slice(n * rowsPerBatch, (n + 1) * rowsPerBatch)).flatMap(
    (batch, n) => (n % 5 === 0 ? [batch, batch] : [batch]),
  );
}
const unknownIn = (batch: readonly Row[]) => batch.flatMap(({ vehicleId }, at) => (vehicleId === uuid(99) ? [at] : []));

describe('gates', () => {
  test('bring about what no gates would, and tell each caller of its own unknown rows', async () => {
    const [plain, gated] = [await seeded(), await seeded()];
    const batches = batchesOf(60, 40);
    for (const batch of batches) await plain.room.ingest(packReadings(batch));
    const outcomes = await Promise.all(
      batches.map((batch, n) =>
        gateOf(env.INGEST_GATE, gated.tenantId, n % 3).ingest(gated.tenantId, packReadings(batch)),
      ),
    );
    expect(outcomes).toEqual(batches.map((batch) => ({ kind: 'taken', unknown: unknownIn(batch) })));
    const [without, through] = [await heldBy(plain.tenantId), await heldBy(gated.tenantId)];
    expect(without.histories.flat().length).toBe(60 * 40 - Math.ceil((60 * 40) / 17));
    expect(through).toEqual(without);
  });

  test('serve their own tenant alone', async () => {
    const [own, other] = [await seeded(), await seeded()];
    const rows = packReadings([rowOf(1, 1)]);
    await runInDurableObject(stubOf(own.tenantId, 0), async (gate: IngestGate) => {
      await expect(gate.ingest(other.tenantId, rows)).rejects.toThrow('another');
    });
    expect((await heldBy(other.tenantId)).histories.flat()).toEqual([]);
  });

  test('that are given what is no batch fail that one alone', async () => {
    const { tenantId } = await seeded();
    await runInDurableObject(stubOf(tenantId, 0), async (gate: IngestGate) => {
      const good = gate.ingest(tenantId, packReadings([rowOf(1, 1)]));
      await expect(gate.ingest(tenantId, new Uint8Array([8, 8, 8]))).rejects.toThrow('not packed readings');
      expect(await good).toEqual({ kind: 'taken', unknown: [] });
    });
  });
});

/** Kills an object as a crash does: memory is gone, what was in flight fails. */
async function kill(stub: DurableObjectStub): Promise<void> {
  await runInDurableObject(stub, (_, state) => state.abort('killed by the test')).catch(() => undefined);
}

describe.each(['gate', 'room'] as const)('a %s that is killed again and again', (victim) => {
  test('loses nothing that was acknowledged, and what is sent again is there once', async () => {
    const [undisturbed, disturbed] = [await seeded(), await seeded()];
    const batches = batchesOf(80, 25);
    for (const batch of batches) await undisturbed.room.ingest(packReadings(batch));
    const { tenantId } = disturbed;
    let kills = 0;
    let isOver = false;
    const sendUntilTaken = async (batch: readonly Row[], n: number): Promise<IngestOutcome> => {
      for (;;) {
        try {
          // A stub whose object was killed is done for: callers of the Worker get a new one with every request.
          const outcome = await gateOf(env.INGEST_GATE, tenantId, n % 2).ingest(tenantId, packReadings(batch));
          if (outcome.kind === 'taken') return outcome;
        } catch {
          // Nobody was told yes: it is sent again.
        }
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };
    const killing = (async () => {
      while (!isOver) {
        await kill(victim === 'gate' ? stubOf(tenantId, 0) : env.FLEET_ROOM.get(env.FLEET_ROOM.idFromName(tenantId)));
        kills += 1;
        await new Promise((resolve) => setTimeout(resolve, 40));
      }
    })();
    const outcomes: IngestOutcome[] = [];
    // Ten gateways, each with its own batches, one at a time.
    await Promise.all(
      Array.from({ length: 10 }, async (_, gateway) => {
        for (let n = gateway; n < batches.length; n += 10) outcomes[n] = await sendUntilTaken(batches[n] ?? [], n);
      }),
    );
    isOver = true;
    await killing;
    expect(kills).toBeGreaterThan(0);
    expect(outcomes).toEqual(batches.map((batch) => ({ kind: 'taken', unknown: unknownIn(batch) })));
    expect(await heldBy(tenantId)).toEqual(await heldBy(undisturbed.tenantId));
  });
});
