/**
 * Every state the product shows, as a word, a shape and a tone. A state is never told by colour alone: the shape and the
 * word carry it for people who see colours differently, on a sunlit phone and on a printed page.
 */
import type { AlertSeverity, AlertStatus, AlertType } from '#contracts/alerts';
import type { FaultSeverity } from '#contracts/faults';
import type { RecommendedAction, RiskLevel } from '#contracts/risk';
import type { VehicleStatus } from '#contracts/vehicles';

export type Tone = 'low' | 'medium' | 'high' | 'critical' | 'stale' | 'unknown' | 'neutral' | 'accent';
export type Shape =
  | 'circle'
  | 'diamond'
  | 'triangle'
  | 'square'
  | 'ring'
  | 'hollow'
  | 'dash'
  | 'arrow'
  | 'pause'
  | 'stop'
  | 'cross'
  | 'dot';

export interface StateLook {
  word: string;
  shape: Shape;
  tone: Tone;
}

export const unknownLook: StateLook = { word: 'Unknown', shape: 'dash', tone: 'unknown' };

const riskLooks: Readonly<Record<RiskLevel, StateLook>> = {
  low: { word: 'Low', shape: 'circle', tone: 'low' },
  medium: { word: 'Medium', shape: 'diamond', tone: 'medium' },
  high: { word: 'High', shape: 'triangle', tone: 'high' },
  critical: { word: 'Critical', shape: 'square', tone: 'critical' },
};
/** null: the truck has not been scored yet. */
export const riskLook = (level: RiskLevel | null): StateLook =>
  level === null ? { ...unknownLook, word: 'Not scored' } : riskLooks[level];

const severityLooks: Readonly<Record<AlertSeverity | FaultSeverity, StateLook>> = {
  critical: { word: 'Critical', shape: 'square', tone: 'critical' },
  major: { word: 'Major', shape: 'triangle', tone: 'high' },
  minor: { word: 'Minor', shape: 'diamond', tone: 'medium' },
  info: { word: 'Info', shape: 'circle', tone: 'accent' },
  unknown: unknownLook,
};
export const severityLook = (severity: AlertSeverity | FaultSeverity): StateLook => severityLooks[severity];

/** Worst first; the order of every list of alerts and faults. */
export const severityRank: Readonly<Record<AlertSeverity | FaultSeverity, number>> = {
  critical: 0,
  major: 1,
  minor: 2,
  info: 3,
  unknown: 4,
};

const statusLooks: Readonly<Record<VehicleStatus, StateLook>> = {
  moving: { word: 'Moving', shape: 'arrow', tone: 'accent' },
  idle: { word: 'Idling', shape: 'pause', tone: 'neutral' },
  stopped: { word: 'Stopped', shape: 'stop', tone: 'neutral' },
  stale: { word: 'Stale', shape: 'ring', tone: 'stale' },
  offline: { word: 'Offline', shape: 'cross', tone: 'stale' },
};
export const vehicleStatusLook = (status: VehicleStatus): StateLook => statusLooks[status];

/** The manufacturer's four instructions, as a driver reads them. */
export const actionWords: Readonly<Record<RecommendedAction, string>> = {
  keep_driving: 'Keep driving',
  next_service: 'Address at next service',
  drive_to_dealer: 'Drive to dealer',
  pull_over: 'Pull over safely',
};
export const actionWord = (action: RecommendedAction | null): string =>
  action === null ? 'No advice yet' : actionWords[action];

export const alertStatusWords: Readonly<Record<AlertStatus, string>> = {
  open: 'Open',
  acknowledged: 'Acknowledged',
  snoozed: 'Snoozed',
  resolved: 'Resolved',
  false_positive: 'False positive',
};

export const alertTypeWords: Readonly<Record<AlertType, string>> = {
  fault: 'Fault',
  risk: 'Risk',
  anomaly: 'Anomaly',
  sync: 'Sync',
  display: 'Display',
  geofence: 'Geofence',
  speed: 'Speed',
  no_contact: 'No contact',
  maintenance: 'Maintenance',
};

/** Health is the mirror of risk's default bands: 100 is healthy. */
export function healthLook(score: number | null): StateLook {
  if (score === null) return { ...unknownLook, word: 'Not scored' };
  if (score > 75) return { word: 'Good', shape: 'circle', tone: 'low' };
  if (score > 50) return { word: 'Fair', shape: 'diamond', tone: 'medium' };
  if (score > 25) return { word: 'Poor', shape: 'triangle', tone: 'high' };
  return { word: 'Bad', shape: 'square', tone: 'critical' };
}
