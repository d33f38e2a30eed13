/** The wall's view of alerts as they age: worst first, then by how little time is left. Pure. */
import type { AlertSeverity, AlertStatus } from '#contracts/alerts';
import { wallText, wallUnit } from '#contracts/wall-text';
import { alertTypeWords, severityRank, type StateLook } from '../format/states.ts';
import { formatSpan } from '../format/time.ts';
import { boardRowsMax } from '../live/board.ts';
import type { LivePicture } from '../live/fold.ts';

export interface AlertBoardRow {
  id: string;
  tenantId: string;
  severity: AlertSeverity;
  /** The truck, or what the alert is about when it is about none. */
  unit: string;
  what: string;
  status: AlertStatus;
  openedAt: string;
  dueAt: string | null;
}

export interface AlertBoard {
  rows: AlertBoardRow[];
  /** All that are not put aside, by severity; `rows` may hold fewer. */
  counts: Record<AlertSeverity, number>;
  total: number;
  snoozed: number;
  /** Whether any of them has a due time: where none has, nothing is said of it. */
  hasDeadlines: boolean;
}

/** A due time that is missing comes after every other. */
const dueMs = (dueAt: string | null): number => (dueAt === null ? Number.POSITIVE_INFINITY : Date.parse(dueAt));
const compared = (a: number, b: number): number => (a === b ? 0 : a < b ? -1 : 1);

/** Open and acknowledged alerts: by severity, then the one whose time runs out first, then the older one. */
export function alertBoard({ alerts, vehicles }: Pick<LivePicture, 'alerts' | 'vehicles'>): AlertBoard {
  const counts: Record<AlertSeverity, number> = { critical: 0, major: 0, minor: 0, info: 0 };
  let snoozed = 0;
  const rows: AlertBoardRow[] = [];
  for (const alert of alerts.values()) {
    if (alert.status === 'snoozed') {
      snoozed += 1;
      continue;
    }
    counts[alert.severity] += 1;
    const unit = alert.vehicleId === null ? undefined : vehicles.get(alert.vehicleId)?.unitNumber;
    rows.push({
      id: alert.id,
      tenantId: alert.tenantId,
      severity: alert.severity,
      unit: unit === undefined ? alertTypeWords[alert.type] : wallUnit(unit),
      what: wallText(alert.title),
      status: alert.status,
      openedAt: alert.openedAt,
      dueAt: alert.dueAt,
    });
  }
  rows.sort(
    (a, b) =>
      severityRank[a.severity] - severityRank[b.severity] ||
      compared(dueMs(a.dueAt), dueMs(b.dueAt)) ||
      compared(Date.parse(a.openedAt), Date.parse(b.openedAt)) ||
      a.id.localeCompare(b.id),
  );
  return {
    rows: rows.slice(0, boardRowsMax),
    counts,
    total: rows.length,
    snoozed,
    hasDeadlines: rows.some(({ dueAt }) => dueAt !== null),
  };
}

export interface Deadline {
  look: StateLook;
  /** How much of the time from opening to due is gone, 0 to 1; null without a due time. */
  share: number | null;
}

/** From here on, of the whole time, it is soon. */
const soonShare = 0.75;

/** How an alert stands against its due time, as shape and words: "2 h overdue", "due in 20 min". */
export function deadlineOf({ openedAt, dueAt }: Pick<AlertBoardRow, 'openedAt' | 'dueAt'>, nowMs: number): Deadline {
  if (dueAt === null) return { look: { word: 'no deadline', shape: 'dash', tone: 'unknown' }, share: null };
  const [openedMs, endMs] = [Date.parse(openedAt), Date.parse(dueAt)];
  const leftMs = endMs - nowMs;
  if (leftMs <= 0) {
    return { look: { word: `${formatSpan(-leftMs)} overdue`, shape: 'square', tone: 'critical' }, share: 1 };
  }
  const share = endMs > openedMs ? Math.min(1, Math.max(0, (nowMs - openedMs) / (endMs - openedMs))) : 1;
  const word = `due in ${formatSpan(leftMs)}`;
  return share >= soonShare
    ? { look: { word, shape: 'triangle', tone: 'high' }, share }
    : { look: { word, shape: 'circle', tone: 'low' }, share };
}
