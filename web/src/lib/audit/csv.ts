/** The loaded part of the audit log as a file for a spreadsheet (RFC 4180). Pure. */
import type { AuditEntry } from '#contracts/audit';

const columns = [
  'at',
  'seq',
  'outcome',
  'action',
  'actorType',
  'actorName',
  'actorId',
  'resourceType',
  'resourceId',
  'ip',
  'userAgent',
  'requestId',
  'before',
  'after',
  'prevHash',
  'hash',
] as const satisfies readonly (keyof AuditEntry)[];

/** A cell that no spreadsheet takes for a formula, whatever somebody has typed. */
function cell(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number') return String(value);
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** With a byte order mark: without it Excel reads UTF-8 as something else. */
export const auditCsv = (entries: readonly AuditEntry[]): string =>
  `\ufeff${[columns.join(','), ...entries.map((entry) => columns.map((column) => cell(entry[column])).join(','))].join('\r\n')}\r\n`;
