/**
 * AuditChain: numbers and hashes the audit entries of one tenant (or of the platform), one after the other, and is the
 * witness of what was numbered. One object per chain.
 *
 * The Worker brings entries out of D1, writes what comes back into the log, and then confirms. Every step may be repeated:
 * an id has one number for ever, so the answer to the same entries is the same. That is why the object keeps every id and
 * hash (about 250 bytes an entry; 10 GB hold forty million) and not only recent ones: an entry that was numbered twice
 * would leave a hole that looks like a deleted row.
 */
import { DurableObject } from 'cloudflare:workers';
import { chainKeyOf, entryHash, genesisHash, type AuditEntryFields, type ChainedEntry } from './entry-hash.ts';

export interface ChainHead {
  seq: number;
  hash: string;
}

export interface Appended {
  /** To be written into the log, in the order of their numbers; no number between them and the log's end is missing. */
  entries: ChainedEntry[];
  /** To be confirmed once they are in the log; 0 when nothing waits for it. */
  through: number;
  /** True when more entries wait than one answer holds. */
  more: boolean;
  /** Brought again with another content than they were numbered with: they are never numbered a second time. */
  refused: string[];
}

/**
 * How far the nightly walk over a long log has come. Kept here because nobody who can change the log can change this: what
 * it says was verified really was.
 */
export interface NightlyWalk {
  /** When it last went on; null while it never did. */
  at: string | null;
  /** The last entry of the round under way; null before its first. */
  reached: ChainHead | null;
  /** The last entry up to which every one has been verified, and when that was. */
  verified: (ChainHead & { at: string }) | null;
  /** What the last night found wrong; null when nothing. */
  broken: { seq: number; reason: string } | null;
}

export interface ChainStatus {
  /** The last entry that was numbered. */
  head: ChainHead | null;
  /** The last one that is known to stand in the log. */
  confirmed: ChainHead | null;
  walk: NightlyWalk;
}

/** The RPC face, called through stubs.ts. */
export interface AuditChainRpc {
  /** Numbers what is new, in the order of the ids, and answers everything that is not yet known to be in the log. */
  append(chain: string, entries: readonly AuditEntryFields[]): Promise<Appended>;
  /** Everything up to this number is in the log: its content need not be kept here any longer. */
  confirm(through: number): Promise<void>;
  status(): Promise<ChainStatus>;
  /** Hashes of `count` entries from number `from` on; fewer at the end of the chain. */
  hashes(from: number, count: number): Promise<string[]>;
  /** Remembers a night's walk; false, and nothing kept, for one that names entries which were never numbered so. */
  keepWalk(walk: NightlyWalk): Promise<boolean>;
}

export interface AuditChainEnv {
  /** 32 bytes, base64. */
  AUDIT_KEY: string;
}

const schema = `
CREATE TABLE IF NOT EXISTS numbered (
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, hash TEXT NOT NULL, entry TEXT);
CREATE INDEX IF NOT EXISTS numbered_unconfirmed ON numbered (seq) WHERE entry IS NOT NULL;
`;

/** One answer becomes one bound value of a D1 statement, which may have 2 MB: half of it, and no more than this many rows. */
export const mostPerAnswer = { rows: 200, bytes: 1_000_000 } as const;

type NumberedRow = { seq: number; id: string; hash: string; prev_hash: string | null; entry: string | null };

const chainNameKey = 'chain';
const walkKey = 'walk';
const notWalked: NightlyWalk = { at: null, reached: null, verified: null, broken: null };

export class AuditChain extends DurableObject<AuditChainEnv> implements AuditChainRpc {
  private readonly sql: SqlStorage;
  private own: { chain: string; key: Uint8Array } | null = null;

  constructor(ctx: DurableObjectState, env: AuditChainEnv) {
    super(ctx, env);
    this.sql = ctx.storage.sql;
    this.sql.exec(schema);
  }

  async append(chain: string, entries: readonly AuditEntryFields[]): Promise<Appended> {
    const key = this.keyOf(chain);
    // Without a pause from the first look to the last write: two Workers that bring the same entries take turns.
    return this.ctx.storage.transactionSync(() => {
      const known = this.findById(entries.map(({ id }) => id));
      const refused: string[] = [];
      const again: ChainedEntry[] = [];
      for (const entry of entries) {
        const row = known.get(entry.id);
        // What is unconfirmed is answered below as it was kept.
        if (row === undefined || row.entry !== null) continue;
        const position = { seq: row.seq, prevHash: row.prev_hash ?? genesisHash };
        if (entryHash(key, { chain, ...position }, entry) === row.hash) {
          again.push({ ...entry, ...position, hash: row.hash });
        } else refused.push(entry.id);
      }
      this.number(chain, key, inOrder(entries.filter(({ id }) => !known.has(id))));
      const waiting = this.readUnconfirmed();
      const fitting = withinBounds(waiting);
      return {
        entries: [...again, ...fitting].sort((a, b) => a.seq - b.seq),
        through: fitting.at(-1)?.seq ?? 0,
        more: fitting.length < waiting.length,
        refused,
      };
    });
  }

  async confirm(through: number): Promise<void> {
    this.sql.exec('UPDATE numbered SET entry = NULL WHERE entry IS NOT NULL AND seq <= ?', through);
  }

  async status(): Promise<ChainStatus> {
    const head = this.readHead();
    const [first] = this.sql
      .exec<{ seq: number }>('SELECT seq FROM numbered WHERE entry IS NOT NULL ORDER BY seq LIMIT 1')
      .toArray();
    const confirmed = first === undefined ? head : this.readNumbered(first.seq - 1);
    return { head, confirmed, walk: this.ctx.storage.kv.get<NightlyWalk>(walkKey) ?? notWalked };
  }

  async keepWalk(walk: NightlyWalk): Promise<boolean> {
    const isTrue = [walk.reached, walk.verified].every(
      (named) => named === null || this.readNumbered(named.seq)?.hash === named.hash,
    );
    if (isTrue) this.ctx.storage.kv.put(walkKey, walk);
    return isTrue;
  }

  async hashes(from: number, count: number): Promise<string[]> {
    return this.sql
      .exec<{ hash: string }>('SELECT hash FROM numbered WHERE seq >= ? AND seq < ? ORDER BY seq', from, from + count)
      .toArray()
      .map(({ hash }) => hash);
  }

  /** The chain's key. An object answers for the chain it was first called for, and for no other. */
  private keyOf(chain: string): Uint8Array {
    if (this.own === null) {
      const known = this.ctx.storage.kv.get<string>(chainNameKey);
      if (known === undefined) this.ctx.storage.kv.put(chainNameKey, chain);
      this.own = { chain: known ?? chain, key: chainKeyOf(this.env.AUDIT_KEY, known ?? chain) };
    }
    if (this.own.chain !== chain) throw new Error(`this object is the chain ${this.own.chain}, not ${chain}`);
    return this.own.key;
  }

  private readHead(): ChainHead | null {
    const [head] = this.sql
      .exec<{ seq: number; hash: string }>('SELECT seq, hash FROM numbered ORDER BY seq DESC LIMIT 1')
      .toArray();
    return head ?? null;
  }

  private readNumbered(seq: number): ChainHead | null {
    const rows = this.sql.exec<{ seq: number; hash: string }>('SELECT seq, hash FROM numbered WHERE seq = ?', seq);
    return rows.toArray()[0] ?? null;
  }

  private findById(ids: readonly string[]): Map<string, NumberedRow> {
    if (ids.length === 0) return new Map();
    const rows = this.sql.exec<NumberedRow>(
      `SELECT n.seq, n.id, n.hash, p.hash AS prev_hash, n.entry FROM json_each(?) AS wanted
        JOIN numbered n ON n.id = wanted.value LEFT JOIN numbered p ON p.seq = n.seq - 1`,
      JSON.stringify(ids),
    );
    return new Map([...rows].map((row) => [row.id, row]));
  }

  private number(chain: string, key: Uint8Array, entries: readonly AuditEntryFields[]): void {
    const head = this.readHead();
    let seq = head?.seq ?? 0;
    let prevHash = head?.hash ?? genesisHash;
    for (const entry of entries) {
      seq += 1;
      prevHash = entryHash(key, { chain, seq, prevHash }, entry);
      this.sql.exec(
        'INSERT INTO numbered (seq, id, hash, entry) VALUES (?, ?, ?, ?)',
        ...[seq, entry.id, prevHash, JSON.stringify(entry)],
      );
    }
  }

  /** One more than an answer holds, so that one can tell whether there is more. */
  private readUnconfirmed(): ChainedEntry[] {
    const rows = this.sql.exec<NumberedRow>(
      `SELECT n.seq, n.id, n.hash, p.hash AS prev_hash, n.entry FROM numbered n
        LEFT JOIN numbered p ON p.seq = n.seq - 1
        WHERE n.entry IS NOT NULL ORDER BY n.seq LIMIT ?`,
      mostPerAnswer.rows + 1,
    );
    return [...rows].map(({ seq, hash, prev_hash, entry }) => ({
      ...(JSON.parse(entry ?? '{}') as AuditEntryFields),
      ...{ seq, hash, prevHash: prev_hash ?? genesisHash },
    }));
  }
}

/** Ids are UUIDv7: their order is the order in which the entries were made. One id brought twice counts once. */
function inOrder(entries: readonly AuditEntryFields[]): AuditEntryFields[] {
  const byId = new Map(entries.map((entry) => [entry.id, entry]));
  return [...byId.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** As many of the first as one answer holds; always one, however large. */
function withinBounds(entries: readonly ChainedEntry[]): ChainedEntry[] {
  const measure = new TextEncoder();
  let bytes = 0;
  let rows = 0;
  for (const entry of entries.slice(0, mostPerAnswer.rows)) {
    bytes += measure.encode(JSON.stringify(entry)).byteLength;
    if (rows > 0 && bytes > mostPerAnswer.bytes) break;
    rows += 1;
  }
  return entries.slice(0, rows);
}
