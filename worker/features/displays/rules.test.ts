import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { userCodeAlphabet, userCodeSchema } from '#contracts/displays';
import { isSilent, judgeAsk, lastLifeAt, newUserCode, silenceSignal, toClaim, type WaitingCode } from './rules.ts';

const nowMs = Date.parse('2026-11-20T12:00:00.000Z');
const at = (seconds: number): string => new Date(nowMs + seconds * 1_000).toISOString();

describe('codes that people read out', () => {
  const bytesFrom = (values: Iterator<number>) => (count: number) =>
    Uint8Array.from({ length: count }, () => values.next().value ?? 0);

  test('are what a claim accepts, spell nothing, and hold nothing that is mistaken for something else', () => {
    fc.assert(
      fc.property(fc.infiniteStream(fc.integer({ min: 0, max: 255 })), (stream) => {
        const code = newUserCode(bytesFrom(stream[Symbol.iterator]()));
        expect(code).toMatch(/^[A-Z2-9]{3}-[A-Z2-9]{3}$/);
        expect(code).not.toMatch(/[0O1ILAEUY]/);
        expect(userCodeSchema.parse(code)).toBe(code);
      }),
    );
  });

  test('every sign is equally likely: of 256 bytes the last thirteen are drawn again', () => {
    const seen = new Map<string, number>();
    for (let byte = 0; byte < 243; byte += 1) {
      const sign = newUserCode(() => new Uint8Array(8).fill(byte))[0] ?? '';
      seen.set(sign, (seen.get(sign) ?? 0) + 1);
    }
    expect(seen.size).toBe(27);
    expect(new Set(seen.values())).toEqual(new Set([9]));
    const again = [255, 243, 250, 0, 1, 2, 3, 4];
    let asked = 0;
    expect(newUserCode(() => ((asked += 1), Uint8Array.from(again)))).toMatch(/^[A-Z]{3}-[A-Z]{3}$/);
    expect(asked).toBe(2);
    expect([...seen.keys()].every((sign) => userCodeAlphabet.includes(sign))).toBe(true);
  });

  test.each([' rkm-234 ', 'RKM234', 'r k m 2 3 4'])('"%s" is RKM-234', (typed) => {
    expect(userCodeSchema.parse(typed)).toBe('RKM-234');
  });
  test.each(['RKM-23', 'RKM-2345', 'RKM-23O', 'RKM-231', '', 'RKM_234', 'RKM-23é'])('"%s" is no code', (typed) => {
    expect(userCodeSchema.safeParse(typed).success).toBe(false);
  });
});

describe('what a waiting screen hears', () => {
  const code = (fields: Partial<WaitingCode> = {}): WaitingCode => ({
    status: 'pending',
    intervalSeconds: 5,
    lastAskedAt: null,
    expiresAt: at(900),
    isWithdrawn: false,
    ...fields,
  });

  test('refused, used up and run out, whatever else is true of it', () => {
    expect(judgeAsk(code({ status: 'denied' }), nowMs).kind).toBe('denied');
    expect(judgeAsk(code({ status: 'used' }), nowMs).kind).toBe('expired');
    for (const status of ['pending', 'claimed'] as const) {
      expect(judgeAsk(code({ status, expiresAt: at(0) }), nowMs).kind).toBe('expired');
      expect(judgeAsk(code({ status, expiresAt: at(0) }), nowMs - 1).kind).not.toBe('expired');
    }
    expect(judgeAsk(code({ status: 'claimed', isWithdrawn: true }), nowMs).kind).toBe('denied');
  });

  test('the first question may come at once, the next after the interval', () => {
    expect(judgeAsk(code(), nowMs)).toEqual({ kind: 'pending', isTooSoon: false, intervalSeconds: 5 });
    expect(judgeAsk(code({ lastAskedAt: at(-5) }), nowMs)).toMatchObject({ isTooSoon: false });
    expect(judgeAsk(code({ lastAskedAt: at(-4.5) }), nowMs)).toMatchObject({ isTooSoon: false });
    expect(judgeAsk(code({ lastAskedAt: at(-4.4) }), nowMs)).toMatchObject({ isTooSoon: true, intervalSeconds: 10 });
  });

  test('each early question makes all the following ones five seconds slower, up to a minute', () => {
    let intervalSeconds = 5;
    const heard: number[] = [];
    for (let question = 0; question < 14; question += 1) {
      const outcome = judgeAsk(code({ lastAskedAt: at(-1), intervalSeconds }), nowMs);
      if (outcome.kind !== 'pending') throw new Error('not pending');
      intervalSeconds = outcome.intervalSeconds;
      heard.push(intervalSeconds);
    }
    expect(heard).toEqual([10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 60, 60, 60]);
    expect(judgeAsk(code({ lastAskedAt: at(-10), intervalSeconds: 15 }), nowMs)).toMatchObject({ isTooSoon: true });
    expect(judgeAsk(code({ lastAskedAt: at(-15), intervalSeconds: 15 }), nowMs)).toEqual({
      ...{ kind: 'pending', isTooSoon: false, intervalSeconds: 15 },
    });
  });

  test('a claimed one gets its token however hastily it asks', () => {
    expect(judgeAsk(code({ status: 'claimed', lastAskedAt: at(0) }), nowMs).kind).toBe('ready');
  });
});

test('a claim is a refusal or has everything', () => {
  const fields = { name: 'Bay', locationName: 'Shop', layout: 'map' } as const;
  expect(toClaim({ userCode: 'RKM-234', ...fields })).toEqual({ kind: 'pair', fields });
  expect(toClaim({ userCode: 'RKM-234', ...fields, deny: false })).toEqual({ kind: 'pair', fields });
  expect(toClaim({ userCode: 'RKM-234', ...fields, deny: true })).toEqual({ kind: 'deny' });
});

describe('silence', () => {
  const screen = { id: 'd', name: 'Bay 3', locationName: 'North shop', createdAt: at(-3600) };

  test('counts from the last heartbeat, and from the pairing while there is none', () => {
    expect(lastLifeAt({ ...screen, lastHeartbeatAt: null })).toBe(at(-3600));
    expect(lastLifeAt({ ...screen, lastHeartbeatAt: at(-20) })).toBe(at(-20));
    const asked = { isRoomHeard: true };
    expect(isSilent({ ...screen, lastHeartbeatAt: at(-149) }, nowMs, asked)).toBe(false);
    expect(isSilent({ ...screen, lastHeartbeatAt: at(-150) }, nowMs, asked)).toBe(true);
    expect(isSilent({ lastHeartbeatAt: null, createdAt: at(-149) }, nowMs, asked)).toBe(false);
    expect(isSilent({ lastHeartbeatAt: null, createdAt: at(-150) }, nowMs, asked)).toBe(true);
  });

  test('with no word from the room the copy is believed only when it is old', () => {
    const unheard = { isRoomHeard: false };
    expect(isSilent({ ...screen, lastHeartbeatAt: at(-600) }, nowMs, unheard)).toBe(false);
    expect(isSilent({ ...screen, lastHeartbeatAt: at(-15 * 60 - 150) }, nowMs, unheard)).toBe(true);
  });

  test('is told by name, place and since when, in words that stay while it lasts', () => {
    const silent = { ...screen, lastHeartbeatAt: at(-200) };
    expect(silenceSignal(silent)).toMatchObject({
      ...{ cause: 'display:d', type: 'display', severity: 'major', vehicleId: null, occurrenceCount: 1 },
      title: 'Display silent: Bay 3, North shop',
      message: expect.stringContaining('“Bay 3” at North shop has not reported since 2026-11-20 11:56 UTC'),
    });
    expect(silenceSignal({ ...screen, lastHeartbeatAt: null }).message).toContain('has not reported once');
  });
});
