/** What a geofence raises and what happened at it, in words. Pure. */
import type { Geofence, GeofenceEvent, GeofenceEventKind } from '#contracts/geofences';
import { formatSpeed, plural, type Units } from '../format/units.ts';

/** "3 min", "2 h 30 min", "1 day": to the minute, for it is a limit. */
export function formatDwell(minutes: number): string {
  const [days, hours, rest] = [Math.floor(minutes / 1_440), Math.floor((minutes % 1_440) / 60), minutes % 60];
  const parts = [
    days === 0 ? '' : plural(days, 'day'),
    hours === 0 ? '' : `${hours} h`,
    rest === 0 ? '' : `${rest} min`,
  ];
  return parts.filter((part) => part !== '').join(' ');
}

/** What it raises alerts for, shortest first; empty when it only keeps events. */
export function raisesOf(
  fence: Pick<Geofence, 'alertOnEntry' | 'alertOnExit' | 'dwellMinutes' | 'speedLimitMph'>,
  units: Units,
): string[] {
  const { alertOnEntry, alertOnExit, dwellMinutes, speedLimitMph } = fence;
  return [
    ...(alertOnEntry ? ['Entry'] : []),
    ...(alertOnExit ? ['Exit'] : []),
    ...(dwellMinutes === null ? [] : [`Stays ${formatDwell(dwellMinutes)}`]),
    ...(speedLimitMph === null ? [] : [`Over ${formatSpeed(speedLimitMph, units)}`]),
  ];
}

export const eventWords: Readonly<Record<GeofenceEventKind, string>> = {
  entry: 'Entered',
  exit: 'Left',
  dwell: 'Stayed too long',
  speeding: 'Too fast',
};

export const eventWord = ({ kind, speedMph }: Pick<GeofenceEvent, 'kind' | 'speedMph'>, units: Units): string =>
  kind === 'speeding' && speedMph !== null ? `${eventWords[kind]}, ${formatSpeed(speedMph, units)}` : eventWords[kind];
