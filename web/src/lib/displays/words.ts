/** What is said about displays. Pure: the present is always a parameter. */
import type { Display, DisplayHealth, DisplayLayout } from '#contracts/displays';
import type { StateLook } from '../format/states.ts';
import { formatDateTime, formatSpan } from '../format/time.ts';

/** `14:03` until something ends. */
export function clockLeft(leftMs: number): string {
  const seconds = Math.max(0, Math.ceil(leftMs / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

/** An address as a person types it: no scheme, no query. */
export function plainAddress(uri: string): string {
  const { host, pathname } = new URL(uri);
  return `${host}${pathname}`;
}

const healthLooks: Readonly<Record<DisplayHealth, StateLook>> = {
  green: { word: 'Live', shape: 'circle', tone: 'low' },
  amber: { word: 'Late', shape: 'diamond', tone: 'medium' },
  red: { word: 'Silent', shape: 'square', tone: 'critical' },
};

/** How a display does. One that was paired a moment ago and has not reported yet is starting, not well. */
export function healthLook(display: Pick<Display, 'health' | 'lastHeartbeatAt' | 'isAsleep'>): StateLook {
  if (display.lastHeartbeatAt === null && display.health !== 'red') {
    return { word: 'Starting', shape: 'hollow', tone: 'accent' };
  }
  const look = healthLooks[display.health];
  return display.isAsleep && display.health === 'green' ? { ...look, word: 'Asleep', shape: 'pause' } : look;
}

export const layoutWords: Readonly<Record<DisplayLayout, { word: string; hint: string }>> = {
  attention: { word: 'Needs attention', hint: 'The trucks that need somebody today, worst first' },
  map: { word: 'Fleet map', hint: 'Where every truck is' },
  alerts: { word: 'Open alerts', hint: 'Worst first, then the one whose deadline is nearest' },
  inbound: { word: 'Coming in', hint: 'Trucks on their way to the shop' },
  rotate: { word: 'All in turn', hint: 'Each of them for 20 seconds; what has nothing to show is left out' },
};

export interface BuildWords {
  word: string;
  /** A newer build is served; the screen takes it on by itself. */
  isOld: boolean;
}

/** A build by the time it was made; another client's own name for itself stays as it is. */
export function buildWords(build: string | null, present: string, timeZone: string, nowMs: number): BuildWords {
  if (build === null) return { word: 'not known', isOld: false };
  const isOurs = /^\d{13}$/.test(build);
  return {
    word: isOurs ? formatDateTime(new Date(Number(build)).toISOString(), timeZone, nowMs) : build,
    isOld: isOurs && /^\d{13}$/.test(present) && Number(build) < Number(present),
  };
}

export const uptimeWords = (uptimeSeconds: number | null): string =>
  uptimeSeconds === null ? 'not known' : formatSpan(uptimeSeconds * 1000);
