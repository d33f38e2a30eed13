/** The loaded part of the audit log as a file for a spreadsheet. Pure. */
import type { AuditEntry } from '#contracts/audit';
import { csvText } from '../format/csv.ts';

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

export const auditCsv = (entries: readonly AuditEntry[]): string =>
  csvText([columns, ...entries.map((entry) => columns.map((column) => entry[column]))]);
