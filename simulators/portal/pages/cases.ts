/** The cases of one asset, as a table or as cards. */
import { html } from 'hono/html';
import type { PortalCase } from '../cases-view.ts';
import { frame, type Html } from './frame.ts';

/** Minutes, as the portal prints no seconds. */
const moment = (ms: number): string => `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
const orDash = (text: string): string => (text === '' ? '—' : text);

const headings = {
  number: 'Case Number',
  type: 'Type',
  status: 'Status',
  opened: 'Opened',
  closed: 'Closed',
  odometer: 'Odometer',
  system: 'System',
  complaint: 'Complaint',
  cause: 'Cause',
  correction: 'Correction',
} as const;
type Heading = keyof typeof headings;
const columns = Object.keys(headings) as Heading[];

const textsOf = (one: PortalCase): Record<Heading, string> => ({
  number: one.number,
  type: one.type,
  status: one.closedMs === null ? 'Open' : 'Closed',
  opened: moment(one.openedMs),
  closed: one.closedMs === null ? '—' : moment(one.closedMs),
  odometer: `${Math.round(one.odometerMiles).toLocaleString('en-US')} mi`,
  system: orDash(one.system),
  complaint: orDash(one.complaint),
  cause: orDash(one.cause),
  correction: orDash(one.correction),
});

function caseTable(cases: readonly PortalCase[], order: readonly Heading[]): Html {
  return html`<table class="case-table">
    <thead>
      <tr>
        ${order.map((column) => html`<th scope="col">${headings[column]}</th>`)}
      </tr>
    </thead>
    <tbody>
      ${cases.map((one) => {
        const texts = textsOf(one);
        return html`<tr class="case-row">
          ${order.map((column) => html`<td>${texts[column]}</td> `)}
        </tr> `;
      })}
    </tbody>
  </table>`;
}

function caseCards(cases: readonly PortalCase[], order: readonly Heading[]): Html {
  return html`<div class="case-list">
    ${cases.map((one) => {
      const texts = textsOf(one);
      return html`<article class="case-card">
        <h2>Case ${texts.number}</h2>
        <dl>
          ${order
            .filter((column) => column !== 'number')
            .map(
              (column) =>
                html`<dt>${headings[column]}</dt>
                  <dd>${texts[column]}</dd> `,
            )}
        </dl>
      </article> `;
    })}
  </div>`;
}

export interface CasesPage {
  company: string;
  vin: string;
  cases: readonly PortalCase[];
  layout: 'table' | 'cards';
  /** The other way round, as some subscriptions have it. */
  isReversed: boolean;
}

export function casesPage({ company, vin, cases, layout, isReversed }: CasesPage): Html {
  const order = isReversed ? columns.toReversed() : columns;
  const shown = layout === 'table' ? caseTable(cases, order) : caseCards(cases, order);
  return frame(
    `Cases ${vin}`,
    company,
    html`<h1>Cases</h1>
      <p><a href="/assets/${vin}">${vin}</a></p>
      ${cases.length === 0 ? html`<p class="no-cases">No cases in the last 12 months.</p>` : shown}`,
  );
}
