import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  canonicalText,
  chainKeyOf,
  entryHash,
  genesisHash,
  hashedFields,
  type AuditEntryFields,
  type ChainPosition,
} from './entry-hash.ts';

const auditKey = 'c2VjcmV0LW9mLXRoZS1hdWRpdC1jaGFpbi10ZXN0LTE=';
const place: ChainPosition = { chain: 'platform', seq: 1, prevHash: genesisHash };
const entry: AuditEntryFields = {
  id: '0193f6c0-0000-7000-8000-000000000001',
  at: '2026-11-20T09:11:24.000Z',
  actorType: 'user',
  actorId: null,
  action: 'user.suspend',
  resourceType: 'user',
  resourceId: 'é',
  outcome: 'success',
  ip: null,
  userAgent: '',
  requestId: 'r-1',
  before: null,
  after: '{"isDeactivated":true}',
};

const text = fc.option(fc.string({ unit: 'binary' }), { nil: null });
const anyEntry: fc.Arbitrary<AuditEntryFields> = fc.record({
  id: fc.string(),
  at: fc.string(),
  actorType: fc.string(),
  actorId: text,
  action: fc.string(),
  resourceType: fc.string(),
  resourceId: text,
  outcome: fc.string(),
  ip: text,
  userAgent: text,
  requestId: text,
  before: text,
  after: text,
});

describe('what is hashed', () => {
  it('is this text, to the byte', () => {
    expect(canonicalText(place, entry)).toBe(
      '15:truckiq-audit-1;8:platform;1:1;64:' +
        `${genesisHash};36:0193f6c0-0000-7000-8000-000000000001;24:2026-11-20T09:11:24.000Z;4:user;-;` +
        '12:user.suspend;4:user;2:é;7:success;-;0:;3:r-1;-;22:{"isDeactivated":true};',
    );
  });

  it('differs whenever an entry differs, wherever a value ends', () => {
    fc.assert(
      fc.property(anyEntry, anyEntry, (a, b) => {
        const same = hashedFields.every((field) => a[field] === b[field]);
        expect(canonicalText(place, a) === canonicalText(place, b)).toBe(same);
      }),
    );
    const moved = { ...entry, action: 'user.suspend4:user', resourceType: '' };
    expect(canonicalText(place, moved)).not.toBe(canonicalText(place, entry));
    expect(canonicalText(place, { ...entry, ip: '' })).not.toBe(canonicalText(place, entry));
    expect(canonicalText(place, { ...entry, ip: '-' })).not.toBe(canonicalText(place, entry));
  });

  it('covers every field, the number, the chain and the hash before', () => {
    const key = chainKeyOf(auditKey, 'platform');
    const hashes = [
      entryHash(key, place, entry),
      ...hashedFields.map((field) => entryHash(key, place, { ...entry, [field]: 'changed' })),
      entryHash(key, { ...place, seq: 2 }, entry),
      entryHash(key, { ...place, chain: 'other' }, entry),
      entryHash(key, { ...place, prevHash: 'f'.repeat(64) }, entry),
      entryHash(chainKeyOf(auditKey, 'other'), place, entry),
    ];
    expect(new Set(hashes).size).toBe(hashedFields.length + 5);
    expect(hashes[0]).toBe(createHmac('sha256', key).update(canonicalText(place, entry)).digest('hex'));
  });
});

describe('the key of a chain', () => {
  it('is HKDF-SHA256 of the audit key, as RFC 5869 has it', () => {
    const extracted = createHmac('sha256', new Uint8Array(32)).update(Buffer.from(auditKey, 'base64')).digest();
    const expanded = createHmac('sha256', extracted).update('truckiq audit chain platform\x01').digest('hex');
    expect(Buffer.from(chainKeyOf(auditKey, 'platform')).toString('hex')).toBe(expanded);
  });
});
