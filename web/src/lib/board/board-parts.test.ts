import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LiveAlert } from '#contracts/live';
import type { LiveState } from '../live/connection.ts';
import { idOf, liveAlert, liveVehicle, tenantId } from '../../../test/builders.ts';
import { alertBoard, deadlineOf } from './alert-rows.ts';
import { needsFit } from './camera.ts';
import { inboundRows, mayComeNext } from './inbound-rows.ts';
import { bannerWords, standingOf } from './standing.ts';
import { pageMs, pagesOf, rowsPerPageMax, sceneMs, scenesOf, turnAt, type SceneToShow, type Turn } from './turns.ts';
import { customerOf, fromKept, keepEveryMs, settingOf, toKept, type Wall } from './wall.ts';

const nowMs = Date.parse('2026-11-20T09:00:00.000Z');
const at = (minutesAgo: number): string => new Date(nowMs - minutesAgo * 60_000).toISOString();
const mapOf = <T extends { id: string }>(all: T[]): Map<string, T> => new Map(all.map((one) => [one.id, one]));

describe('pages', () => {
  it('hold every row once, in order, twelve at most, and none is much shorter than the others', () => {
    fc.assert(
      fc.property(fc.array(fc.integer(), { maxLength: 80 }), (rows) => {
        const pages = pagesOf(rows);
        expect(pages.flat()).toEqual(rows);
        const lengths = pages.map(({ length }) => length);
        expect(Math.max(...lengths)).toBeLessThanOrEqual(rowsPerPageMax);
        expect(pages.length).toBe(Math.max(1, Math.ceil(rows.length / rowsPerPageMax)));
        if (rows.length > 0) expect(Math.min(...lengths)).toBeGreaterThan(0);
      }),
    );
    expect(pagesOf([...Array(13).keys()]).map(({ length }) => length)).toEqual([7, 6]);
  });
});

describe('turns', () => {
  const play = (from: Turn, scenes: SceneToShow[], forMs: number): string[] => {
    const seen: string[] = [];
    let turn = from;
    for (let ms = 0; ms < forMs; ms += 1_000) {
      turn = turnAt(turn, from.sinceMs + ms, scenes);
      const key = `${turn.scene}${turn.page}`;
      if (seen.at(-1) !== key) seen.push(key);
    }
    return seen;
  };
  const start: Turn = { scene: 'attention', page: 0, sinceMs: nowMs };

  it('show each scene for twenty seconds, and every page of it', () => {
    const scenes: SceneToShow[] = [
      { scene: 'attention', pages: 3 },
      { scene: 'map', pages: 1 },
    ];
    expect(play(start, scenes, 3 * pageMs + sceneMs + 1_000)).toEqual([
      'attention0',
      'attention1',
      'attention2',
      'map0',
      'attention0',
    ]);
    expect(
      turnAt(start, nowMs + sceneMs - 1, [scenes[1] ?? start, { scene: 'attention', pages: 1 }] as SceneToShow[]),
    ).toBe(start);
  });

  it('go round the pages of one scene', () => {
    expect(play(start, [{ scene: 'attention', pages: 2 }], 3 * pageMs)).toEqual([
      'attention0',
      'attention1',
      'attention0',
    ]);
  });

  it('go on when a page or a scene is gone, and when the clock is set back', () => {
    const late: Turn = { scene: 'alerts', page: 4, sinceMs: nowMs };
    expect(turnAt(late, nowMs + 1, [{ scene: 'alerts', pages: 2 }])).toEqual({
      scene: 'alerts',
      page: 0,
      sinceMs: nowMs + 1,
    });
    expect(turnAt(late, nowMs + 1, [{ scene: 'map', pages: 1 }]).scene).toBe('map');
    const back = turnAt(start, nowMs - 3_600_000, [{ scene: 'attention', pages: 2 }]);
    expect(back).toEqual({ ...start, sinceMs: nowMs - 3_600_000 });
    expect(turnAt(back, nowMs - 3_600_000 + pageMs, [{ scene: 'attention', pages: 2 }]).page).toBe(1);
  });

  it('leave out what has nothing to show, and a map that cannot be drawn', () => {
    expect(scenesOf('rotate', { alerts: true, inbound: true, map: true })).toEqual([
      'attention',
      'map',
      'alerts',
      'inbound',
    ]);
    expect(scenesOf('rotate', { alerts: false, inbound: false, map: false })).toEqual(['attention']);
    expect(scenesOf('map', { alerts: true, inbound: true, map: false })).toEqual(['attention']);
    expect(scenesOf('inbound', { alerts: false, inbound: false, map: false })).toEqual(['inbound']);
  });
});

describe('alerts on a wall', () => {
  const board = (alerts: LiveAlert[]) => alertBoard({ vehicles: mapOf([liveVehicle(1)]), alerts: mapOf(alerts) });

  it('come by severity, then by the time that is left, then by age', () => {
    const { rows } = board([
      liveAlert(1, { severity: 'major', openedAt: at(90) }),
      liveAlert(2, { severity: 'critical', dueAt: at(-60) }),
      liveAlert(3, { severity: 'critical', dueAt: at(10) }),
      liveAlert(4, { severity: 'critical', openedAt: at(300) }),
      liveAlert(5, { severity: 'major', openedAt: at(100) }),
    ]);
    expect(rows.map(({ what }) => what)).toEqual(['Alert 3', 'Alert 2', 'Alert 4', 'Alert 5', 'Alert 1']);
  });

  it('are in the same order however they arrive', () => {
    const some = fc.array(
      fc.record({
        severity: fc.constantFrom('critical' as const, 'major' as const, 'minor' as const, 'info' as const),
        dueAt: fc.option(fc.integer({ min: -500, max: 500 }).map(at)),
        openedAt: fc.integer({ min: 0, max: 500 }).map(at),
      }),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(some, (parts) => {
        const alerts = parts.map((part, n) => liveAlert(n, part));
        expect(board(alerts.toReversed()).rows).toEqual(board(alerts).rows);
      }),
    );
  });

  it('count what is put aside apart, and name what is about no truck', () => {
    const found = board([
      liveAlert(1, { status: 'snoozed' }),
      liveAlert(2, { status: 'acknowledged', vehicleId: null, type: 'sync', severity: 'minor' }),
      liveAlert(3, { title: '1XKYDP9X0RJ000001 lost contact' }),
    ]);
    expect(found).toMatchObject({ total: 2, snoozed: 1, counts: { critical: 0, major: 1, minor: 1, info: 0 } });
    expect(found.rows.map(({ unit }) => unit)).toEqual(['U-1', 'Sync']);
    expect(found.rows[0]?.what).toBe('…RJ000001 lost contact');
  });

  it('say how they stand against their due time in shape and words', () => {
    const words = (openedAt: string, dueAt: string | null) => deadlineOf({ openedAt, dueAt }, nowMs);
    expect(words(at(60), at(-60))).toMatchObject({ look: { word: 'due in 1 h', shape: 'circle' }, share: 0.5 });
    expect(words(at(90), at(-10))).toMatchObject({ look: { word: 'due in 10 min', shape: 'triangle' }, share: 0.9 });
    expect(words(at(90), at(30))).toMatchObject({ look: { word: '30 min overdue', shape: 'square' }, share: 1 });
    expect(words(at(90), null)).toMatchObject({ look: { word: 'no deadline' }, share: null });
    expect(words(at(0), at(0)).share).toBe(1);
  });
});

describe('a wall', () => {
  const own = {
    display: { id: idOf(1), name: 'Bay 3', layout: 'map' as const, locationName: 'North shop', isAsleep: false },
    tenant: { id: tenantId, name: 'Summit', timeZone: 'America/Denver', units: 'us' as const },
    linkedTenants: [{ id: idOf(9_001), name: 'Blue Ridge' }],
    reasons: { [idOf(1)]: 'Coolant temp is 230 °F' },
    inbound: [
      { vehicleId: idOf(2), since: at(5), what: 'Call 303-555-0134' },
      { vehicleId: idOf(1), since: at(50), what: null },
      { vehicleId: idOf(3), since: at(1), what: 'not on this wall' },
    ],
  };
  const wall: Wall = {
    asOfMs: nowMs,
    setting: settingOf(own),
    picture: {
      epoch: 'e',
      seq: 4,
      vehicles: mapOf([
        liveVehicle(1, { riskLevel: 'critical', recommendedAction: 'pull_over' }),
        liveVehicle(2, { riskLevel: 'high', recommendedAction: 'next_service' }),
      ]),
      alerts: mapOf([liveAlert(1)]),
    },
  };

  it('comes back as it was kept, through storage that knows no classes', () => {
    const back = fromKept(JSON.parse(JSON.stringify(toKept(wall))));
    expect(back).toEqual({ ...wall, picture: { ...wall.picture, epoch: null, seq: 0 } });
  });

  it('is none when what was kept is not whole, or older than this build can read', () => {
    for (const odd of [null, undefined, 7, {}, { ...toKept(wall), version: 0 }, { ...toKept(wall), vehicles: [{}] }]) {
      expect(fromKept(odd)).toBeNull();
    }
  });

  it('names whose truck it is only where there are several fleets', () => {
    expect(customerOf(wall.setting, idOf(9_001))).toBe('Blue Ridge');
    expect(customerOf(wall.setting, tenantId)).toBe('Summit');
    expect(customerOf(wall.setting, idOf(5))).toBe('Another fleet');
    expect(customerOf({ ...wall.setting, customers: [] }, tenantId)).toBeNull();
  });

  it('lists who is on the way, the longest first, and nobody it does not know; and who may come next', () => {
    expect(inboundRows(wall).map(({ unitNumber, what }) => [unitNumber, what])).toEqual([
      ['U-1', null],
      ['U-2', 'Call [phone]'],
    ]);
    expect(mayComeNext(wall.picture)).toEqual(['U-1']);
  });

  it('is written seldom enough for a memory card', () => {
    expect([keepEveryMs(0), keepEveryMs(100), keepEveryMs(5_000)]).toEqual([60_000, 60_000, 600_000]);
  });
});

describe('how a board stands', () => {
  const live: LiveState = { kind: 'live', sinceMs: 0 };

  it('is current only while the server is heard', () => {
    expect(standingOf(null, live, nowMs)).toBe('empty');
    expect(standingOf(nowMs - 39_000, live, nowMs)).toBe('current');
    expect(standingOf(nowMs - 40_000, live, nowMs)).toBe('old');
    expect(standingOf(nowMs - 2_000, { kind: 'reconnecting', sinceMs: 0 }, nowMs)).toBe('catching_up');
    expect(standingOf(nowMs - 2_000, { kind: 'offline', sinceMs: 0 }, nowMs)).toBe('old');
    expect(standingOf(nowMs - 2_000, { kind: 'ended', sinceMs: 0, code: 4410 }, nowMs)).toBe('old');
  });

  it('is dated, with the year when it is another one', () => {
    const words = (daysAgo: number) => bannerWords(nowMs - daysAgo * 86_400_000, nowMs, 'America/Denver', null);
    expect(words(3)).toBe('Not live since Nov 17, 02:00 (3 d). This is the last known picture.');
    expect(words(400)).toContain('Oct 16, 2025, 03:00');
    expect(bannerWords(nowMs, nowMs, 'UTC', 'Why.')).toMatch(/picture\. Why\.$/);
  });
});

describe('the camera of a wall', () => {
  const view: [number, number, number, number] = [-110, 30, -90, 45];
  it('moves when a truck leaves the view or all come close, and not else', () => {
    expect(needsFit(view, [-108, 31, -92, 44])).toBe(false);
    expect(needsFit(view, [-111, 31, -92, 44])).toBe(true);
    expect(needsFit(view, [-101, 35, -98, 37])).toBe(true);
    // All in one yard: a point however near one goes.
    expect(needsFit(view, [-101, 35, -100.9, 35.1])).toBe(false);
  });
});
