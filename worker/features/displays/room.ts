/** What the live rooms know of displays, and what they are told to do with them. */
import type { DisplayCommand, DisplayLayout } from '#contracts/displays';
import type { DisplayState } from '#durable-objects/fleet-room/feed';
import { roomOf } from '#durable-objects/stubs';
import type { Env } from '../../env.ts';
import { newId } from '../../ids.ts';
import { logFailure } from '../../log.ts';
import { answerWithinMs, withinTime } from '../live/overlay.ts';
import { persistently } from '../live/tell-room.ts';

/** A tenant's displays as its room heard them last, by id; null when the room does not answer in time. */
export async function statesOf(env: Env, tenantId: string): Promise<ReadonlyMap<string, DisplayState> | null> {
  try {
    const states = await withinTime(roomOf(env.FLEET_ROOM, tenantId).displayStates(), answerWithinMs);
    return new Map(states.map((state) => [state.displayId, state]));
  } catch (cause) {
    logFailure('display_states_failed', cause, { tenantId });
    return null;
  }
}

/** The same for some tenants at once: one call each. */
export async function statesByTenant(env: Env, tenantIds: Iterable<string>) {
  const states = await Promise.all(
    [...new Set(tenantIds)].map(async (tenantId) => [tenantId, await statesOf(env, tenantId)] as const),
  );
  return new Map(states);
}

/** Sends a command to the sockets of a display; `isDelivered` is false when it has none, or the room does not answer. */
export async function sendToDisplay(
  env: Env,
  display: { id: string; tenantId: string },
  { command, layout }: { command: DisplayCommand; layout: DisplayLayout | undefined },
  now: Date,
): Promise<{ id: string; isDelivered: boolean }> {
  const id = newId(now.getTime());
  const message = { id, command, ...(layout === undefined ? {} : { args: { layout } }) };
  try {
    const room = roomOf(env.FLEET_ROOM, display.tenantId);
    const { isDelivered } = await withinTime(room.sendCommand(display.id, message), answerWithinMs);
    return { id, isDelivered };
  } catch (cause) {
    logFailure('display_command_failed', cause, { displayId: display.id });
    return { id, isDelivered: false };
  }
}

/** Closes the sockets of an unpaired display. Never throws: it is unpaired in D1, and the sweep closes what is left. */
export const closeDisplay = (env: Env, display: { id: string; tenantId: string }): Promise<void> =>
  persistently('display_not_closed', { displayId: display.id }, () =>
    roomOf(env.FLEET_ROOM, display.tenantId).closeDisplay(display.id),
  );
