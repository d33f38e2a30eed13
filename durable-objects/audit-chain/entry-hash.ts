/**
 * The hash of an audit entry, to the byte. docs/audit.md describes the same, so that anybody with the key can check a
 * dump of the log without this code. Pure.
 */
import { createHmac, hkdfSync, type BinaryLike } from 'node:crypto';

/** An entry as the outbox has it; the same names as the columns of `audit_log`. */
export interface AuditEntryFields {
  id: string;
  at: string;
  actorType: string;
  actorId: string | null;
  action: string;
  resourceType: string;
  resourceId: string | null;
  outcome: string;
  ip: string | null;
  userAgent: string | null;
  requestId: string | null;
  /** JSON text, hashed as it stands. */
  before: string | null;
  after: string | null;
}

/** Where an entry stands in its chain. */
export interface ChainPosition {
  chain: string;
  /** 1, 2, 3 … */
  seq: number;
  /** Hash of the entry before; `genesisHash` for the first. */
  prevHash: string;
}

export interface ChainedEntry extends AuditEntryFields {
  seq: number;
  prevHash: string;
  hash: string;
}

/** What the first entry of every chain follows. */
export const genesisHash = '0'.repeat(64);

/** Changes with the encoding: a hash made one way can then never be taken for one made another. */
const formatName = 'truckiq-audit-1';

/** Every column of an entry besides its place, in the order in which it is hashed. */
export const hashedFields = [
  'id',
  'at',
  'actorType',
  'actorId',
  'action',
  'resourceType',
  'resourceId',
  'outcome',
  'ip',
  'userAgent',
  'requestId',
  'before',
  'after',
] as const satisfies readonly (keyof AuditEntryFields)[];

const utf8 = new TextEncoder();

/** `<bytes in UTF-8>:<text>;` or `-;` for null: where a value ends does not depend on what stands in it. */
const encodeValue = (value: unknown): string =>
  value === null || value === undefined ? '-;' : `${utf8.encode(String(value)).byteLength}:${String(value)};`;

/**
 * What is hashed, as text (its UTF-8 bytes count): the format's name, chain, seq, the hash before, then every field in
 * the order of `hashedFields`, each as `encodeValue` writes it.
 */
export function canonicalText({ chain, seq, prevHash }: ChainPosition, entry: Readonly<AuditEntryFields>): string {
  return [formatName, chain, seq, prevHash, ...hashedFields.map((field) => entry[field])].map(encodeValue).join('');
}

/**
 * The key of one chain: HKDF-SHA256 of the audit key, no salt, info `truckiq audit chain ` + chain, 32 bytes. A key of its
 * own per chain: what is proven of one tenant's log can never be moved into another's.
 */
export const chainKeyOf = (auditKeyBase64: string, chain: string): Uint8Array =>
  new Uint8Array(
    hkdfSync(
      'sha256',
      Uint8Array.from(atob(auditKeyBase64), (character) => character.charCodeAt(0)),
      new Uint8Array(0),
      `truckiq audit chain ${chain}`,
      32,
    ),
  );

/** HMAC-SHA256 of the canonical text, in lower-case hex. Synchronous: numbering must not be interrupted by anything. */
export const entryHash = (key: Uint8Array, position: ChainPosition, entry: Readonly<AuditEntryFields>): string =>
  createHmac('sha256', key as BinaryLike & Uint8Array)
    .update(canonicalText(position, entry))
    .digest('hex');
