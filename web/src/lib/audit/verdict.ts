/** What a verification of the audit log has found, in words. Pure. */
import type { AuditVerification } from '#contracts/audit';
import { formatCount, plural } from '../format/units.ts';

export interface Verdict {
  tone: 'success' | 'error' | 'info';
  title: string;
  text: string;
}

export function verdictOf({ ok, head, checked, brokenAt, reason }: AuditVerification): Verdict {
  if (ok && head === null) {
    return { tone: 'info', title: 'The log is empty.', text: 'There is nothing to verify yet.' };
  }
  if (ok) {
    return {
      tone: 'success',
      title: 'The log is whole.',
      text: `${reason === undefined ? '' : `Of a long log only the newest part is verified at once: ${reason}. `}${checked === 1 ? 'Its one entry is' : `${reason === undefined ? 'All' : 'The other'} ${formatCount(checked)} entries are`} what was once written: none changed, none missing, none added. The last is number ${formatCount(head?.seq ?? checked)}.`,
    };
  }
  const where =
    brokenAt === undefined ? 'The log does not hold.' : `The log does not hold from entry ${formatCount(brokenAt)} on.`;
  const what = reason === undefined ? '' : `What is wrong: ${reason}. `;
  const before =
    brokenAt === undefined || brokenAt <= 1
      ? ''
      : `${brokenAt === 2 ? 'The entry' : `The ${plural(brokenAt - 1, 'entry', 'entries')}`} before it ${brokenAt === 2 ? 'is' : 'are'} as written. `;
  return {
    tone: 'error',
    title: where,
    text: `${what}${before}Somebody has changed the database past the application: keep a copy of what you see and tell the operator of this installation.`,
  };
}
