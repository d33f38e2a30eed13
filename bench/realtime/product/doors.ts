/** The doors of the benchmark's Worker: each path does one thing, JSON in, JSON out. Behind them is the product. */
import { z } from 'zod';
import { asKept } from '../../../contracts/reading-scales.ts';
import type { Reading } from '../../../contracts/telemetry.ts';
import type { RoomPrincipal } from '../../../durable-objects/fleet-room/feed.ts';
import { packReadings } from '../../../durable-objects/readings/packed-readings.ts';
import { roomOf, tracksOf } from '../../../durable-objects/stubs.ts';
import type { Database } from '../../../worker/db/client.ts';
import type { Env } from '../../../worker/env.ts';
import { ensureRoom } from '../../../worker/features/live/reseed.ts';
import { plantTenant, plantDisplays, vehicleIdOf } from './plant.ts';
import { takeSlices } from './slices.ts';

const tenantSchema = z.object({ tenantId: z.string() });
const plantSchema = tenantSchema.extend({ vehicles: z.number(), place: z.number() });
const countSchema = tenantSchema.extend({ count: z.number() });
const readerSchema = countSchema.extend({ kind: z.enum(['user', 'display']).default('user') });
const trackSchema = tenantSchema.extend({ place: z.number(), from: z.number(), to: z.number() });

/** Somebody who may watch the whole tenant. */
const viewerOf = (tenantId: string, place: number, kind: 'user' | 'display'): RoomPrincipal => ({
  ...{ kind, userId: `viewer-${place}`, sessionId: `session-${place}`, role: 'fleet_admin' },
  ...{ mayWatch: true, mayStream: false, tenantIds: [tenantId], onlyAssignedTo: null, accessAsOf: null },
});

type Answer = (body: unknown, env: Env, db: Database) => Promise<unknown>;

const doors: Readonly<Record<string, Answer>> = {
  async plant(body, env, db) {
    const { tenantId, vehicles, place } = plantSchema.parse(body);
    return plantTenant(db, env, { tenantId, vehicles, place });
  },

  async displays(body, _env, db) {
    const { tenantId, count } = countSchema.parse(body);
    return plantDisplays(db, tenantId, count);
  },

  async tickets(body, env, db) {
    const { tenantId, count, kind } = readerSchema.parse(body);
    await ensureRoom(env, db, tenantId);
    const room = roomOf(env.FLEET_ROOM, tenantId);
    const places = Array.from({ length: count }, (_, place) => place);
    return Promise.all(places.map(async (place) => (await room.issueTicket(viewerOf(tenantId, place, kind))).ticket));
  },

  /** Positions of known vehicles, as a gate hands them on: no sign-in, no judging, the room's RPC. */
  async feed(body, env) {
    const { tenantId, positions } = body as { tenantId: string; positions: (Reading & { vehicleId: string })[] };
    const rows = positions.map(({ vehicleId, ...reading }) => ({ vehicleId, reading: asKept(reading) }));
    const outcome = await roomOf(env.FLEET_ROOM, tenantId).ingest(packReadings(rows));
    if (outcome.kind === 'taken' && outcome.unknown.length > 0) throw new Error('the room does not know these trucks');
    return outcome;
  },

  async status(body, env) {
    const { tenantId } = tenantSchema.parse(body);
    const room = roomOf(env.FLEET_ROOM, tenantId);
    await room.settleTracks();
    return { room: await room.status(), tracks: await tracksOf(env.FLEET_TRACKS, tenantId).status() };
  },

  /** The latest reading that the room holds of each of the tenant's first vehicles. */
  async latest(body, env) {
    const { tenantId, count } = countSchema.parse(body);
    const ids = Array.from({ length: count }, (_, at) => vehicleIdOf(tenantId, at));
    return roomOf(env.FLEET_ROOM, tenantId).overlay(ids);
  },

  /** Everything that the tracks hold of one vehicle. */
  async track(body, env) {
    const { tenantId, place, from, to } = trackSchema.parse(body);
    const readings: Reading[] = [];
    for (let afterMs: number | null = null; ;) {
      const page = await tracksOf(env.FLEET_TRACKS, tenantId).read({
        ...{ vehicleId: vehicleIdOf(tenantId, place), fromMs: from, toMs: to },
        ...{ afterMs, limit: 1000 },
      });
      readings.push(...page.readings);
      const last = page.readings.at(-1);
      if (!page.hasMore || last === undefined) return readings;
      afterMs = Date.parse(last.at);
    }
  },

  async slices() {
    return takeSlices();
  },
};

export async function answerDoor(request: Request, env: Env, db: Database): Promise<Response> {
  const door = doors[new URL(request.url).pathname.slice('/bench/'.length)];
  if (door === undefined) return new Response(null, { status: 404 });
  try {
    return Response.json((await door(await request.json(), env, db)) ?? null);
  } catch (cause) {
    return new Response(cause instanceof Error ? cause.stack : String(cause), { status: 500 });
  }
}
