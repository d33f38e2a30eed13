/** The alert inbox as a pure view: which alerts, in which groups, in which order. */
import { isLiveAlertStatus, type Alert, type AlertSeverity, type AlertStatus } from '#contracts/alerts';
import type { LiveAlert } from '#contracts/live';
import { severityRank } from '../format/states.ts';
import { byUrgency } from './attention.ts';

/** An alert in the inbox. What only REST knows (message, cause, who) is null until it has been read. */
export interface InboxAlert extends LiveAlert {
  detail: Alert | null;
}

export interface InboxGroup {
  /** null: alerts that belong to no truck (a failed sync). */
  vehicleId: string | null;
  alerts: InboxAlert[];
}

export interface InboxInput {
  view: AlertStatus;
  severity: AlertSeverity | null;
  vehicleId: string | null;
  /** What REST has read; holds every alert ever opened in a drawer as well. */
  read: ReadonlyMap<string, Alert>;
  /** The live alerts, or null before the first snapshot: then REST alone decides. */
  live: ReadonlyMap<string, LiveAlert> | null;
  /** Decisions of this person that the server has not confirmed yet. */
  decided: ReadonlyMap<string, AlertStatus>;
}

const fromRest = (alert: Alert): InboxAlert => ({
  id: alert.id,
  tenantId: alert.tenantId,
  vehicleId: alert.vehicleId,
  type: alert.type,
  severity: alert.severity,
  status: alert.status,
  title: alert.title,
  openedAt: alert.openedAt,
  occurrenceCount: alert.occurrenceCount,
  dueAt: alert.dueAt,
  detail: alert,
});

/** The alerts of one view. Open, acknowledged and snoozed ones follow the live picture; the rest is history from REST. */
export function inboxAlerts(input: InboxInput): InboxAlert[] {
  const known: InboxAlert[] = [];
  if (input.live !== null) {
    for (const alert of input.live.values()) known.push({ ...alert, detail: input.read.get(alert.id) ?? null });
  }
  for (const alert of input.read.values()) {
    // With a live picture an alert that REST read as open but the picture lacks has been closed since.
    const isOutdated = input.live !== null && (input.live.has(alert.id) || isLiveAlertStatus(alert.status));
    if (!isOutdated) known.push(fromRest(alert));
  }
  return known
    .map((alert) => ({ ...alert, status: input.decided.get(alert.id) ?? alert.status }))
    .filter(
      (alert) =>
        alert.status === input.view &&
        (input.severity === null || alert.severity === input.severity) &&
        (input.vehicleId === null || alert.vehicleId === input.vehicleId),
    )
    .sort((a, b) => byUrgency(a, b) || a.id.localeCompare(b.id));
}

/** Alerts by vehicle; the group with the most urgent alert first. `alerts` come sorted by urgency. */
export function inboxGroups(alerts: readonly InboxAlert[]): InboxGroup[] {
  const groups = new Map<string | null, InboxGroup>();
  for (const alert of alerts) {
    const group = groups.get(alert.vehicleId);
    if (group === undefined) groups.set(alert.vehicleId, { vehicleId: alert.vehicleId, alerts: [alert] });
    else group.alerts.push(alert);
  }
  return [...groups.values()];
}

/** The alert `step` places below (or above) the chosen one, staying on the list; the first when none is chosen. */
export function stepped(ids: readonly string[], chosen: string | null, step: 1 | -1): string | null {
  if (ids.length === 0) return null;
  const at = chosen === null ? -1 : ids.indexOf(chosen);
  if (at === -1) return ids[0] ?? null;
  return ids[Math.min(ids.length - 1, Math.max(0, at + step))] ?? null;
}

/** How many alerts of each severity, worst first, without zeros. */
export function severityCounts(alerts: readonly { severity: AlertSeverity }[]): [AlertSeverity, number][] {
  const counts = new Map<AlertSeverity, number>();
  for (const { severity } of alerts) counts.set(severity, (counts.get(severity) ?? 0) + 1);
  return [...counts].sort(([a], [b]) => severityRank[a] - severityRank[b]);
}
