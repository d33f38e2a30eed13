/** Lays the live rooms' word over rows read from D1. */
import type { LiveOverlay } from '#durable-objects/fleet-room/feed';
import { roomOf } from '#durable-objects/stubs';
import type { Env } from '../../env.ts';
import { logFailure } from '../../log.ts';

/** Past this a page is answered from D1's copy: a busy room must not hold up a list. */
export const answerWithinMs = 1_500;

/** The work's outcome, or a rejection once it has taken too long. */
export function withinTime<T>(work: Promise<T>, milliseconds: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${milliseconds} ms`)), milliseconds);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** One call per tenant's room for a whole page; a room that does not answer leaves its rows to D1's copy. */
export async function overlayOf(
  env: Env,
  rows: readonly { id: string; tenantId: string }[],
): Promise<Map<string, LiveOverlay>> {
  const idsByTenant = new Map<string, string[]>();
  for (const row of rows) idsByTenant.set(row.tenantId, [...(idsByTenant.get(row.tenantId) ?? []), row.id]);
  const overlays = new Map<string, LiveOverlay>();
  await Promise.all(
    [...idsByTenant].map(async ([tenantId, ids]) => {
      try {
        for (const overlay of await withinTime(roomOf(env.FLEET_ROOM, tenantId).overlay(ids), answerWithinMs)) {
          overlays.set(overlay.vehicleId, overlay);
        }
      } catch (cause) {
        logFailure('overlay_failed', cause, { tenantId });
      }
    }),
  );
  return overlays;
}
