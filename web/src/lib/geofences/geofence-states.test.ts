import { describe, expect, test } from 'vitest';
import type { CreateGeofenceInput, Geofence } from '#contracts/geofences';
import { ApiFailure } from '../api/failure.ts';
import { GeofenceEditor } from '../state/geofence-editor.svelte.ts';
import { GeofenceImport } from '../state/geofence-import.svelte.ts';
import { Geofences } from '../state/geofences.svelte.ts';
import { circleId, emptyDraft, withArea } from './draft.ts';
import { box, dock, fenceOf, idOf, two, yard } from './example-fences.ts';
import { toGeoJson } from './geojson-files.ts';

const refusal = (init: Partial<ConstructorParameters<typeof ApiFailure>[0]>): ApiFailure =>
  new ApiFailure({ code: 'VALIDATION_FAILED', status: 400, message: 'refused', ...init });

const fileOf = (count: number) => {
  const text = JSON.stringify(
    toGeoJson(Array.from({ length: count }, (_, n) => fenceOf(n + 1, n % 2 === 0 ? yard : dock))),
  );
  return { name: 'yards.geojson', size: text.length, text: () => Promise.resolve(text) };
};
const made = (input: CreateGeofenceInput, n: number): Geofence => fenceOf(n, input.shape, { name: input.name });

describe('an import', () => {
  test('draws every feature, tells of them in batches, and goes past those that are refused', async () => {
    let sent = 0;
    const told: number[] = [];
    const importing = new GeofenceImport(
      (input) => {
        sent += 1;
        if (sent === 3) {
          const details = { issues: [{ path: 'shape.coordinates.0', message: 'the outer ring crosses itself' }] };
          return Promise.reject(refusal({ details }));
        }
        return Promise.resolve(made(input, sent));
      },
      (fences) => told.push(fences.length),
    );
    await importing.choose(fileOf(60));
    expect(importing.good.length).toBe(60);
    await importing.start();
    expect([importing.isDone, importing.createdCount, importing.failure]).toEqual([true, 59, null]);
    expect(importing.rejected).toEqual([{ number: 3, name: 'Yard 3', message: 'the outer ring crosses itself' }]);
    expect(told).toEqual([25, 25, 9]);
  });

  test('stops between two features and goes on with the next', async () => {
    const names: string[] = [];
    const importing: GeofenceImport = new GeofenceImport(
      (input) => {
        names.push(input.name);
        if (names.length === 4) importing.stop();
        return Promise.resolve(made(input, names.length));
      },
      () => {},
    );
    await importing.choose(fileOf(10));
    await importing.start();
    expect([importing.doneCount, importing.isDone, importing.isBusy]).toEqual([4, false, false]);
    await importing.start();
    expect(importing.isDone).toBe(true);
    expect(names).toEqual(Array.from({ length: 10 }, (_, n) => `Yard ${n + 1}`));
  });

  test('waits where it is asked to, ends where it must, and never sends one twice that was drawn', async () => {
    const waits: number[] = [];
    let asked = 0;
    const importing = new GeofenceImport(
      (input) => {
        asked += 1;
        if (asked === 2) return Promise.reject(refusal({ code: 'RATE_LIMITED', status: 429, retryAfterSeconds: 7 }));
        if (asked === 4) return Promise.reject(refusal({ code: 'CONFLICT', status: 409, message: 'at most 5000' }));
        return Promise.resolve(made(input, asked));
      },
      () => {},
      (ms) => {
        waits.push(ms);
        return Promise.resolve();
      },
    );
    await importing.choose(fileOf(5));
    await importing.start();
    expect(waits).toEqual([7_000]);
    expect([importing.createdCount, importing.doneCount, importing.failure?.message]).toEqual([2, 2, 'at most 5000']);
    await importing.start();
    expect([importing.createdCount, importing.isDone]).toEqual([5, true]);
  });

  test('says what is wrong with a file before anything is sent', async () => {
    const importing = new GeofenceImport(
      () => Promise.reject(new Error('it was sent')),
      () => {},
    );
    await importing.choose({ name: 'a.csv', size: 3, text: () => Promise.resolve('a,b') });
    expect(importing.problem).toMatch(/no GeoJSON/);
    await importing.start();
    await importing.choose({ name: 'b', size: 60_000_000, text: () => Promise.resolve('') });
    expect(importing.problem).toMatch(/larger than 50 MB/);
    expect(importing.hasRun).toBe(false);
  });
});

describe('an editor', () => {
  test('takes steps back and forth, each with what it brought in hand', () => {
    const editor = new GeofenceEditor(null, () => {});
    expect([editor.tool, editor.isChanged]).toEqual(['polygon', false]);
    const one = withArea(emptyDraft, 'a', box(0, 0, 1));
    editor.change(one);
    editor.pick('select');
    const both = withArea(one, 'b', box(5, 0, 1));
    editor.change(both);
    expect(editor.isChanged).toBe(true);
    editor.undo();
    expect([editor.draft, editor.selectedId, editor.canRedo]).toEqual([one, 'a', true]);
    editor.redo();
    expect([editor.draft, editor.selectedId, editor.canRedo]).toEqual([both, 'b', false]);
    editor.undo();
    editor.change({ kind: 'circle', center: [0, 0], radiusMeters: 50 });
    expect(editor.canRedo).toBe(false);
    editor.selectedId = circleId;
    editor.removeSelected();
    expect(editor.draft).toEqual(emptyDraft);
    editor.undo();
    editor.undo();
    editor.undo();
    editor.undo();
    editor.undo();
    expect([editor.draft, editor.canUndo]).toEqual([emptyDraft, false]);
  });

  test('has changed nothing until something is changed', () => {
    const editor = new GeofenceEditor(fenceOf(1, two, { dwellMinutes: 30, speedLimitMph: 12.34567 }), () => {});
    expect([editor.isChanged, editor.tool]).toEqual([false, 'select']);
    expect(editor.shape).toEqual(two);
    editor.form.values.dwellMinutes = '31';
    expect(editor.isChanged).toBe(true);
    editor.form.values.dwellMinutes = '30';
    expect(editor.isChanged).toBe(false);
  });
});

describe('the fences on screen', () => {
  test('are in the order of their names as people count, and follow what is done here', () => {
    const book = new Geofences();
    book.take(
      fenceOf(1, yard, { name: 'Yard 10' }),
      fenceOf(2, dock, { name: 'Yard 9' }),
      fenceOf(3, two, { name: 'dock' }),
    );
    expect(book.all.map(({ name }) => name)).toEqual(['dock', 'Yard 9', 'Yard 10']);
    book.take(fenceOf(1, yard, { name: 'A yard' }));
    expect([book.total, book.all[0]?.name]).toEqual([3, 'A yard']);
    book.drop(idOf(2));
    book.drop(idOf(77));
    expect([book.total, book.get(idOf(2)), book.get(null)]).toEqual([2, null, null]);
  });
});
