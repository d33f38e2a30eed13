/** The diagnostics page in the layouts seen; and what no extractor may do, whatever the page is. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { extractAsset } from './extract-asset.ts';
import { extractAssets } from './extract-assets.ts';
import { extractFaults } from './extract-faults.ts';

const vin = '1XKYD49X0NJ100001';
const cells = (...texts: string[]) => `<tr>${texts.map((text) => `<td>${text}</td>`).join('')}</tr>`;
const heads = (...texts: string[]) => texts.map((text) => `<th>${text}</th>`).join('');

const faultsOf = (html: string) => {
  const page = extractFaults(html);
  if (page.kind !== 'faults') throw new Error(page.reason);
  return page.faults;
};

describe('the diagnostics page', () => {
  const list = (...rows: string[]) => `<div class="fault-list">${rows.join('')}</div>`;

  it('reads a row as the portal writes it', () => {
    const html = list(
      '<div class="fault-row active">SPN: 3251 FMI: 0 Aftertreatment DPF Differential Pressure — Active 12 occurrences</div>',
    );
    expect(faultsOf(html)).toEqual([
      {
        spn: 3251,
        fmi: 0,
        sourceAddress: 0,
        description: 'Aftertreatment DPF Differential Pressure',
        isActive: true,
        occurrenceCount: 12,
        lamps: null,
      },
    ]);
  });

  it('does not take inactive for active', () => {
    const html = list(
      '<div class="fault-row inactive">SPN: 1 FMI: 1 a</div>',
      '<div class="fault-row"><span class="badge status-inactive">x</span>SPN: 2 FMI: 1 b</div>',
      '<div class="fault-row">SPN: 3 FMI: 1 c Inactive 3 occurrences</div>',
      '<div class="fault-row is-active">SPN: 4 FMI: 1 d</div>',
      '<div class="dtc-row">SPN: 5 FMI: 1 e Active</div>',
    );
    expect(faultsOf(html).map((fault) => [fault.spn, fault.isActive])).toEqual([
      [1, false],
      [2, false],
      [3, false],
      [4, true],
      [5, true],
    ]);
  });

  it('reads every pair of a row', () => {
    const html = list(
      `<div class="fault-row active">SPN: 3216 FMI: 4 NOx inlet voltage low 3 occurrences SPN 3226 FMI 13 NOx outlet calibration
       Active 7 occurrences SA: 61</div>`,
    );
    const faults = faultsOf(html);
    expect(
      faults.map(({ spn, fmi, sourceAddress, occurrenceCount }) => [spn, fmi, sourceAddress, occurrenceCount]),
    ).toEqual([
      [3216, 4, 61, 3],
      [3226, 13, 61, 7],
    ]);
    expect(faults[0]?.description).toBe('NOx inlet voltage low');
    expect(faults[1]?.description).toBe('NOx outlet calibration');
  });

  it('reads several codes of one row with their own words', () => {
    const row = (...parts: string[]) =>
      `<div class="fault-row active">${parts.map((part) => `<span>${part}</span> `).join('')}</div>`;
    const html = list(
      row(
        'SPN: 3251 FMI: 0, SPN: 94 FMI: 1',
        'Soot high; Fuel pressure low',
        'SA: 61',
        'Red Stop, MIL',
        'Active',
        '1 occurrence',
      ),
      row('SPN: 190 FMI: 0', 'Amber warning lamp of the engine speed', 'SA: 0', 'Lamps: —', 'Active', '2 occurrences'),
    );
    const lit = { malfunction: true, redStop: true, amberWarning: false, protect: false };
    const dark = { malfunction: false, redStop: false, amberWarning: false, protect: false };
    expect(faultsOf(html)).toEqual([
      {
        spn: 3251,
        fmi: 0,
        sourceAddress: 61,
        description: 'Soot high',
        isActive: true,
        occurrenceCount: 1,
        lamps: lit,
      },
      {
        spn: 94,
        fmi: 1,
        sourceAddress: 61,
        description: 'Fuel pressure low',
        isActive: true,
        occurrenceCount: 1,
        lamps: lit,
      },
      {
        spn: 190,
        fmi: 0,
        sourceAddress: 0,
        description: 'Amber warning lamp of the engine speed',
        isActive: true,
        occurrenceCount: 2,
        lamps: dark,
      },
    ]);
  });

  it('reads a table by its headings, shuffled too', () => {
    const html = `<table class="dtc-table"><thead><tr>${heads('Lamps', 'FMI', 'Count', 'Description', 'SPN', 'Status', 'Source Address')}</tr></thead><tbody>
      ${cells('MIL, AWL', '16', '1,204', 'Coolant temperature high', '110', 'Active', 'Engine #1 (0)')}
      ${cells('', '5', '2', 'ABS sensor', '789', 'Inactive', '11')}</tbody></table>`;
    expect(faultsOf(html)).toEqual([
      {
        spn: 110,
        fmi: 16,
        sourceAddress: 0,
        description: 'Coolant temperature high',
        isActive: true,
        occurrenceCount: 1204,
        lamps: { malfunction: true, redStop: false, amberWarning: true, protect: false },
      },
      {
        spn: 789,
        fmi: 5,
        sourceAddress: 11,
        description: 'ABS sensor',
        isActive: false,
        occurrenceCount: 2,
        lamps: { malfunction: false, redStop: false, amberWarning: false, protect: false },
      },
    ]);
  });

  it('reads lamps from a label or from icons, never from a description about a lamp', () => {
    const lampsOf = (row: string) => faultsOf(list(`<div class="fault-row">SPN: 1 FMI: 1 ${row}</div>`))[0]?.lamps;
    expect(lampsOf('oil pressure Lamps: RSL, PL Active')).toEqual({
      malfunction: false,
      redStop: true,
      amberWarning: false,
      protect: true,
    });
    expect(lampsOf('<i class="lamp lamp-amber"></i><i class="lamp lamp-red off"></i>')).toEqual({
      malfunction: false,
      redStop: false,
      amberWarning: true,
      protect: false,
    });
    expect(lampsOf('Amber warning lamp circuit open')).toBeNull();
    expect(lampsOf('Engine protection derate')).toBeNull();
  });

  it('believes an empty list only when the page says so', () => {
    expect(faultsOf('<div class="no-faults">No active faults</div>')).toEqual([]);
    expect(faultsOf('<div class="fault-list"><p>No faults reported.</p></div>')).toEqual([]);
    expect(extractFaults('<div class="fault-list"></div>').kind).toBe('markup_changed');
    expect(extractFaults('<h1>Diagnostics</h1><p>No faults</p>').kind).toBe('markup_changed');
    expect(extractFaults('<div class="codes-v2"><div>3251/0</div></div>').kind).toBe('markup_changed');
  });

  it('refuses half a list: a row it cannot read would clear a real fault', () => {
    const html = list('<div class="fault-row active">SPN: 1 FMI: 1</div>', '<div class="fault-row active">P2463</div>');
    expect(extractFaults(html).kind).toBe('markup_changed');
    expect(extractFaults(list('<div class="fault-row">SPN: 999999 FMI: 77</div>')).kind).toBe('markup_changed');
  });

  it('folds a code that is listed twice', () => {
    const html = list(
      '<div class="fault-row inactive">SPN: 9 FMI: 1 9 occurrences</div>',
      '<div class="fault-row active">SPN: 9 FMI: 1 2 occurrences</div>',
    );
    expect(faultsOf(html)).toHaveLength(1);
    expect(faultsOf(html)[0]).toMatchObject({ isActive: true, occurrenceCount: 9 });
  });

  it('keeps a hostile description as data', () => {
    const [fault] = faultsOf(
      list(
        '<div class="fault-row active">SPN: 94 FMI: 1 <b>=cmd|\u0000calc</b> &lt;img src=x onerror=alert(1)&gt; \u2067{{7*7}}</div>',
      ),
    );
    expect(fault?.description).toBe('=cmd|calc <img src=x onerror=alert(1)> {{7*7}}');
  });
});

describe('whatever the page is', () => {
  const tag = fc.constantFrom('table', 'tr', 'td', 'th', 'div', 'dl', 'dt', 'dd', 'a', 'li', 'span', 'script', 'form');
  const className = fc.constantFrom(
    '',
    'fault-list',
    'fault-row',
    'dtc-table',
    'no-faults',
    'asset-list',
    'asset',
    'next',
    'lamp',
  );
  const words = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.constantFrom('SPN: 3251 FMI: 0', vin, 'Odometer: 1,2,3', 'inactive', '<', '</', '<!--', 'SPN FMI', 'Lamps: MIL'),
  );
  const soup = fc
    .array(
      fc.oneof(
        fc.tuple(tag, className).map(([name, cls]) => `<${name} class="${cls}" href="x">`),
        tag.map((name) => `</${name}>`),
        words,
      ),
      { maxLength: 60 },
    )
    .map((parts) => parts.join(''));

  it('no extractor ever throws, and faults stay within the standard', () => {
    fc.assert(
      fc.property(fc.oneof(soup, fc.string({ unit: 'binary', maxLength: 400 })), (html) => {
        extractAssets(html);
        extractAsset(html, vin);
        const page = extractFaults(html);
        if (page.kind === 'faults') {
          for (const fault of page.faults) {
            expect(fault.spn).toBeLessThanOrEqual(524_287);
            expect(fault.fmi).toBeLessThanOrEqual(31);
            expect(fault.description?.length ?? 0).toBeLessThanOrEqual(200);
          }
        }
      }),
      { numRuns: 600 },
    );
  });

  it('a page nested a hundred thousand deep, or of many megabytes, is only not recognised', () => {
    const deep = '<div>'.repeat(100_000);
    expect(extractFaults(deep).kind).toBe('markup_changed');
    expect(extractAssets('x'.repeat(5_000_000)).kind).toBe('markup_changed');
    expect(extractAsset(deep, vin).kind).toBe('markup_changed');
  });

  it('any table of faults is read back as it was written', () => {
    const fault = fc.record({
      spn: fc.integer({ min: 0, max: 524_287 }),
      fmi: fc.integer({ min: 0, max: 31 }),
      sourceAddress: fc.integer({ min: 0, max: 253 }),
      isActive: fc.boolean(),
      occurrenceCount: fc.integer({ min: 0, max: 9_999 }),
    });
    const faults = fc.uniqueArray(fault, {
      maxLength: 30,
      minLength: 1,
      selector: (f) => `${f.sourceAddress}/${f.spn}/${f.fmi}`,
    });
    fc.assert(
      fc.property(faults, (list) => {
        const html = `<div class="fault-list">${list
          .map(
            (f) =>
              `<div class="fault-row ${f.isActive ? 'active' : 'inactive'}">SPN: ${f.spn} FMI: ${f.fmi} Some part SA: ${f.sourceAddress} ${f.isActive ? 'Active' : 'Inactive'} ${f.occurrenceCount} occurrences</div>`,
          )
          .join('')}</div>`;
        expect(faultsOf(html)).toEqual(list.map((f) => ({ ...f, description: 'Some part', lamps: null })));
      }),
    );
  });
});
