import fc from 'fast-check';
import { fireEvent, render, screen, waitFor } from '@testing-library/svelte';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { serviceEventKinds, type ServiceEvent, type ServiceImportResult } from '#contracts/service-events';
import { fault, serviceEvent } from '../../../test/builders.ts';
import { ApiFailure } from '../api/failure.ts';
import { serviceKindLook } from '../format/service.ts';
import { ServiceHistory } from '../state/service-history.svelte.ts';
import { ServiceImport } from '../state/service-import.svelte.ts';
import { toasts } from '../state/toasts.svelte.ts';
import { partsOf, readCsv } from './csv.ts';
import { rejectedCsv, templateCsv } from './files.ts';
import { freshService, serviceForm } from './forms.ts';
import ImportDialog from './ImportDialog.svelte';
import ServiceDialog from './ServiceDialog.svelte';
import ServiceTable from './ServiceTable.svelte';

const nowMs = Date.parse('2026-11-20T16:11:00.000Z');
const context = { nowMs: () => nowMs, timeZone: () => 'America/Denver', units: () => 'us' as const };
const pageOf = (data: ServiceEvent[]) => ({ data, meta: { total: data.length, page: 1, pageSize: 50 } });
const refused = (code: 'NOT_FOUND' | 'CONFLICT' | 'UNAVAILABLE', status: number, message: string): ApiFailure =>
  new ApiFailure({ code, status, message });

beforeEach(() => {
  toasts.items = [];
});

describe('kinds of work', () => {
  it('differ by shape and word, not by colour alone', () => {
    const looks = serviceEventKinds.map(serviceKindLook);
    expect(new Set(looks.map(({ shape }) => shape)).size).toBe(serviceEventKinds.length);
    expect(new Set(looks.map(({ word }) => word)).size).toBe(serviceEventKinds.length);
  });
});

describe('a CSV', () => {
  it('is read with any delimiter, line end, quotes and a byte order mark; lines are those of the file', () => {
    const file = '\ufeffVIN;Date;What\r\n1;2026-01-01;"Hose; clamp\nand ""belt"""\r\n\r\n2;2026-02-01;Oil\n';
    expect(readCsv(file).map(({ line, cells }) => [line, cells])).toEqual([
      [1, ['VIN', 'Date', 'What']],
      [2, ['1', '2026-01-01', 'Hose; clamp\nand "belt"']],
      [5, ['2', '2026-02-01', 'Oil']],
    ]);
    expect(readCsv('a\tb\n1\t2')[1]?.cells).toEqual(['1', '2']);
    expect(readCsv('')).toEqual([]);
    expect(readCsv('a,b\n"never closed,1\n2')[1]?.cells).toEqual(['never closed,1\n2']);
  });

  it('comes back whole from what was written, whatever is in the cells', () => {
    const cell = fc.string({ unit: fc.constantFrom('a', ' ', '"', ',', '\n', '\r\n', 'é') });
    fc.assert(
      fc.property(fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 8 }), (rows) => {
        const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;
        const file = ['h1,h2', ...rows.map((row) => row.map(quoted).join(','))].join('\r\n');
        expect(
          readCsv(file)
            .slice(1)
            .map(({ cells }) => cells),
        ).toEqual(rows);
      }),
    );
  });

  it('is sent in parts under its first line, and a line of a part is found in the file again', () => {
    const rows = Array.from({ length: 1_201 }, (_, n) => (n === 3 ? `${n},"two\nlines"` : `${n},x`));
    const records = readCsv(['id,what', ...rows].join('\n'));
    const parts = partsOf(records);
    expect(parts.map((part) => part.rows)).toEqual([500, 500, 201]);
    for (const part of parts) {
      expect(part.text.startsWith('id,what\n')).toBe(true);
      const inPart = readCsv(part.text);
      for (const record of inPart.slice(1)) {
        const original = records.find(({ cells }) => cells[0] === record.cells[0]);
        expect(part.lineInFile(record.line)).toBe(original?.line);
      }
    }
    // The second line of a row of two lines is that row's.
    expect(parts[0]?.lineInFile(6)).toBe(5);
    expect(partsOf(readCsv('id\n'))).toEqual([]);
  });

  it('has a template that it can read itself, in the units of the organisation', () => {
    const [head, row] = readCsv(templateCsv('metric', { vin: '1XKYD49X1PJ300001', unitNumber: '104' }));
    expect(head?.cells).toContain('Odometer km');
    expect(row?.cells.slice(0, 4)).toEqual(['1XKYD49X1PJ300001', '104', '2026-03-14', 'repair']);
    expect(readCsv(templateCsv('us', null))).toHaveLength(1);
  });

  it('of what was not taken holds the reason and the row, and no formula', () => {
    const file = rejectedCsv(
      [{ line: 3, code: 'UNKNOWN_VEHICLE', message: 'no vehicle has this unit number' }],
      new Map([
        [1, ['Unit', 'What']],
        [3, ['=cmd()', 'Hose, clamp']],
      ]),
    );
    expect(file).toBe(
      '\ufeffLine,Code,Problem,Unit,What\r\n3,UNKNOWN_VEHICLE,no vehicle has this unit number,\'=cmd(),"Hose, clamp"\r\n',
    );
  });
});

describe('the form of a record', () => {
  it('asks for kind, time and description before it asks the server', async () => {
    const send = vi.fn(() => Promise.resolve());
    const form = serviceForm(send, context);
    expect(form.values.at).toBe('2026-11-20T09:11');
    form.values.at = '2026-11-21T09:11';
    expect(await form.submit()).toBe(false);
    expect(form.errorOf('kind')).toBe('Choose what kind of work it was.');
    expect(form.errorOf('description')).toContain('Say what was done');
    Object.assign(form.values, { kind: 'repair', description: 'Hose' });
    expect(await form.submit()).toBe(false);
    expect(form.errorOf('at')).toContain('not in the future');
    form.values.at = '1979-12-31T09:11';
    expect(await form.submit()).toBe(false);
    expect(form.errorOf('at')).not.toBeNull();
    Object.assign(form.values, { at: '2026-11-20T09:00', fmi: '3' });
    expect(await form.submit()).toBe(false);
    expect(form.errorOf('spn')).not.toBeNull();
    expect(send).not.toHaveBeenCalled();
  });

  it('sends the instant that the clocks there showed, miles for kilometres, nothing for what is empty', async () => {
    const send = vi.fn(() => Promise.resolve());
    const form = serviceForm(send, { ...context, units: () => 'metric' });
    Object.assign(form.values, {
      ...{ kind: 'repair', at: '2026-11-18T06:30', description: ' Water pump ', spn: '111', fmi: '1' },
      ...{ odometerMiles: '160,934.4', externalId: ' ' },
    });
    expect(await form.submit()).toBe(true);
    expect(send).toHaveBeenCalledExactlyOnceWith({
      kind: 'repair',
      at: '2026-11-18T13:30:00.000Z',
      description: 'Water pump',
      spn: 111,
      fmi: 1,
      odometerMiles: 100_000,
    });
    form.reset(freshService(context));
    expect(form.values.description).toBe('');
  });

  it('takes over a fault that the truck has reported', async () => {
    const form = serviceForm(vi.fn(), context);
    const reported = fault(1, { spn: 111, fmi: 1 });
    render(ServiceDialog, {
      form,
      unitNumber: '104',
      faults: [reported, fault(2, { spn: 111, fmi: 1 })],
      close: vi.fn(),
    });
    const choice = screen.getByLabelText<HTMLSelectElement>('Fault code it was about');
    expect(choice.options).toHaveLength(2);
    await fireEvent.change(choice, { target: { value: '111:1' } });
    expect([form.values.spn, form.values.fmi, form.values.system]).toEqual(['111', '1', 'cooling']);
  });

  it('shows what the API refuses', async () => {
    const form = serviceForm(() => Promise.reject(refused('CONFLICT', 409, 'This event is known already.')), context);
    render(ServiceDialog, { form, unitNumber: '104', faults: [], close: vi.fn() });
    await fireEvent.click(screen.getByRole('radio', { name: /^Repair/ }));
    await fireEvent.input(screen.getByLabelText('What was done, or what failed'), { target: { value: 'Hose' } });
    await fireEvent.click(screen.getByRole('button', { name: 'Record' }));
    expect((await screen.findByRole('alert')).textContent).toContain('known already');
  });
});

describe('the records of a truck', () => {
  const setUp = (remove = vi.fn(() => Promise.resolve())) => {
    const history = new ServiceHistory({
      list: () => Promise.resolve(pageOf([serviceEvent(1), serviceEvent(2)])),
      create: () => Promise.resolve(serviceEvent(3)),
      remove,
    });
    return { history, remove };
  };

  it('go at once from the screen, and from the server when nobody has taken it back', async () => {
    vi.useFakeTimers();
    const { history, remove } = setUp();
    const changed = vi.fn();
    history.onChange = changed;
    await history.load();
    history.remove(serviceEvent(1));
    expect([history.events.length, history.total]).toEqual([1, 1]);
    expect(remove).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(6_000);
    expect(remove).toHaveBeenCalledExactlyOnceWith(serviceEvent(1).id);
    expect(changed).toHaveBeenCalledOnce();
    expect(history.total).toBe(1);
    vi.useRealTimers();
  });

  it('come back whole when it is taken back', async () => {
    vi.useFakeTimers();
    const { history, remove } = setUp();
    await history.load();
    history.remove(serviceEvent(1));
    toasts.items[0]?.undo?.();
    expect(history.events).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(remove).not.toHaveBeenCalled();
    vi.useRealTimers();
  });

  it('are deleted at once when the page is left', async () => {
    const { history, remove } = setUp();
    await history.load();
    history.remove(serviceEvent(1));
    history.remove(serviceEvent(1));
    history.flush();
    await vi.waitFor(() => expect(remove).toHaveBeenCalledOnce());
  });

  it('come back with the reason when the server refuses', async () => {
    const { history } = setUp(vi.fn(() => Promise.reject(refused('UNAVAILABLE', 503, 'Not just now.'))));
    await history.load();
    history.remove(serviceEvent(1));
    history.flush();
    await vi.waitFor(() => expect(history.events).toHaveLength(2));
    expect(toasts.items.at(-1)?.message).toContain('Not just now.');
  });

  it('that are gone already are read anew without a word', async () => {
    const { history } = setUp(vi.fn(() => Promise.reject(refused('NOT_FOUND', 404, 'Gone.'))));
    await history.load();
    history.remove(serviceEvent(1));
    history.flush();
    await vi.waitFor(() => expect(history.events).toHaveLength(2));
    expect(toasts.items.filter(({ kind }) => kind === 'error')).toEqual([]);
  });

  it('are added with a word, and the list is read again', async () => {
    const { history } = setUp();
    await history.add({ kind: 'repair', at: '2026-11-10T15:00:00.000Z', description: 'Work 3' });
    expect(toasts.items[0]?.message).toBe('Repair recorded: Work 3');
    expect(history.page?.data).toHaveLength(2);
  });

  it('of the portal cannot be deleted here, nor any by whoever may not write', async () => {
    const remove = vi.fn();
    const { rerender } = render(ServiceTable, {
      props: { events: [serviceEvent(1, { source: 'portal' }), serviceEvent(2)], remove },
    });
    expect(screen.getAllByRole('button').map((button) => button.getAttribute('aria-label'))).toEqual([
      'Actions for Work 2',
    ]);
    await rerender({ events: [serviceEvent(2)], remove: undefined });
    expect(screen.queryByRole('button')).toBeNull();
  });
});

describe('an import', () => {
  const fileOf = (text: string, name = 'history.csv') => ({
    name,
    size: text.length,
    text: () => Promise.resolve(text),
  });
  const taken = (rest: Partial<ServiceImportResult> = {}): ServiceImportResult => ({
    created: 0,
    unchanged: 0,
    rejected: [],
    ...rest,
  });
  const long = (rows: number): string => ['VIN,What', ...Array.from({ length: rows }, (_, n) => `${n},x`)].join('\n');

  it('adds up its parts and names lines of the whole file', async () => {
    const send = vi
      .fn()
      .mockResolvedValueOnce(taken({ created: 499, rejected: [{ line: 2, code: 'INVALID_TIME', message: 'no date' }] }))
      .mockResolvedValueOnce(taken({ unchanged: 99, rejected: [{ line: 2, code: 'INVALID_FIELD', message: 'kind' }] }));
    const importing = new ServiceImport(send);
    await importing.choose(fileOf(long(600)));
    expect([importing.rowCount, importing.problem]).toEqual([600, null]);
    await importing.start();
    expect(importing.result).toMatchObject({ created: 499, unchanged: 99 });
    expect(importing.result?.rejected.map(({ line }) => line)).toEqual([2, 502]);
    expect([importing.sentRows, importing.isDone]).toEqual([600, true]);
  });

  it('stops where a part fails, keeps what was sent, and may be tried again from the beginning', async () => {
    const send = vi
      .fn()
      .mockResolvedValueOnce(taken({ created: 500 }))
      .mockRejectedValueOnce(refused('UNAVAILABLE', 503, 'Not just now.'))
      .mockResolvedValueOnce(taken({ unchanged: 500 }))
      .mockResolvedValueOnce(taken({ created: 100 }));
    const importing = new ServiceImport(send);
    await importing.choose(fileOf(long(600)));
    await importing.start();
    expect([importing.failure?.message, importing.sentRows, importing.isDone]).toEqual(['Not just now.', 500, false]);
    await importing.start();
    expect(importing.result).toMatchObject({ created: 100, unchanged: 500 });
    expect(importing.failure).toBeNull();
  });

  it('takes no workbook, no empty file and none of a hundred megabytes', async () => {
    const send = vi.fn();
    const importing = new ServiceImport(send);
    for (const [file, problem] of [
      [fileOf('PK\u0003\u0004\0\0'), 'no CSV'],
      [fileOf('VIN,What\n'), 'no rows'],
      [{ ...fileOf('x'), size: 100_000_000 }, 'larger than 20 MB'],
      [{ name: 'x', size: 1, text: () => Promise.reject(new Error('gone')) }, 'could not be read'],
    ] as const) {
      await importing.choose(file);
      expect(importing.problem).toContain(problem);
      await importing.start();
    }
    expect(send).not.toHaveBeenCalled();
  });

  it('shows the first rows before, and what has come of each line after', async () => {
    const send = vi.fn(() =>
      Promise.resolve(
        taken({ created: 6, rejected: [{ line: 4, code: 'INVALID_TIME' as const, message: 'the date is empty' }] }),
      ),
    );
    const importing = new ServiceImport(send);
    const close = vi.fn();
    render(ImportDialog, { importing, close });
    expect(screen.getByRole<HTMLButtonElement>('button', { name: 'Import' }).disabled).toBe(true);
    await importing.choose(fileOf(long(7)));
    await waitFor(() => expect(screen.getByText('history.csv')).toBeTruthy());
    expect(screen.getAllByRole('row')).toHaveLength(6);
    await fireEvent.click(screen.getByRole('button', { name: 'Import 7 rows' }));
    expect(await screen.findByText('the date is empty')).toBeTruthy();
    expect(screen.getByText('Line 4')).toBeTruthy();
    await fireEvent.click(screen.getByRole('button', { name: 'Done' }));
    expect(close).toHaveBeenCalledOnce();
  });
});
