/** Which trucks need a person today, worst first, and in which words. Pure. */
import { alertSeverities, type AlertSeverity } from '#contracts/alerts';
import type { LiveAlert, LiveVehicle } from '#contracts/live';
import { riskLevels, type RiskLevel } from '#contracts/risk';
import { severityRank } from '../format/states.ts';
import type { LivePicture } from './fold.ts';

export interface AttentionTruck {
  vehicle: LiveVehicle;
  /**
   * The alert that says what is wrong: the worst that still holds and nobody has put aside, the oldest among equals. An
   * alert of the risk itself comes last, because it only repeats the level.
   */
  topAlert: LiveAlert | null;
  alertCount: number;
}

/** Worse first; among equals a cause before the risk that it made, then the one that waits longer. */
export const byUrgency = (
  a: Pick<LiveAlert, 'severity' | 'type' | 'openedAt'>,
  b: Pick<LiveAlert, 'severity' | 'type' | 'openedAt'>,
): number =>
  severityRank[a.severity] - severityRank[b.severity] ||
  Number(a.type === 'risk') - Number(b.type === 'risk') ||
  Date.parse(a.openedAt) - Date.parse(b.openedAt);

/** Live alerts by vehicle, each list most urgent first; alerts of no vehicle under null. */
export function alertsByVehicle(alerts: Iterable<LiveAlert>): Map<string | null, LiveAlert[]> {
  const byVehicle = new Map<string | null, LiveAlert[]>();
  for (const alert of alerts) {
    const list = byVehicle.get(alert.vehicleId);
    if (list === undefined) byVehicle.set(alert.vehicleId, [alert]);
    else list.push(alert);
  }
  for (const list of byVehicle.values()) list.sort(byUrgency);
  return byVehicle;
}

const levelRank = (level: RiskLevel | null): number => (level === null ? -1 : riskLevels.indexOf(level));

/** A truck needs attention when its risk is high or critical, or a major or critical alert of it is not put aside. */
const needsAttention = (vehicle: LiveVehicle, alerts: readonly LiveAlert[]): boolean =>
  levelRank(vehicle.riskLevel) >= levelRank('high') ||
  alerts.some(({ severity }) => severityRank[severity] <= severityRank.major);

/** The trucks that need attention, by risk level, then risk, then the age of their worst alert, then unit. */
export function attentionTrucks(picture: LivePicture): AttentionTruck[] {
  const alerts = alertsByVehicle(picture.alerts.values());
  const trucks: AttentionTruck[] = [];
  for (const vehicle of picture.vehicles.values()) {
    const current = (alerts.get(vehicle.id) ?? []).filter((alert) => alert.status !== 'snoozed');
    if (!needsAttention(vehicle, current)) continue;
    const topAlert = current.find(({ type }) => type !== 'risk') ?? current[0] ?? null;
    trucks.push({ vehicle, topAlert, alertCount: current.length });
  }
  return trucks.sort(
    (a, b) =>
      levelRank(b.vehicle.riskLevel) - levelRank(a.vehicle.riskLevel) ||
      (b.vehicle.riskScore ?? -1) - (a.vehicle.riskScore ?? -1) ||
      Date.parse(a.topAlert?.openedAt ?? '9999-12-31') - Date.parse(b.topAlert?.openedAt ?? '9999-12-31') ||
      a.vehicle.unitNumber.localeCompare(b.vehicle.unitNumber, 'en', { numeric: true }),
  );
}

export interface RiskCounts extends Record<RiskLevel, number> {
  unknown: number;
  total: number;
}

export function riskCounts(vehicles: Iterable<{ riskLevel: RiskLevel | null }>): RiskCounts {
  const counts: RiskCounts = { low: 0, medium: 0, high: 0, critical: 0, unknown: 0, total: 0 };
  for (const { riskLevel } of vehicles) {
    counts[riskLevel ?? 'unknown'] += 1;
    counts.total += 1;
  }
  return counts;
}

/** Age bands of open alerts, in hours: each holds ages below its bound. */
export const ageBands = [
  { word: 'under 1 h', belowMs: 3600_000 },
  { word: '1–8 h', belowMs: 8 * 3600_000 },
  { word: '8–24 h', belowMs: 24 * 3600_000 },
  { word: 'over 24 h', belowMs: Number.POSITIVE_INFINITY },
] as const;

export type AgeTable = Record<AlertSeverity, number[]>;

/** Open alerts counted by severity and age band. */
export function openAlertAges(
  alerts: Iterable<{ status: string; severity: AlertSeverity; openedAt: string }>,
  nowMs: number,
): AgeTable {
  const table = Object.fromEntries(alertSeverities.map((severity) => [severity, ageBands.map(() => 0)])) as AgeTable;
  for (const alert of alerts) {
    if (alert.status !== 'open') continue;
    const ageMs = nowMs - Date.parse(alert.openedAt);
    const band = ageBands.findIndex(({ belowMs }) => ageMs < belowMs);
    const row = table[alert.severity];
    row[band] = (row[band] ?? 0) + 1;
  }
  return table;
}

/** How many organisations these trucks belong to. */
export const fleetCount = (vehicles: Iterable<Pick<LiveVehicle, 'tenantId'>>): number =>
  new Set([...vehicles].map(({ tenantId }) => tenantId)).size;
