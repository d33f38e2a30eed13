/** The second law of the reducer: what is written down, read back at any moment, is the state as it was. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asKept } from '#contracts/reading-scales';
import { startMs } from '#test/durable-objects/random-world';
import {
  fleet,
  linked,
  linkedId,
  linkedTruck,
  minuteMs,
  named,
  numbers,
  own,
  ownId,
  ownTruck,
  seededRoom,
  sent,
  still,
  type Sent,
} from '#test/durable-objects/random-readings';
import { packRows } from '../readings/packed-readings.ts';
import { packPart, toJournalRow, type JournalRow } from './journal-codec.ts';
import { reduce, type RoomEvent } from './room-reducer.ts';
import { emptyRoom, nothingUnsaved, type RoomState } from './room-state.ts';
import {
  heldByAll,
  newPlan,
  noteEntry,
  recover,
  takeDueParts,
  takeOldestParts,
  type StoredPart,
} from './snapshot-plan.ts';

/** What storage holds of a room's readings, and nothing else. */
class Stored {
  readonly rows: JournalRow[] = [];
  readonly parts = new Map<number, StoredPart>();
  plan = newPlan();
  lastId = 0;

  save(state: RoomState, isPressed: boolean): void {
    for (const entry of state.unsaved.journal) {
      this.lastId += 1;
      const row = toJournalRow(this.lastId, entry);
      // As bytes that nothing in memory shares.
      this.rows.push({ ...row, body: row.body.slice() });
      noteEntry(this.plan, row.count);
    }
    const due = takeDueParts(this.plan, this.lastId, state.readings.size);
    const pressed = isPressed ? takeOldestParts(this.plan, this.lastId, 3) : [];
    for (const part of [...due, ...pressed]) {
      const { nextMark } = state;
      this.parts.set(part, { part, through: this.lastId, nextMark, body: packPart(state, part) });
    }
    state.unsaved = nothingUnsaved();
  }

  /** The tracks hold everything up to some entry: what nobody needs goes. */
  prune(tracksThrough: number): void {
    const through = Math.min(tracksThrough, heldByAll(this.plan));
    const kept = this.rows.filter((row) => row.id > through);
    this.rows.splice(0, this.rows.length, ...kept);
  }

  recovered(): RoomState {
    const state = emptyRoom(own, 'epoch');
    const plan = newPlan();
    const from = Math.min(...plan.through.map((_, part) => this.parts.get(part)?.through ?? 0));
    recover(
      state,
      plan,
      this.parts.values(),
      this.rows.filter((row) => row.id > from),
    );
    expect(plan.through).toEqual(this.plan.through);
    return state;
  }
}

const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ op: fc.constant('ingest' as const), rows: fc.array(sent, { maxLength: 8 }) }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('mirror' as const), rows: fc.array(sent, { maxLength: 8 }) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('seed' as const), rows: fc.array(sent, { maxLength: 3 }) }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('remove' as const), vehicle: fc.nat({ max: fleet - 1 }) }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('bring' as const), vehicle: fc.nat({ max: fleet - 1 }) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('unlink' as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({ op: fc.constant('wait' as const), minutes: fc.integer({ min: 0, max: 1_500 }) }),
  },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('tick' as const) }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('press' as const) }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('prune' as const), behind: fc.nat({ max: 4 }) }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('crash' as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function eventsOf(next: Step, counter: number): RoomEvent[] {
  const rowsOf = (rows: readonly Sent[], idOf: (n: number) => string) =>
    rows.map(({ vehicle, reading }) => ({ vehicleId: idOf(vehicle), reading }));
  const change = { sourceTenantId: own, counters: [counter], vehicles: [], removedVehicleIds: [], alerts: [] };
  switch (next.op) {
    case 'ingest':
      return [{ kind: 'ingest', rows: packRows(next.rows.map(named)) }];
    case 'mirror':
      return [{ kind: 'mirror', sourceTenantId: linked, rows: rowsOf(next.rows, linkedId) }];
    case 'seed': {
      const readings = next.rows.map(({ vehicle, reading }) => ({ vehicleId: linkedId(vehicle), ...reading }));
      const seed = { sourceTenantId: linked, counter, vehicles: numbers.map(linkedTruck), alerts: [], readings };
      return [{ kind: 'seed', seed }];
    }
    case 'remove':
      return [{ kind: 'change', change: { ...change, removedVehicleIds: [ownId(next.vehicle)] } }];
    case 'bring':
      return [{ kind: 'change', change: { ...change, vehicles: [ownTruck(next.vehicle)] } }];
    case 'unlink':
      return [{ kind: 'dropSource', sourceTenantId: linked }];
    case 'tick':
      return [{ kind: 'tick' }];
    default:
      return [];
  }
}

describe('a recovery', () => {
  it('gives the state as it was, whenever it comes', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 120, size: 'max' }), (steps) => {
        let room = seededRoom();
        const stored = new Stored();
        stored.save(room, false);
        let nowMs = startMs;
        steps.forEach((next, n) => {
          if (next.op === 'wait') nowMs += next.minutes * minuteMs;
          reduce(room, { kind: 'age' }, nowMs);
          for (const event of eventsOf(next, n + 2)) reduce(room, event, nowMs);
          stored.save(room, next.op === 'press');
          if (next.op === 'prune') stored.prune(stored.lastId - next.behind);
          if (next.op !== 'crash') return;
          const { readings, nextMark } = stored.recovered();
          expect(readings).toEqual(room.readings);
          expect(nextMark).toBe(room.nextMark);
          // It goes on with what was recovered.
          const earliest = Math.min(...[...readings.values()].map((held) => held.statusUntilMs ?? Infinity));
          room = { ...room, readings, statusDueMs: Number.isFinite(earliest) ? earliest : null };
        });
        expect(stored.recovered().readings).toEqual(room.readings);
      }),
      { numRuns: 500 },
    );
  });

  it('has about as much to do again as the fleet is large', () => {
    const room = seededRoom();
    const stored = new Stored();
    for (let round = 1; round <= 2_000; round += 1) {
      const reading = asKept({ ...still, at: new Date(startMs + round).toISOString() });
      reduce(
        room,
        { kind: 'ingest', rows: packRows([{ vehicleId: ownId(round % fleet), vin: null, reading }]) },
        startMs + round,
      );
      stored.save(room, false);
      stored.prune(stored.lastId);
      expect(stored.rows.length).toBeLessThanOrEqual(64 * 16);
    }
    expect(stored.recovered().readings).toEqual(room.readings);
  });

  it('is not misled by bytes that are none of its own', () => {
    const row = { id: 1, source: null, seq: 1, nowMs: startMs, mark: 1, count: 1, body: new Uint8Array([1, 2]) };
    for (const kind of [0, 9]) {
      expect(() => recover(emptyRoom(own, 'epoch'), newPlan(), [], [{ ...row, kind }])).toThrow(TypeError);
    }
    const part = { part: 0, through: 1, nextMark: 1, body: new Uint8Array([0, 0, 1]) };
    expect(() => recover(emptyRoom(own, 'epoch'), newPlan(), [part], [])).toThrow(RangeError);
  });
});
