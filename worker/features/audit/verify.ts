/**
 * Is the log what was once written? Every hash is computed again from the first entry, and what comes out is held against
 * two witnesses that a change in D1 does not reach: the object that numbered the entries, and the daily heads in R2. Pure.
 */
import { entryHash, genesisHash } from '#durable-objects/audit-chain/entry-hash';
import type { AuditVerification } from '#contracts/audit';
import type { DailyHead } from '../../audit/daily-heads.ts';
import type { AuditLogRow } from './store.ts';

export interface ChainBreak {
  /** The first number that is wrong or missing. */
  seq: number;
  reason: string;
}

export interface VerifierOptions {
  chain: string;
  /** The chain's key, see `chainKeyOf`. */
  key: Uint8Array;
  /** Heads kept in R2, in the order of their numbers. */
  dailyHeads: readonly DailyHead[];
  /** The entry after which the walk begins, as the object numbered it; left out, it begins with the first. */
  start?: DailyHead | null;
}

/** Walks a chain stretch by stretch and stops at the first break. */
export class ChainVerifier {
  private readonly options: VerifierOptions;
  /** Hashes that a row of this number must have; more than one when the heads contradict each other. */
  private readonly heads = new Map<number, Set<string>>();
  private broken: ChainBreak | null = null;
  private last: { id: string | null; seq: number; hash: string } | null;
  private checked = 0;

  constructor(options: VerifierOptions) {
    this.options = options;
    this.last = options.start ? { id: null, ...options.start } : null;
    for (const { seq, hash } of options.dailyHeads) {
      this.heads.set(seq, (this.heads.get(seq) ?? new Set<string>()).add(hash));
    }
  }

  /** What is wrong so far. */
  get found(): ChainBreak | null {
    return this.broken;
  }

  /** The last entry that holds. */
  get reached(): DailyHead | null {
    return this.last && { seq: this.last.seq, hash: this.last.hash };
  }

  /** The number after which the next stretch begins. */
  get after(): number {
    return this.last?.seq ?? 0;
  }

  /**
   * Takes the next rows in the order of their numbers, and the object's hashes from number `after + 1` on. A stretch may
   * begin with the row that the one before ended with: whoever reads on "from there" sees a second row of that number too.
   */
  take(rows: readonly AuditLogRow[], witnessed: readonly string[]): void {
    const first = this.after + 1;
    for (const row of rows) {
      // Of the entry that a walk begins after only number and hash are known.
      const { id = null, seq, hash } = this.last ?? {};
      if (row.seq === seq && (id === null ? row.hash === hash : row.id === id)) continue;
      this.broken ??= this.judge(row, witnessed[row.seq - first]);
      if (this.broken !== null) return;
      this.last = row;
    }
  }

  /** What is wrong with the row that comes next; null when nothing is. */
  private judge(row: AuditLogRow, witnessed: string | undefined): ChainBreak | null {
    const { seq } = row;
    const expected = this.after + 1;
    const is = (reason: string): ChainBreak => ({ seq, reason });
    if (seq > expected) return { seq: expected, reason: `entry ${expected} is missing` };
    if (seq !== expected) return is(`a row with the number ${seq} stands where entry ${expected} belongs`);
    const { chain, key } = this.options;
    this.checked += 1;
    if (entryHash(key, { chain, seq, prevHash: row.prevHash }, row) !== row.hash) {
      return is(`entry ${seq} is not what was hashed`);
    }
    if (row.prevHash !== (this.last?.hash ?? genesisHash)) return is(`entry ${seq} does not follow the one before it`);
    if (witnessed === undefined) return is(`entry ${seq} was never numbered by the chain`);
    if (witnessed !== row.hash) return is(`entry ${seq} is not the one that was numbered`);
    const kept = this.heads.get(seq);
    if (kept !== undefined && (kept.size > 1 || !kept.has(row.hash))) {
      return is(`entry ${seq} is not the one whose hash was kept that day`);
    }
    return null;
  }

  /** The verdict once every row was taken; `confirmedSeq` is the last entry that the object knows to be in the log. */
  end(confirmedSeq: number, logHead: AuditVerification['head']): AuditVerification {
    const reached = this.after;
    const lastKept = Math.max(0, ...this.heads.keys());
    const ends = (what: string, at: number): ChainBreak | null =>
      reached < at ? { seq: reached + 1, reason: `the log ends with entry ${reached}, ${what} ${at}` } : null;
    const unreadable = this.heads.has(0) ? { seq: 1, reason: 'a daily head of this chain cannot be read' } : null;
    const found =
      this.broken ?? ends('the chain goes to', confirmedSeq) ?? ends('the daily heads go to', lastKept) ?? unreadable;
    return {
      ok: found === null,
      head: logHead,
      checked: this.checked,
      ...(found === null ? {} : { brokenAt: found.seq, reason: found.reason }),
    };
  }
}
