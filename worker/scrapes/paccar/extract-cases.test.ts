/** Cases pages as portals print them, and pages that are none. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dateIn, extractCases, type ObservedCase } from './extract-cases.ts';

const headings = ['Case Number', 'Type', 'Status', 'Opened', 'Closed', 'Odometer', 'Complaint', 'Cause', 'Correction'];
const cell = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
const row = (...cells: string[]) => `<tr>${cells.map((text) => `<td>${cell(text)}</td>`).join('')}</tr>`;
const table = (rows: string, heads = headings) =>
  `<html><body><table><tr>${heads.map((text) => `<th>${text}</th>`).join('')}</tr>${rows}</table></body></html>`;
const repair = ['C-1', 'Repair', 'Closed', '2026-11-01 08:00 UTC', '2026-11-02 17:30 UTC', '123,456 mi', 'Lamp on', 'SPN: 3251 FMI: 0', 'DPF replaced']; // prettier-ignore

function casesIn(html: string): ObservedCase[] {
  const page = extractCases(html);
  if (page.kind !== 'cases') throw new Error(page.reason);
  return page.cases;
}
const withCells = (changes: Record<number, string>) => casesIn(table(row(...repair.map((text, at) => changes[at] ?? text)) + row(...repair))); // prettier-ignore
const firstOf = (changes: Record<number, string>) => withCells(changes)[0];

describe('pages that are no cases', () => {
  it.each([
    '',
    '<html><body><p>Your fleet, reimagined.</p></body></html>',
    '<div class="case-list"></div>',
    '<div class="case-list">Loading…</div>',
    '<p>No cases.</p>',
    table(row(...repair), ['Code', 'Description', 'Source', 'Lamps', 'Status', 'Count', 'x', 'y', 'z']),
    table(row(...repair.map((text, at) => (at === 1 ? 'Campaign' : text)))),
    table(row(...repair.map((text, at) => (at === 3 || at === 4 ? '11/02/2026' : text)))),
    '<div>'.repeat(2_000),
    `<table>${'x'.repeat(4_000_001)}`,
  ])('%#', (html) => expect(extractCases(html).kind).toBe('markup_changed'));
});

describe('what is read', () => {
  it('a closed case, with its code, its miles and what was done', () => {
    expect(casesIn(table(row(...repair)))).toEqual([
      {
        ...{ number: 'C-1', kind: 'repair', at: '2026-11-02T17:30:00.000Z', system: null, spn: 3251, fmi: 0 },
        ...{ description: 'DPF replaced', odometerMiles: 123_456 },
      },
    ]);
    expect(casesIn('<p class="no-cases">No cases in the last 12 months.</p>')).toEqual([]);
    expect(casesIn(table(row(...repair.map((text, at) => (at === 2 ? 'Open' : text)))))).toEqual([]);
  });

  it('a breakdown is dated when the truck stopped, and told by what happened', () => {
    const told = firstOf({ 1: 'Breakdown', 6: 'Road call: no start', 8: '—' });
    expect(told).toMatchObject({ kind: 'breakdown', at: '2026-11-01T08:00:00.000Z', description: 'Road call: no start' }); // prettier-ignore
    expect(firstOf({ 1: 'Breakdown', 3: '—' })?.at).toBe('2026-11-02T17:30:00.000Z');
  });

  it('only what is closed, whoever says so', () => {
    for (const status of ['Open', 'In progress', 'Cancelled', 'Void', 'Not completed', 'Reopened', 'Pending', 'Estimate']) {
      expect(withCells({ 2: status }), status).toHaveLength(1);
    }
    for (const status of ['Closed', 'CLOSED', 'Complete', 'Completed', 'Invoiced', 'Repair done']) {
      expect(withCells({ 2: status }), status).toHaveLength(2);
    }
    // Without a status it is the day.
    expect(withCells({ 2: '—' })).toHaveLength(2);
    expect(withCells({ 2: '—', 4: '—' })).toHaveLength(1);
  }); // prettier-ignore

  it('rows that cannot be understood are left out, and the others kept', () => {
    expect(withCells({ 1: 'Campaign' })).toHaveLength(1);
    expect(withCells({ 3: 'soon', 4: '2026-02-30' })).toHaveLength(1);
    expect(firstOf({ 4: '—' })?.at).toBe('2026-11-01T08:00:00.000Z');
    expect(firstOf({ 5: 'n/a' })?.odometerMiles).toBeNull();
    expect(firstOf({ 5: '198,683 km' })?.odometerMiles).toBe(123_455.9);
    expect(firstOf({ 0: '—' })?.number).toBeNull();
    expect(firstOf({ 6: '', 8: '—', 7: '—' })?.description).toBe('Case of type Repair');
  });

  it('codes wherever they stand; half of one is only as much as it says', () => {
    expect(firstOf({ 7: 'found SPN 100 / FMI 18 at the pump' })).toMatchObject({ spn: 100, fmi: 18 });
    expect(firstOf({ 7: '—', 6: 'SPN=190 FMI=0' })).toMatchObject({ spn: 190, fmi: 0 });
    expect(firstOf({ 7: 'SPN 4364' })).toMatchObject({ spn: 4364, fmi: null });
    expect(firstOf({ 7: 'SPN 4364 FMI 99' })).toMatchObject({ spn: 4364, fmi: null });
    for (const text of ['—', 'SPN 999999 FMI 1', 'FMI 3', 'RESPN 12 FMI 3']) {
      expect(firstOf({ 6: '', 7: text }), text).toMatchObject({ spn: null, fmi: null });
    }
  });

  it('headings and cards in other words and another order', () => {
    const heads = ['Work Performed', 'Completed On', 'Reported On', 'Case Type', 'Case #', 'Mileage', 'Component', 'Case State']; // prettier-ignore
    const cells = ['Coolant pump', 'Nov 2, 2026 5:30 PM', 'Nov 1, 2026', 'Road call', 'C-7', '99', 'Cooling', 'Closed'];
    expect(casesIn(table(row(...cells), heads))).toMatchObject([
      { number: 'C-7', kind: 'breakdown', at: '2026-11-01T12:00:00.000Z', odometerMiles: 99, system: 'cooling' },
    ]);
    const card = `<div class="case-list"><article class="case-card"><h3>Case: C-9</h3><dl>
      <dt>Type</dt><dd>PM</dd><dt>Status</dt><dd>Closed</dd><dt>Closed Date</dt><dd>2026-11-02</dd>
      <dt>Correction</dt><dd>Oil changed. Type: Breakdown Status: Open</dd></dl></article></div>`;
    expect(casesIn(card)).toMatchObject([{ number: 'C-9', kind: 'preventive', at: '2026-11-02T12:00:00.000Z' }]);
  });

  it('text stays text, bounded and visible', () => {
    const [one] = withCells({ 8: `<script>x</script>\u202e${'N'.repeat(5_000)}`, 0: 'C-'.repeat(400) });
    expect(one?.description.startsWith('<script>x</script>NNN')).toBe(true);
    expect(one?.description).toHaveLength(200);
    expect(one?.number).toHaveLength(100);
  });
});

describe('what is told of a case as a whole', () => {
  const pageOf = (...rows: string[][]) => {
    const page = extractCases(table(rows.map((cells) => row(...cells)).join('')));
    if (page.kind !== 'cases') throw new Error(page.reason);
    return page;
  };
  const of = (changes: Record<number, string>) => repair.map((text, at) => changes[at] ?? text);

  it('a case of which a row was not read is a part; one that was called off or is open again is taken back', () => {
    const whole = pageOf(of({}), of({ 1: 'PM' }));
    expect(whole.cases.map(({ kind, isPart }) => [kind, isPart])).toEqual([['repair', undefined], ['preventive', undefined]]);
    const others: Record<number, string>[] = [{ 0: 'c-1', 1: 'Campaign' }, { 1: 'PM', 2: 'Open' }, { 1: 'PM', 4: '—', 3: '—' }, { 2: 'Archived' }];
    for (const other of others) {
      const { cases, takenBack } = pageOf(of({}), of(other));
      expect([cases.map(({ isPart }) => isPart), takenBack], JSON.stringify(other)).toEqual([[true], []]);
    }
    const page = pageOf(of({}), of({ 0: 'C-2', 2: 'Cancelled' }), of({ 0: 'C-3', 2: 'Reopened' }), of({ 0: 'C-4', 2: 'Archived' }), of({ 0: '—', 2: 'Open' }));
    expect(page).toMatchObject({ cases: [{ number: 'C-1' }], takenBack: ['C-2', 'C-3'] });
  }); // prettier-ignore

  it('the newest hundred; a case cut through by that is a part', () => {
    const at = (day: number) => new Date(Date.UTC(2026, 0, 1 + day)).toISOString().slice(0, 10);
    const rows = Array.from({ length: 130 }, (_, n) => of({ 0: `C-${n}`, 4: at(n) }));
    const { cases } = pageOf(...rows, of({ 0: 'C-30', 1: 'PM', 4: at(0) }));
    expect(cases).toHaveLength(100);
    expect([cases[0]?.number, cases.at(-1)?.number]).toEqual(['C-30', 'C-129']);
    expect(cases.filter(({ isPart }) => isPart).map(({ number }) => number)).toEqual(['C-30']);
    const many = Array.from({ length: 520 }, (_, n) => of({ 0: `C-${n}` }));
    expect(pageOf(...many, of({ 0: 'C-0', 1: 'PM' })).cases[0]).toMatchObject({ number: 'C-0', isPart: true });
  });
});

describe('days', () => {
  it.each([
    ['2026-11-02 17:30 UTC', '2026-11-02T17:30:00.000Z'],
    ['2026-11-02T17:30:00-06:00', '2026-11-02T23:30:00.000Z'],
    ['2026-11-02', '2026-11-02T12:00:00.000Z'],
    ['Closed on November 2, 2026', '2026-11-02T12:00:00.000Z'],
    ['Nov 2 2026 at 12:05 AM', '2026-11-02T00:05:00.000Z'],
    ['Nov 2, 2026, 12:05 PM', '2026-11-02T12:05:00.000Z'],
    ['Nov 2, 2026 17:30', '2026-11-02T17:30:00.000Z'],
    ['0001-01-01', null],
    ['2026-02-30', null],
    ['2026-02-30T10:00:00Z', null],
    ['Feb 30, 2026', null],
    ['11/02/2026', null],
    ['02.11.2026', null],
    ['Xyz 2, 2026', null],
    ['—', null],
  ])('%s', (text, at) => expect(dateIn(text)).toBe(at));
});

it('no page makes it throw, and nothing is read that no case may be', () => {
  const words = fc.constantFrom(...repair, 'Breakdown', 'PM', 'Open', '—', '', '<b>', 'SPN 1 FMI 1', '2026-13-45', '0000-00-00', 'Jan 99, 9999'); // prettier-ignore
  fc.assert(
    fc.property(fc.array(fc.array(fc.oneof(words, fc.string()), { maxLength: 11 }), { maxLength: 6 }), (rows) => {
      const page = extractCases(table(rows.map((cells) => row(...cells)).join('')));
      if (page.kind !== 'cases') return;
      for (const one of page.cases) {
        expect(new Date(one.at).toISOString()).toBe(one.at);
        expect(one.description).not.toBe('');
        expect(one.spn === null && one.fmi !== null).toBe(false);
      }
    }),
  );
});
