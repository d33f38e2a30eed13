/** What makes two service events the same, and which times one may have. Pure. */
import { createHash } from 'node:crypto';
import type { VehicleSystem } from '#contracts/faults';
import { earliestServiceAt, type ServiceEventKind, type ServiceEventSource } from '#contracts/service-events';
import { maxFutureMs } from '#contracts/telemetry';

/** A service event as it comes in, of a vehicle that is known. */
export interface NewServiceEvent {
  vehicleId: string;
  /** RFC 3339 in UTC, milliseconds written out. */
  at: string;
  kind: ServiceEventKind;
  system: VehicleSystem | null;
  spn: number | null;
  fmi: number | null;
  description: string;
  odometerMiles: number | null;
  source: ServiceEventSource;
  /** The case or order number of where it came from. */
  externalId: string | null;
}

/** Case and spacing are how somebody typed; they do not make another event. */
const folded = (text: string): string => text.normalize('NFC').trim().replace(/\s+/g, ' ').toLowerCase();

const digest = (said: unknown): string => createHash('sha256').update(JSON.stringify(said)).digest('hex').slice(0, 32);

/** The fingerprint of what stands under a case or order number; null where that is no number. */
export function numberedFingerprint(externalId: string | null, kind: ServiceEventKind): string | null {
  const number = folded(externalId ?? '');
  return number === '' ? null : digest(['numbered', number, kind]);
}

/**
 * What stays the same when an event of one vehicle arrives again: the number of its case or order with the kind (one
 * order may hold a repair and the preventive work done along with it). Without a number it is a digest of everything it
 * says; from the portal, which words its cases anew, of the day, the kind and the code. 32 hex digits.
 */
export function fingerprintOf(
  event: Pick<NewServiceEvent, 'at' | 'kind' | 'spn' | 'fmi' | 'description' | 'source' | 'externalId'>,
): string {
  const { at, kind, spn, fmi } = event;
  const numbered = numberedFingerprint(event.externalId, kind);
  if (numbered !== null) return numbered;
  if (event.source === 'portal') return digest(['seen', at.slice(0, 10), kind, spn, fmi]);
  return digest(['said', at, kind, spn, fmi, folded(event.description)]);
}

/** Why an event may not have this time, or null. `at` is RFC 3339 in UTC. */
export function judgeTime(at: string, now: Date): { code: 'INVALID_TIME' | 'IN_THE_FUTURE'; message: string } | null {
  const atMs = Date.parse(at);
  if (atMs - now.getTime() > maxFutureMs) {
    return { code: 'IN_THE_FUTURE', message: 'lies more than 10 minutes ahead' };
  }
  if (atMs < Date.parse(earliestServiceAt)) return { code: 'INVALID_TIME', message: 'lies before 1980' };
  return null;
}

/** A failure mode says how something failed; without the parameter there is nothing that did. */
export const lacksSpn = ({ spn, fmi }: { spn?: number | null; fmi?: number | null }): boolean =>
  (fmi ?? null) !== null && (spn ?? null) === null;
