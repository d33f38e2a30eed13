/**
 * Pure: from what is true of the vehicles to what should happen to the alerts. Exactly one live alert per cause; it is
 * counted while it repeats, resolves when its cause goes, and is reopened rather than duplicated when the cause returns.
 */
import type { AlertSeverity, AlertStatus, AlertType } from '#contracts/alerts';
import { isLiveAlertStatus } from '#contracts/alerts';
import type { RecommendedAction, RiskLevel } from '#contracts/risk';

/** A cause that holds now. */
export interface AlertSignal {
  cause: string;
  type: AlertType;
  severity: AlertSeverity;
  vehicleId: string | null;
  title: string;
  message: string;
  occurrenceCount: number;
}

/** An alert that exists for a cause. */
export interface KnownAlert {
  id: string;
  cause: string;
  status: AlertStatus;
  severity: AlertSeverity;
  title: string;
  message: string;
  occurrenceCount: number;
  resolvedAt: string | null;
  /** null when it resolved by itself. */
  resolvedBy: string | null;
  /** null while the cause has held without a break since the alert opened. */
  causeEndedAt: string | null;
  openedAt: string;
}

export interface AlertDecisions {
  open: AlertSignal[];
  /** A live alert whose words, severity or count moved. */
  update: { id: string; signal: AlertSignal }[];
  /** A resolved alert whose cause is back. */
  reopen: { id: string; signal: AlertSignal }[];
  resolve: string[];
  /** Alerts settled by a person whose cause has gone: if it returns, their word no longer covers it. */
  causeEnded: string[];
}

export const noDecisions: AlertDecisions = { open: [], update: [], reopen: [], resolve: [], causeEnded: [] };

/** A cause that comes back within this time continues its old alert. */
export const reopenWithinMs = 24 * 3600_000;

const severityRank: Record<AlertSeverity, number> = { critical: 3, major: 2, minor: 1, info: 0 };

/**
 * True while a person's word ("resolved", "false positive") still covers the signal: the cause has held ever since, has
 * not happened again and has not become worse.
 */
function isSettledByPerson(known: KnownAlert, signal: AlertSignal): boolean {
  const settled = known.status === 'false_positive' || (known.status === 'resolved' && known.resolvedBy !== null);
  return (
    settled &&
    known.causeEndedAt === null &&
    signal.occurrenceCount <= known.occurrenceCount &&
    severityRank[signal.severity] <= severityRank[known.severity]
  );
}

const differs = (known: KnownAlert, signal: AlertSignal): boolean =>
  known.severity !== signal.severity ||
  known.title !== signal.title ||
  known.message !== signal.message ||
  known.occurrenceCount !== signal.occurrenceCount;

/** Per cause the one alert that counts: the live one, else the newest. */
function newestByCause(known: readonly KnownAlert[]): Map<string, KnownAlert> {
  const byCause = new Map<string, KnownAlert>();
  for (const alert of known) {
    const other = byCause.get(alert.cause);
    const isLive = isLiveAlertStatus(alert.status);
    if (other === undefined || isLive || (!isLiveAlertStatus(other.status) && other.openedAt < alert.openedAt)) {
      byCause.set(alert.cause, alert);
    }
  }
  return byCause;
}

/**
 * Decides from the signals that hold and the known alerts: all whose cause has not ended, and of the causes that hold
 * now the ended ones too. Deciding again on the outcome decides nothing.
 */
export function decideAlerts(signals: readonly AlertSignal[], known: readonly KnownAlert[], now: Date): AlertDecisions {
  const knownByCause = newestByCause(known);
  const decisions: AlertDecisions = { open: [], update: [], reopen: [], resolve: [], causeEnded: [] };
  const holding = new Set<string>();
  for (const signal of signals) {
    if (holding.has(signal.cause)) continue;
    holding.add(signal.cause);
    const alert = knownByCause.get(signal.cause);
    if (alert === undefined) decisions.open.push(signal);
    else if (isLiveAlertStatus(alert.status)) {
      if (differs(alert, signal)) decisions.update.push({ id: alert.id, signal });
    } else if (!isSettledByPerson(alert, signal)) {
      const endedMs = alert.resolvedAt === null ? 0 : Date.parse(alert.resolvedAt);
      if (now.getTime() - endedMs <= reopenWithinMs) decisions.reopen.push({ id: alert.id, signal });
      else decisions.open.push(signal);
    }
  }
  for (const alert of known) {
    if (holding.has(alert.cause)) continue;
    if (isLiveAlertStatus(alert.status)) decisions.resolve.push(alert.id);
    else if (alert.causeEndedAt === null) decisions.causeEnded.push(alert.id);
  }
  return decisions;
}

export interface VehicleSituation {
  id: string;
  unitNumber: string;
  riskLevel: RiskLevel | null;
  riskScore: number | null;
  recommendedAction: RecommendedAction | null;
  /** The points of the newest score, heaviest first, in words. */
  reasons: readonly string[];
}

export interface FaultSituation {
  vehicleId: string;
  sourceAddress: number;
  spn: number;
  fmi: number;
  severity: 'critical' | 'major';
  /** A few words for a title. */
  title: string;
  /** What it means and what to do. */
  meaning: string;
  advice: string;
  occurrenceCount: number;
}

export const faultCause = (fault: Pick<FaultSituation, 'vehicleId' | 'sourceAddress' | 'spn' | 'fmi'>): string =>
  `fault:${fault.vehicleId}:${fault.sourceAddress}:${fault.spn}:${fault.fmi}`;
export const riskCause = (vehicleId: string): string => `risk:${vehicleId}`;

const actionWords: Record<RecommendedAction, string> = {
  keep_driving: 'Keep driving.',
  next_service: 'Have it looked at during the next service.',
  drive_to_dealer: 'Drive to a dealer.',
  pull_over: 'Pull over safely and stop.',
};

/** Signals of one vehicle: each active critical or major fault, and a risk in the upper two bands. */
export function signalsOfVehicle(vehicle: VehicleSituation, faults: readonly FaultSituation[]): AlertSignal[] {
  const signals: AlertSignal[] = faults.map((fault) => ({
    cause: faultCause(fault),
    type: 'fault',
    severity: fault.severity,
    vehicleId: vehicle.id,
    title: fault.title,
    message: `Unit ${vehicle.unitNumber}: ${fault.meaning} ${fault.advice} (SPN ${fault.spn} FMI ${fault.fmi})`,
    occurrenceCount: Math.max(1, fault.occurrenceCount),
  }));
  const { riskLevel, riskScore, recommendedAction } = vehicle;
  if (riskLevel === 'high' || riskLevel === 'critical') {
    const action = recommendedAction === null ? '' : ` ${actionWords[recommendedAction]}`;
    const reasons = vehicle.reasons.length === 0 ? '' : ` ${vehicle.reasons.join('; ')}.`;
    signals.push({
      cause: riskCause(vehicle.id),
      type: 'risk',
      severity: riskLevel === 'critical' ? 'critical' : 'major',
      vehicleId: vehicle.id,
      title: `Breakdown risk ${riskLevel}`,
      message: `Unit ${vehicle.unitNumber}: risk ${riskScore ?? '?'} of 100.${reasons}${action}`,
      occurrenceCount: 1,
    });
  }
  return signals;
}
