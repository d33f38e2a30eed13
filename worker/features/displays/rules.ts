/** Pure rules of wall displays: codes people can read out, what a waiting screen is told (RFC 8628), when one is silent. */
import { displayHealthAt, displayLimits, userCodeAlphabet, type ClaimDisplayInput } from '#contracts/displays';
import type { AlertSignal } from '../alerts/rules.ts';

/** Displays of a tenant that are paired at one time. */
export const maxDisplaysPerTenant = 2_000;
/**
 * Codes that wait to be claimed, everywhere: more screens than are ever set up in a quarter of an hour. It bounds the
 * table, and with it the chance that a guessed code is anybody's.
 */
export const maxWaitingCodes = 10_000;

/** Without vowels a code spells nothing (RFC 8628, 6.1). 27 signs: six of them are some 387 million codes. */
const drawnFrom = [...userCodeAlphabet].filter((sign) => !'AEUY'.includes(sign));
/** Bytes from here on are drawn again: all signs are equally likely. */
const fairBelow = 256 - (256 % drawnFrom.length);

/** A code like `RKM-234`; `randomBytes(n)` gives n bytes each time it is asked. */
export function newUserCode(randomBytes: (count: number) => Uint8Array): string {
  let code = '';
  while (code.length < 6) {
    for (const byte of randomBytes(8)) {
      if (byte < fairBelow && code.length < 6) code += drawnFrom[byte % drawnFrom.length];
    }
  }
  return `${code.slice(0, 3)}-${code.slice(3)}`;
}

/** RFC 8628, 3.5: each question before its time makes all the following ones five seconds slower. */
const slowDownBySeconds = 5;
/** A screen that never learns is told nothing new past this. */
const slowestSeconds = 60;
/** Two questions an interval apart may arrive a little closer together than they were sent. */
const earlyLeewayMs = 500;
/** A code claimed in its last seconds stays good this long: a screen that was told to slow down still hears of it. */
export const claimedKeptSeconds = 120;

export interface WaitingCode {
  status: 'pending' | 'claimed' | 'denied' | 'used';
  intervalSeconds: number;
  lastAskedAt: string | null;
  expiresAt: string;
  /** Of what it was claimed for: the display was unpaired again, or its organisation suspended. */
  isWithdrawn: boolean;
}

export type AskOutcome =
  /** Ask again after this many seconds; `isTooSoon`: the question came before its time. */
  { kind: 'pending'; isTooSoon: boolean; intervalSeconds: number } | { kind: 'ready' | 'denied' | 'expired' };

/** What a screen that asks for its token hears. A code that was used up has expired: its session is over (RFC 8628, 3.5). */
export function judgeAsk(code: WaitingCode, nowMs: number): AskOutcome {
  if (code.status === 'denied') return { kind: 'denied' };
  if (code.status === 'used' || Date.parse(code.expiresAt) <= nowMs) return { kind: 'expired' };
  if (code.status === 'claimed') return { kind: code.isWithdrawn ? 'denied' : 'ready' };
  const { lastAskedAt, intervalSeconds } = code;
  const isTooSoon = lastAskedAt !== null && nowMs - Date.parse(lastAskedAt) < intervalSeconds * 1_000 - earlyLeewayMs;
  const slower = Math.min(slowestSeconds, intervalSeconds + slowDownBySeconds);
  return { kind: 'pending', isTooSoon, intervalSeconds: isTooSoon ? slower : intervalSeconds };
}

/** The same code with its claim: what is to be known of the display, or that it is none of ours. */
export type Claim =
  { kind: 'deny' } | { kind: 'pair'; fields: Required<Pick<ClaimDisplayInput, 'name' | 'locationName' | 'layout'>> };

/** The claim that an input means; its schema has made sure that the fields are there. */
export function toClaim({ deny, name, locationName, layout }: ClaimDisplayInput): Claim {
  if (deny === true || name === undefined || locationName === undefined || layout === undefined) {
    return { kind: 'deny' };
  }
  return { kind: 'pair', fields: { name, locationName, layout } };
}

/** When a display was last known to live: its newest heartbeat, or its pairing while it never sent any. */
export const lastLifeAt = (display: { lastHeartbeatAt: string | null; createdAt: string }): string =>
  display.lastHeartbeatAt !== null && display.lastHeartbeatAt > display.createdAt
    ? display.lastHeartbeatAt
    : display.createdAt;

/**
 * How long the copy in D1 may be behind when the room, which hears the heartbeats, cannot be asked: three sweeps. Only
 * past that a display counts as silent by the copy alone.
 */
const copyLagMs = 15 * 60_000;

/** True once a display is red. `isRoomHeard`: what is known of it came from the room just now. */
export function isSilent(
  display: { lastHeartbeatAt: string | null; createdAt: string },
  nowMs: number,
  { isRoomHeard }: { isRoomHeard: boolean },
): boolean {
  return displayHealthAt(Date.parse(lastLifeAt(display)) + (isRoomHeard ? 0 : copyLagMs), nowMs) === 'red';
}

export const displayCause = (displayId: string): string => `display:${displayId}`;

/** `2026-11-20 09:11 UTC`. */
const minuteOf = (at: string): string => `${at.slice(0, 10)} ${at.slice(11, 16)} UTC`;

/** The alert of a silent display. Its words stay the same while the silence lasts. */
export function silenceSignal(display: {
  id: string;
  name: string;
  locationName: string;
  lastHeartbeatAt: string | null;
  createdAt: string;
}): AlertSignal {
  const since = minuteOf(lastLifeAt(display));
  const began =
    display.lastHeartbeatAt === null
      ? `was paired at ${since} and has not reported once`
      : `has not reported since ${since}`;
  return {
    cause: displayCause(display.id),
    type: 'display',
    severity: 'major',
    vehicleId: null,
    title: `Display silent: ${display.name}, ${display.locationName}`,
    message: `The display “${display.name}” at ${display.locationName} ${began}. Check its power and network; a display reports every ${displayLimits.heartbeatEverySeconds} seconds.`,
    occurrenceCount: 1,
  };
}
