/** The diagnostics page of one asset in its layouts, as markup or built in the browser a moment later. */
import { html, raw } from 'hono/html';
import type { Lamps } from '#contracts/faults';
import type { PortalLayout } from '../accounts.ts';
import type { FaultRow } from '../fleet-view.ts';
import { frame, type Html } from './frame.ts';

/** Lamps in the portal's words; a dash when all are dark. */
export function lampText(lamps: Lamps): string {
  const lit = [
    lamps.redStop ? 'Red Stop' : null,
    lamps.amberWarning ? 'Amber Warning' : null,
    lamps.malfunction ? 'MIL' : null,
    lamps.protect ? 'Protect' : null,
  ].filter((name) => name !== null);
  return lit.length === 0 ? '—' : lit.join(', ');
}

/** The texts of one row, in the order of its columns. */
interface RowTexts {
  className: 'active' | 'inactive';
  codes: string;
  name: string;
  source: string;
  lamps: string;
  status: string;
  occurrences: string;
}

function textsOf(row: FaultRow, printsSourceAddress: boolean): RowTexts {
  const addresses = [...new Set(row.codes.map((code) => code.sourceAddress))];
  return {
    className: row.isActive ? 'active' : 'inactive',
    codes: row.codes.map(({ spn, fmi }) => `SPN: ${spn} FMI: ${fmi}`).join(', '),
    name: row.codes.map(({ name }) => name).join('; '),
    source: printsSourceAddress ? addresses.map((address) => `SA: ${address}`).join(', ') : '',
    lamps: lampText(row.lamps),
    status: row.isActive ? 'Active' : 'Inactive',
    occurrences: `${row.occurrenceCount} ${row.occurrenceCount === 1 ? 'occurrence' : 'occurrences'}`,
  };
}

function faultList(rows: readonly RowTexts[]): Html {
  return html`<div class="fault-list">
    ${rows.map(
      (row) =>
        html`<div class="fault-row ${row.className}">
          <span class="fault-code">${row.codes}</span>
          <span class="fault-name">${row.name}</span>
          ${row.source === '' ? '' : html`<span class="fault-source">${row.source}</span>`}
          <span class="fault-lamps">Lamps: ${row.lamps}</span>
          <span class="fault-status">${row.status}</span>
          <span class="fault-count">${row.occurrences}</span>
        </div> `,
    )}
  </div>`;
}

const columns = ['Code', 'Description', 'Source', 'Lamps', 'Status', 'Count'] as const;
const cellsOf = (row: RowTexts) => [row.codes, row.name, row.source, row.lamps, row.status, row.occurrences];

function faultTable(rows: readonly RowTexts[], tableClass: string, rowClass: string): Html {
  return html`<table class="${tableClass}">
    <thead>
      <tr>
        ${columns.map((column) => html`<th scope="col">${column}</th>`)}
      </tr>
    </thead>
    <tbody>
      ${rows.map(
        (row) =>
          html`<tr class="${`${rowClass} ${row.className}`.trim()}">
            ${cellsOf(row).map((text) => html`<td>${text}</td> `)}
          </tr> `,
      )}
    </tbody>
  </table>`;
}

/** JSON that can stand inside a script element: no "<" can end it early. */
const embeddedJson = (value: unknown) => JSON.stringify(value).replaceAll('<', '\\u003c');

/** Builds the list with textContent only, so hostile text stays text. Whitespace between cells is not its habit. */
const buildScript = `
(function () {
  var data = JSON.parse(document.getElementById('fault-data').textContent);
  setTimeout(function () {
    var host = document.getElementById('faults');
    host.textContent = '';
    var add = function (parent, tag, className, text) {
      var element = document.createElement(tag);
      if (className) element.className = className;
      if (text !== undefined) element.textContent = text;
      parent.appendChild(element);
      return element;
    };
    if (data.rows.length === 0) { add(host, 'p', 'no-faults', 'No faults reported.'); return; }
    if (data.layout === 'fault_list') {
      var list = add(host, 'div', 'fault-list');
      data.rows.forEach(function (row) {
        var item = add(list, 'div', 'fault-row ' + row.className);
        row.cells.forEach(function (text) { if (text) { add(item, 'span', '', text); item.appendChild(document.createTextNode(' ')); } });
      });
      return;
    }
    var outer = data.layout === 'plain_table' ? add(host, 'div', 'fault-list') : host;
    var table = add(outer, 'table', data.layout === 'dtc_table' ? 'dtc-table' : 'codes');
    var head = add(add(table, 'thead'), 'tr');
    data.columns.forEach(function (name) { add(head, 'th', '', name); });
    var body = add(table, 'tbody');
    data.rows.forEach(function (row) {
      var line = add(body, 'tr', (data.layout === 'dtc_table' ? 'dtc-row ' : '') + row.className);
      row.cells.forEach(function (text) { add(line, 'td', '', text); });
    });
  }, data.delayMs);
})();
`;

export interface DiagnosticsPage {
  company: string;
  vin: string;
  rows: readonly FaultRow[];
  layout: PortalLayout;
  /** How long a scripted list takes to appear. */
  delayMs: number;
}

export function diagnosticsPage(page: DiagnosticsPage): Html {
  const { layout, vin } = page;
  const rows = page.rows.map((row) => textsOf(row, layout.printsSourceAddress));
  const scripted = () => {
    const data = {
      layout: layout.faults,
      columns,
      delayMs: page.delayMs,
      rows: rows.map((row) => ({ className: row.className, cells: cellsOf(row) })),
    };
    return html`<div id="faults"><p class="loading">Loading…</p></div>
      <script type="application/json" id="fault-data">
        ${raw(embeddedJson(data))}
      </script>
      <script>
        ${raw(buildScript)};
      </script>`;
  };
  const printed = () => {
    if (rows.length === 0) return html`<p class="no-faults">No faults reported.</p>`;
    if (layout.faults === 'fault_list') return faultList(rows);
    if (layout.faults === 'dtc_table') return faultTable(rows, 'dtc-table', 'dtc-row');
    return html`<div class="fault-list">${faultTable(rows, 'codes', '')}</div>`;
  };
  return frame(
    `Diagnostics ${vin}`,
    page.company,
    html`<h1>Diagnostics</h1>
      <p><a href="/assets/${vin}">${vin}</a></p>
      ${layout.isScripted ? scripted() : printed()}`,
  );
}
