/** Dashboard, the list of assets in both layouts, and one asset. */
import { html } from 'hono/html';
import type { ColumnName } from '../accounts.ts';
import type { AssetPage, ListedAsset } from '../fleet-view.ts';
import { frame, type Html } from './frame.ts';

export const assetsPerPage = 50;

const headings: Readonly<Record<ColumnName, string>> = {
  vin: 'VIN',
  unit: 'Unit Number',
  vehicle: 'Year / Make / Model',
  status: 'Status',
  customer: 'Customer',
};

const cell = (asset: ListedAsset, column: ColumnName): Html | string =>
  column === 'vin' ? html`<a href="/assets/${asset.vin}">${asset.vin}</a>` : asset[column];

function assetTable(assets: readonly ListedAsset[], columns: readonly ColumnName[]): Html {
  return html`<table class="assets">
    <thead>
      <tr>
        ${columns.map((column) => html`<th scope="col">${headings[column]}</th>`)}
      </tr>
    </thead>
    <tbody>
      ${assets.map(
        (asset) =>
          html`<tr>
            ${columns.map((column) => html`<td>${cell(asset, column)}</td> `)}
          </tr> `,
      )}
    </tbody>
  </table>`;
}

function assetList(assets: readonly ListedAsset[], columns: readonly ColumnName[]): Html {
  return html`<div class="asset-list">
    ${assets.map(
      (asset) =>
        html`<div class="asset-row">
          ${columns.map(
            (column) =>
              html`<span class="asset-${column}"
                ><span class="label">${headings[column]}</span> ${cell(asset, column)}</span
              > `,
          )}
        </div> `,
    )}
  </div>`;
}

export interface ListPage {
  company: string;
  layout: 'table' | 'asset_list';
  columns: readonly ColumnName[];
  assets: readonly ListedAsset[];
  page: number;
  pageCount: number;
  total: number;
}

export function listPage(list: ListPage): Html {
  const { page, pageCount } = list;
  return frame(
    'Assets',
    list.company,
    html`<h1>Assets</h1>
      <p>${list.total} assets</p>
      ${list.layout === 'table' ? assetTable(list.assets, list.columns) : assetList(list.assets, list.columns)}
      <nav class="pager" aria-label="Pages">
        ${page > 1 ? html`<a class="previous" rel="prev" href="/assets?page=${page - 1}">Previous</a>` : ''}
        <span>Page ${page} of ${pageCount}</span>
        ${page < pageCount ? html`<a class="next" rel="next" href="/assets?page=${page + 1}">Next</a>` : ''}
      </nav>`,
  );
}

export function dashboardPage(company: string, total: number): Html {
  return frame(
    'Dashboard',
    company,
    html`<h1>Dashboard</h1>
      <div class="card">
        <p>Welcome to ${company}.</p>
        <p><a href="/assets">${total} assets</a> report to TruckTech+.</p>
      </div>`,
  );
}

const grouped = (value: number, digits: number) =>
  value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });

export function oneAssetPage(company: string, asset: AssetPage): Html {
  const reportedAt = new Date(asset.reportedMs).toISOString();
  const rows: readonly (readonly [string, Html | string])[] = [
    ['VIN', asset.vin],
    ['Unit Number', asset.unit],
    ['Vehicle', asset.vehicle],
    ['Status', asset.status],
    ['Engine Make', asset.engineMake],
    ['Engine Model', asset.engineModel],
    ['Odometer', `${grouped(asset.odometerMiles, 1)} mi`],
    ['Engine Hours', `${grouped(asset.engineHours, 1)} h`],
    ['Last Location', `${asset.lat.toFixed(5)}, ${asset.lon.toFixed(5)} (near ${asset.near})`],
    ['Last Reported', html`<time datetime="${reportedAt}">${reportedAt.slice(0, 16).replace('T', ' ')} UTC</time>`],
  ];
  return frame(
    `Asset ${asset.vin}`,
    company,
    html`<h1>${asset.vehicle}</h1>
      <dl class="asset-details">
        ${rows.map(
          ([term, text]) =>
            html`<dt>${term}</dt>
              <dd>${text}</dd> `,
        )}
      </dl>
      <p><a class="diagnostics-link" href="/assets/${asset.vin}/diagnostics">Diagnostics</a></p>
      ${asset.hasCases ? html`<p><a class="cases-link" href="/assets/${asset.vin}/cases">Cases</a></p>` : ''}`,
  );
}

/** The same portal after a redesign nobody announced: no table, no list, no VIN, no code. */
export function redesignedPage(company: string, count: number): Html {
  return frame(
    'Welcome to the new experience',
    company,
    html`<section id="root" data-v="4">
      <div class="g2">
        ${Array.from({ length: Math.min(count, 12) }, (_, index) => html`<div class="g2-tile"><i></i><b>Tile ${index + 1}</b></div> `)}
      </div>
      <p>Your fleet, reimagined.</p>
    </section>`,
  );
}
