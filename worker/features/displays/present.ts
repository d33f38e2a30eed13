/** Row → contract, by allow-list; what the room heard last is laid over the copy in D1. */
import { displayHealthAt, type Display, type OwnDisplay } from '#contracts/displays';
import type { DisplayState } from '#durable-objects/fleet-room/feed';
import { tagOf } from '../../http/entity-tag.ts';
import { lastLifeAt } from './rules.ts';
import type { DisplayRow } from './store.ts';

/** What a display may know of itself. */
export const toOwnDisplay = ({ id, name, layout, locationName }: DisplayRow): OwnDisplay => ({
  ...{ id, name, layout, locationName },
});

type Heard = Omit<DisplayState, 'displayId' | 'isConnected'>;
const copied = ({ lastHeartbeatAt, build, uptimeSeconds, viewport, lastError }: Heard): Heard => ({
  ...{ lastHeartbeatAt, build, uptimeSeconds, viewport, lastError },
});

/** The newer of what the room and D1 know. */
export const heardOf = (row: DisplayRow, state: DisplayState | undefined): Heard =>
  copied(state !== undefined && (state.lastHeartbeatAt ?? '') >= (row.lastHeartbeatAt ?? '') ? state : row);

/**
 * `states`: what the tenant's room says; null when it does not answer. Then the copy stands, and a display counts as
 * connected while that copy is fresh.
 */
export function toDisplay(row: DisplayRow, states: ReadonlyMap<string, DisplayState> | null, now: Date): Display {
  const state = states?.get(row.id);
  const heard = heardOf(row, state);
  const lifeMs = Date.parse(lastLifeAt({ ...heard, createdAt: row.createdAt }));
  const health = displayHealthAt(lifeMs, now.getTime());
  return {
    ...toOwnDisplay(row),
    tenantId: row.tenantId,
    health,
    isConnected: states === null ? heard.lastHeartbeatAt !== null && health === 'green' : (state?.isConnected ?? false),
    isAsleep: row.isAsleep,
    ...heard,
    createdBy: row.createdBy,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
  };
}

/** What people say of a display, and nothing that it says itself. */
const settingsOf = ({ id, name, layout, locationName, isAsleep, updatedAt }: Display) => ({
  ...{ id, name, layout, locationName, isAsleep, updatedAt },
});

const unquoted = (tag: string): string => tag.replace(/^"|"$/g, '');

/**
 * The tag of a display, `"<settings>.<whole>"`. A heartbeat changes the second half, so that If-None-Match never answers
 * with an old state; the first changes only by somebody's doing, so that If-Match refuses only where somebody was quicker.
 */
export async function displayTag(display: Display): Promise<string> {
  const [settings, whole] = await Promise.all([tagOf(settingsOf(display)), tagOf(display)]);
  return `"${unquoted(settings)}.${unquoted(whole)}"`;
}

/** True when the client names no state, or one with the settings that the display has. Weak tags match nothing. */
export async function matchesSettings(ifMatch: string | undefined, current: Display): Promise<boolean> {
  if (ifMatch === undefined || ifMatch.trim() === '*') return true;
  const settings = unquoted(await tagOf(settingsOf(current)));
  return ifMatch.split(',').some((tag) => new RegExp(`^"${settings}\\.[0-9a-f]+"$`).test(tag.trim()));
}
