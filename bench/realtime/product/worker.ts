/**
 * The product's own Worker with doors of its own for the benchmark: to plant fleets, to let readers in by the hundred, to
 * feed a room by RPC as a gate does, and to read what a room and its tracks hold. Everything else is the product as it is.
 */
import { openDatabase } from '../../../worker/db/client.ts';
import type { Env, LiveQueueMessage } from '../../../worker/env.ts';
import worker, { FleetRoom as Room, FleetTracks as Tracks } from '../../../worker/index.ts';
import { answerDoor } from './doors.ts';
import { timed } from './slices.ts';

export * from '../../../worker/index.ts';

/** Where slices are asked for (`TIMED_SLICES`), every entry of the objects is timed from inside. */
export const FleetRoom = timed('room', Room);
export const FleetTracks = timed('tracks', Tracks);

export default {
  ...worker,
  async fetch(request, env, ctx) {
    const { pathname } = new URL(request.url);
    if (!pathname.startsWith('/bench/')) return worker.fetch(request, env, ctx);
    return answerDoor(request, env, openDatabase(env.DB));
  },
} satisfies ExportedHandler<Env, LiveQueueMessage>;
