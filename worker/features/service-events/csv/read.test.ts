/** Files as fleets and shops export them, and files that are none. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { vehicleSystems } from '#contracts/faults';
import { maxImportRows, serviceEventKinds } from '#contracts/service-events';
import { readServiceCsv, type ReadServiceCsv } from './read.ts';

const now = new Date('2026-11-20T09:11:24.000Z');
const vin = '1XKYDP9X0RJ000001';
const head = 'vin,date,kind,description';
const good = `${vin},2026-11-19,repair,Turbo replaced`;

const read = (text: string) => readServiceCsv(text, now);
function rowsOf(text: string): Extract<ReadServiceCsv, { kind: 'rows' }> {
  const result = read(text);
  if (result.kind !== 'rows') throw new Error(JSON.stringify(result));
  return result;
}
const problemOf = (text: string): string => {
  const result = read(text);
  return result.kind === 'unreadable' ? result.problem : result.kind;
};
/** What is wrong with the one row of these columns. */
const refusal = (columns: string, row: string) => rowsOf(`${head},${columns}\n${good},${row}`).rejected[0];
const event = (columns: string, row: string) => rowsOf(`${head},${columns}\n${good},${row}`).rows[0]?.event;

describe('files that are none', () => {
  it.each([
    ['', 'The file is empty.'],
    ['\ufeff\n\n', 'The file is empty.'],
    ['just words', 'The first line must name the columns; there is none for: vin or unit, date, kind, description.'],
    [`vin,date,kind\n${vin},2026-11-19,repair`, 'there is none for: description'],
    [`vin,VIN,date,kind,description\n`, 'The heading "vin" stands twice'],
    [`${head}\n${good}\n${vin},2026-11-19,repair,"never closed\n${good}`, 'A quote that opens after line 2 is never closed.'],
    [`${head}\n${good}\n${vin},2026-11-19,repair,"${'x'.repeat(200_000)}`, 'The row after line 2 is longer than 100 kB'],
    ['a,'.repeat(1_000_000), 'The row after line 0 is longer than 100 kB'],
    [`${head}${',x'.repeat(300)}\n${good}`, 'The first line names 304 columns; 200 are read at most.'],
  ])('%#', (text, problem) => expect(problemOf(text)).toContain(problem)); // prettier-ignore

  it('more rows than one import takes', () => {
    expect(read(`${head}\n${`${good}\n`.repeat(maxImportRows)}`).kind).toBe('rows');
    expect(read(`${head}\n${`${good}\n`.repeat(maxImportRows + 1)}`).kind).toBe('too_many_rows');
    // Empty lines, as spreadsheets leave them behind, are no rows.
    expect(read(`${head}\n${',,,\n\n'.repeat(9_000)}${good}`).kind).toBe('rows');
  });
});

describe('bad rows', () => {
  it('are named by the line they begin on; the others are kept', () => {
    const { rows, rejected } = rowsOf(
      [head, good, '', `${vin},2026-11-19,repair,"two`, 'lines"', ',2026-11-19,repair,x', `${vin},19.11.2026,repair,x`, good].join('\r\n'), // prettier-ignore
    );
    expect(rows.map(({ line, event: { description } }) => [line, description])).toEqual([
      [2, 'Turbo replaced'],
      [4, 'two lines'],
      [8, 'Turbo replaced'],
    ]);
    expect(rejected).toMatchObject([
      { line: 6, code: 'UNKNOWN_VEHICLE' },
      { line: 7, code: 'INVALID_TIME', message: expect.stringContaining('write it as 2026-11-20') },
    ]);
  });

  it.each([
    [`${vin},,repair,x`, 'INVALID_TIME', 'the date is empty'],
    [`${vin},2026-02-30,repair,x`, 'INVALID_TIME', '"2026-02-30" is not a date'],
    [`${vin},11/20/2026,repair,x`, 'INVALID_TIME', '"11/20/2026" is not a date'],
    [`${vin},2026-11-19 14:00,repair,x`, 'INVALID_TIME', 'a time needs its offset'],
    [`${vin},1979-12-31,repair,x`, 'INVALID_TIME', 'lies before 1980'],
    [`${vin},2026-11-21,repair,x`, 'IN_THE_FUTURE', 'lies more than 10 minutes ahead'],
    [`${vin},2026-11-20T09:21:25Z,repair,x`, 'IN_THE_FUTURE', 'lies more than 10 minutes ahead'],
    [`${vin},2026-11-19,,x`, 'INVALID_FIELD', 'the kind is empty'],
    [`${vin},2026-11-19,lunch,x`, 'INVALID_FIELD', 'the kind "lunch" is not known'],
    [`${vin},2026-11-19,repair,`, 'INVALID_FIELD', 'the description is empty'],
    [`${vin},2026-11-19,repair,\u200b\u202e`, 'INVALID_FIELD', 'the description is empty'],
    [`${vin},2026-11-19,repair,${'x'.repeat(501)}`, 'INVALID_FIELD', 'longer than 500'],
    [`${vin},2026-11-19,repair,${'😀'.repeat(251)}`, 'INVALID_FIELD', 'longer than 500'],
    [`${vin},2026-11-19,repair,${'x'.repeat(500)} 😀`, 'INVALID_FIELD', 'longer than 500'],
    [`${vin},2026-11-19,repair,pump, seal and hose`, 'INVALID_FIELD', 'has 5 cells where the first line names 4'],
  ])('%#', (row, code, message) => {
    const { rows, rejected } = rowsOf(`${head}\n${row}\n${good}`);
    expect(rows).toHaveLength(1);
    expect(rejected).toMatchObject([{ line: 2, code, message: expect.stringContaining(message) }]);
  });

  it('of every further column', () => {
    expect(refusal('spn', '524288')?.message).toContain('is not an SPN');
    expect(refusal('spn', '-1')?.message).toContain('is not an SPN');
    expect(refusal('spn', '1.5')?.message).toContain('is not an SPN');
    expect(refusal('spn,fmi', '100,32')?.message).toContain('is not an FMI');
    expect(refusal('fmi', '3')?.message).toContain('an FMI without an SPN');
    expect(refusal('system', 'warp drive')?.message).toContain('the system "warp drive" is not known');
    expect(refusal('odometer', 'many')?.message).toContain('the odometer "many" cannot be read');
    expect(refusal('odometer', '-5')?.code).toBe('INVALID_FIELD');
    expect(refusal('odometer', '10000001')?.code).toBe('INVALID_FIELD');
    expect(refusal('odometer', '"1,2345"')?.code).toBe('INVALID_FIELD');
    expect(refusal('order number', '9'.repeat(101))?.message).toContain('the order number is longer');
  });

  it('of cells that go on and on: refused before a pattern runs over them', () => {
    const columns = ['vin', 'unit', 'vehicle', 'date', 'kind', 'description', 'odometer', 'spn', 'fmi', 'system', 'order number']; // prettier-ignore
    for (const long of [`1${' '.repeat(90_000)}x`, '1,'.repeat(40_000), `${' ,'.repeat(40_000)}x`, '\u0000'.repeat(90_000)]) {
      for (const [at, column] of columns.entries()) {
        const cells = columns.map((name) => ({ vin, date: '2026-11-19', kind: 'repair', description: 'x' })[name] ?? '');
        cells[at] = `"${long}"`;
        const { rows, rejected } = rowsOf(`${columns.join(',')}\n${cells.join(',')}`);
        expect([rows, rejected[0]?.code], column).toEqual([[], 'INVALID_FIELD']);
        expect(rejected[0]?.message, column).toMatch(/ is longer than \d+ characters$/);
      }
    }
  }); // prettier-ignore

  it('of a vehicle that no fleet can have', () => {
    const of = (headings: string, cells: string) =>
      rowsOf(`${headings},date,kind,description\n${cells},2026-11-19,repair,x`).rejected[0];
    expect(of('vin', '1XKYDP9X0RJ00000')).toMatchObject({ code: 'INVALID_FIELD', message: 'the VIN "1XKYDP9X0RJ00000" is none: a VIN has 17 characters' }); // prettier-ignore
    expect(of('vin', 'O'.repeat(17))?.code).toBe('INVALID_FIELD');
    expect(of('unit', 'U'.repeat(101))?.message).toBe('the unit number is longer than 100 characters');
    expect(of('unit', '\u200b\u202e')?.code).toBe('UNKNOWN_VEHICLE');
  });
});

describe('what is forgiven', () => {
  it('headings, separators, line ends and the mark in front', () => {
    const told = { vin, event: { kind: 'repair', description: 'Turbo; replaced', externalId: 'RO-7', odometerMiles: 123_456 } }; // prettier-ignore
    const files = [
      `\ufeffVIN,Service Date,Service Type,Description,RO #,Odometer\n${vin},2026-11-19,repair,Turbo; replaced,RO-7,"123,456"`,
      `Vin;Date Completed;Work Type;Work Performed;Work Order No.;Mileage\r\n${vin.toLowerCase()};2026-11-19;REPAIR;"Turbo; replaced";RO-7;123456`,
      `vehicle\tat\tkind\tcorrection\tR.O. Number\tMeter Reading\r${vin}\t2026-11-19\tRepair\tTurbo; replaced\tRO-7\t123456 mi`,
      `externalId,odometerMiles,vin,unitNumber,at,kind,description,ignored\nRO-7,123456,${vin},U-1,2026-11-19T12:00:00Z,repair,Turbo; replaced,?`,
    ];
    for (const file of files) {
      const { rows, rejected } = rowsOf(file);
      expect({ rejected, rows }).toMatchObject({ rejected: [], rows: [told] });
      expect(rows[0]?.event.at).toBe('2026-11-19T12:00:00.000Z');
    }
  });

  it('a bare date is noon UTC, also today’s; a time keeps its instant', () => {
    const at = (text: string) => rowsOf(`${head}\n${vin},${text},repair,x`).rows[0]?.event.at;
    expect(at('2026-11-20')).toBe('2026-11-20T12:00:00.000Z');
    expect(at('2026-11-19 14:30:00Z')).toBe('2026-11-19T14:30:00.000Z');
    expect(at('2026-11-19T14:30:00-06:00')).toBe('2026-11-19T20:30:00.000Z');
    expect(at('2026-11-20T09:21:24Z')).toBe('2026-11-20T09:21:24.000Z');
  });

  it('vehicles by VIN or by unit number; the VIN decides', () => {
    const named = (headings: string, cells: string) => {
      const [row] = rowsOf(`${headings},date,kind,description\n${cells},2026-11-19,repair,x`).rows;
      return [row?.vin, row?.unitNumber];
    };
    expect(named('Unit #,VIN', `104,${vin}`)).toEqual([vin, null]);
    expect(named('Unit #,VIN', '104,')).toEqual([null, '104']);
    expect(named('Truck', ' 0104 ')).toEqual([null, '0104']);
    expect(named('Vehicle', vin.toLowerCase())).toEqual([vin, null]);
    expect(named('Vehicle', 'T-9')).toEqual([null, 'T-9']);
  });

  it.each([
    ['PM', 'preventive'], ['PM-A', 'preventive'], ['P.M. Service', 'preventive'], ['Preventative Maintenance', 'preventive'],
    ['Scheduled', 'preventive'], ['PM / Annual Inspection', 'preventive'], ['Oil change', 'preventive'],
    ['Road call', 'breakdown'], ['ROADCALL', 'breakdown'], ['Roadside repair', 'breakdown'], ['Tow', 'breakdown'],
    ['Break-down', 'breakdown'], ['DOT', 'inspection'], ['Annual', 'inspection'], ['DOT Inspection', 'inspection'],
    ['Repairs', 'repair'], ['Corrective', 'repair'], ['Non-scheduled repair', 'repair'], ['Unscheduled', 'repair'],
  ])('kind %s', (word, kind) => {
    expect(rowsOf(`${head}\n${vin},2026-11-19,${word},x`).rows[0]?.event.kind).toBe(kind);
  }); // prettier-ignore

  it('kinds that exclude each other are asked about, not guessed', () => {
    for (const word of ['PM repair', 'inspection repair', 'breakdown PM', 'Service', '']) {
      expect(rowsOf(`${head}\n${vin},2026-11-19,${word},x`).rejected, word).toHaveLength(1);
    }
  });

  it('systems by name, by word and by VMRS code', () => {
    const cells = [['aftertreatment', 'aftertreatment'], ['After-treatment', 'aftertreatment'], ['DPF', 'aftertreatment'], ['043', 'aftertreatment'], ['042-001-002', 'cooling'], ['077', 'other'], ['Air Intake', 'air_intake'], ['Batteries', 'electrical'], ['', null]] as const; // prettier-ignore
    for (const [cell, system] of cells) expect(event('system', cell)?.system, cell).toBe(system);
    expect(refusal('system', 'engine and brakes')?.code).toBe('INVALID_FIELD');
  });

  it('odometers with units and grouping; what could be two numbers is refused', () => {
    const us = [['123456', 123_456], ['123456.7', 123_456.7], ['"1,234,567"', 1_234_567], ['123 456 mi', 123_456], ['160934.4 km', 100_000], ['', null]] as const; // prettier-ignore
    for (const [cell, miles] of us) expect(event('odometer', cell)?.odometerMiles, cell).toBe(miles);
    expect(event('Odometer (km)', '160934.4')?.odometerMiles).toBe(100_000);
    expect(event('Odometer (km)', '100000 mi')?.odometerMiles).toBe(100_000);
    const european = (cell: string) => {
      const { rows } = rowsOf(`${head};odometer\n${good};${cell}`.replaceAll(',', ';').replaceAll('|', ','));
      return rows[0]?.event.odometerMiles;
    };
    expect(european('123456|7')).toBe(123_456.7);
    expect(european('1.234.567')).toBe(1_234_567);
    expect(european('123.456|7')).toBe(123_456.7);
    expect(european('123.456')).toBeUndefined();
    expect(european('123|456')).toBeUndefined();
    expect(european('1234.56')).toBe(1_234.56);
  });

  it('formulas and markup stay the text they are', () => {
    const texts = ['=HYPERLINK("http://evil.example")', '+1+1', '@SUM(A1)', '<script>alert(1)</script>', '5" hose'];
    for (const text of texts) {
      const cell = `"${text.replaceAll('"', '""')}"`;
      expect(rowsOf(`${head}\n${vin},2026-11-19,repair,${cell}`).rows[0]?.event.description).toBe(text);
    }
    expect(rowsOf(`${head}\n${vin},2026-11-19,repair,5" hose and 3" clamp`).rows[0]?.event.description).toBe(
      '5" hose and 3" clamp',
    );
  });
});

const visible = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 80 })
  .map((text) => text.replace(/[\p{C}\p{Zl}\p{Zp}\s]+/gu, ' ').trim())
  .filter((text) => text !== '');
const instant = fc
  .integer({ min: Date.parse('1980-01-01T00:00:00Z'), max: now.getTime() })
  .map((ms) => new Date(ms).toISOString());
const told = fc.record({
  at: instant,
  kind: fc.constantFrom(...serviceEventKinds),
  system: fc.option(fc.constantFrom(...vehicleSystems)),
  code: fc.option(
    fc.record({ spn: fc.integer({ min: 0, max: 524_287 }), fmi: fc.option(fc.integer({ min: 0, max: 31 })) }),
  ),
  description: visible,
  odometerMiles: fc.option(fc.integer({ min: 0, max: 99_999_999 }).map((tenths) => tenths / 10)),
  externalId: fc.option(visible.map((text) => text.slice(0, 40).trim()).filter((text) => text.isWellFormed() && text !== '')), // prettier-ignore
});

describe('properties', () => {
  it('what is written as a file is read back as it was, whatever the separator and the line ends', () => {
    const cell = (value: string | number | null) => `"${String(value ?? '').replaceAll('"', '""')}"`;
    fc.assert(
      fc.property(
        fc.array(told, { maxLength: 20 }),
        fc.constantFrom(',', ';', '\t'),
        fc.constantFrom('\n', '\r\n', '\r'),
        fc.boolean(),
        (events, separator, lineEnd, hasMark) => {
          const columns = ['vin', 'at', 'kind', 'system', 'spn', 'fmi', 'description', 'odometer', 'order number'];
          const comma = (value: number | null) => (separator === ',' ? value : (value?.toString().replace('.', ',') ?? null)); // prettier-ignore
          const clear = (value: number | null) =>
            separator !== ',' && /^\d{1,3}[.,]\d{3}$/.test(String(value)) ? null : value;
          const lines = events.map(
            ({ at, kind, system, code, description, odometerMiles, externalId }) =>
            [vin, at, kind, system, code?.spn ?? null, code?.fmi ?? null, description, comma(clear(odometerMiles)), externalId].map(cell), // prettier-ignore
          );
          const file = [columns, ...lines].map((cells) => cells.join(separator)).join(lineEnd);
          const { rows, rejected } = rowsOf(`${hasMark ? '\ufeff' : ''}${file}`);
          expect(rejected).toEqual([]);
          expect(rows.map((row) => row.event)).toEqual(
            events.map(({ code, ...event }) => ({
              ...event,
              odometerMiles: clear(event.odometerMiles),
              spn: code?.spn ?? null,
              fmi: code?.fmi ?? null,
              source: 'import',
            })),
          );
          expect(rows.map((row) => row.line)).toEqual(events.map((_, index) => index + 2));
        },
      ),
    );
  });

  it('no text at all makes it throw', () => {
    const pieces = fc.array(fc.constantFrom('"', ',', ';', '\t', '\n', '\r', 'vin', head, good, '\0', '=1+1', '""', 'é', '\ud800'), { maxLength: 60 }); // prettier-ignore
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary', maxLength: 400 }), pieces.map((some) => some.join(''))), (text) => {
        for (const file of [text, `${head}\n${text}`]) {
          const result = read(file);
          if (result.kind === 'rows') {
            for (const { event: read } of result.rows) expect(read.description).not.toMatch(/[\p{Cc}\p{Cs}]/u);
          }
        }
      }),
    ); // prettier-ignore
  });
});
