/** The vehicle list and a vehicle's own page, in the layouts seen and with the traps of older designs. */
import { describe, expect, it } from 'vitest';
import { extractAsset } from './extract-asset.ts';
import { columnOf, extractAssets, splitYearMakeModel } from './extract-assets.ts';

const vin = '1XKYD49X0NJ100001';
const assetTable = (head: string, ...rows: string[]) =>
  `<html><body><table><thead><tr>${head}</tr></thead><tbody>${rows.join('')}</tbody></table></body></html>`;
const cells = (...texts: string[]) => `<tr>${texts.map((text) => `<td>${text}</td>`).join('')}</tr>`;
const heads = (...texts: string[]) => texts.map((text) => `<th>${text}</th>`).join('');

const assetsOf = (html: string) => {
  const page = extractAssets(html);
  if (page.kind !== 'assets') throw new Error(page.reason);
  return page;
};
describe('the vehicle list', () => {
  it('reads the columns by their headings, wherever they moved', () => {
    const usual = assetsOf(
      assetTable(
        heads('VIN', 'Unit Number', 'Year/Make/Model', 'Status'),
        cells(vin, 'T-101', '2023 Kenworth T680', 'Active'),
      ),
    );
    const moved = assetsOf(
      assetTable(heads('Status', 'Vehicle', 'Unit #', 'VIN'), cells('Active', '2023 Kenworth T680', 'T-101', vin)),
    );
    expect(usual.assets).toEqual([{ vin, unitNumber: 'T-101', year: 2023, make: 'Kenworth', model: 'T680' }]);
    expect(moved.assets).toEqual(usual.assets);
  });

  it('reads separate year, make and model columns', () => {
    const page = assetsOf(
      assetTable(
        heads('Unit', 'VIN', 'Model', 'Make', 'Year'),
        cells('9', vin.toLowerCase(), '579', 'Peterbilt', '2021'),
      ),
    );
    expect(page.assets).toEqual([{ vin, unitNumber: '9', year: 2021, make: 'Peterbilt', model: '579' }]);
  });

  it('reads the known order when the table has no headings', () => {
    const page = assetsOf(`<table><tbody>${cells(vin, '7', '2020 Western Star 49X', 'ok')}</tbody></table>`);
    expect(page.assets[0]).toEqual({ vin, unitNumber: '7', year: 2020, make: 'Western Star', model: '49X' });
  });

  it('reads the card layout', () => {
    const page = assetsOf(
      `<div class="asset-list"><div class="asset-item"><span class="vin">${vin}</span><span class="unit">Unit: 12</span>
       <span class="description">2022 Peterbilt 579</span></div></div><a class="next" href="/assets?page=2">More</a>`,
    );
    expect(page.assets).toEqual([{ vin, unitNumber: '12', year: 2022, make: 'Peterbilt', model: '579' }]);
    expect(page.nextHref).toBe('/assets?page=2');
  });

  it('reads cards whose values stand beside their labels', () => {
    const page = assetsOf(
      `<div class="asset-list"><div class="asset-row"><span class="asset-vin"><span class="label">VIN</span> <a>${vin}</a></span>
       <span class="asset-unit"><span class="label">Unit Number</span> T 12</span>
       <span class="asset-vehicle"><span class="label">Year / Make / Model</span> 2022 Peterbilt 579</span>
       <span class="asset-status"><span class="label">Status</span> Active</span></div></div>`,
    );
    expect(page.assets).toEqual([{ vin, unitNumber: 'T 12', year: 2022, make: 'Peterbilt', model: '579' }]);
  });

  it('names the rows whose VIN cannot be one, and keeps the others', () => {
    const page = assetsOf(assetTable(heads('VIN', 'Unit'), cells('1XKYD49X0NJ10000', 'short'), cells(vin, 'good')));
    expect(page.assets.map((asset) => asset.unitNumber)).toEqual(['good']);
    expect(page.rejected).toEqual(['1XKYD49X0NJ10000 · short']);
  });

  it('takes an empty list for an empty list, and a strange page for a strange page', () => {
    expect(assetsOf(assetTable(heads('VIN', 'Unit'))).assets).toEqual([]);
    expect(assetsOf(assetTable(heads('VIN', 'Unit'), '<tr><td colspan="2">No vehicles</td></tr>')).assets).toEqual([]);
    expect(extractAssets('<h1>We have moved</h1>').kind).toBe('markup_changed');
    expect(extractAssets(assetTable(heads('Name', 'Price'), cells('a', 'b'))).kind).toBe('markup_changed');
    expect(extractAssets(assetTable(heads('VIN', 'Unit'), cells('—', '1'), cells('—', '2'))).kind).toBe(
      'markup_changed',
    );
  });

  it('follows next links in their several dresses and no disabled one', () => {
    const next = (link: string) => assetsOf(assetTable(heads('VIN'), cells(vin)) + link).nextHref;
    expect(next('<a rel="next" href="?page=2">2</a>')).toBe('?page=2');
    expect(next('<li class="next"><a href="/assets?page=3">›</a></li>')).toBe('/assets?page=3');
    expect(next('<a href="/assets?page=4">Next ›</a>')).toBe('/assets?page=4');
    expect(next('<a class="next disabled" href="?page=9">Next</a>')).toBeNull();
    expect(next('<a rel="next" href="#">Next</a>')).toBeNull();
    expect(next('<a href="/help">Next steps</a><a href="/x"></a>')).toBeNull();
  });

  it('keeps hostile words as bounded, visible data', () => {
    const unit = '\u202eevil\u0007\u200b &lt;script&gt;alert(1)&lt;/script&gt; ' + 'x'.repeat(500);
    const [asset] = assetsOf(assetTable(heads('VIN', 'Unit'), cells(vin, unit))).assets;
    expect(asset?.unitNumber).toBe('evil <script>alert(1)</script> xxxxxxxxx');
  });

  it('knows headings by whole words', () => {
    expect(columnOf('Unit VIN')).toBe('vin');
    expect(columnOf('Community')).toBeNull();
    expect(splitYearMakeModel('Kenworth')).toEqual({ year: null, make: 'Kenworth', model: null });
    expect(splitYearMakeModel('—')).toEqual({ year: null, make: null, model: null });
  });
});

describe("a vehicle's page", () => {
  it('reads a definition list, with thousands separators', () => {
    const page = extractAsset(
      `<h1>${vin}</h1><dl><dt>Odometer</dt><dd>312,456.7 mi</dd><dt>Engine Hours</dt><dd>9,801</dd>
       <dt>Engine</dt><dd>PACCAR MX-13</dd><dt>Last Location</dt><dd>41.8781, -87.6298</dd>
       <dt>Last location at</dt><dd>2026-11-20 09:11:24 UTC</dd></dl>`,
      vin,
    );
    expect(page).toEqual({
      kind: 'asset',
      hasCases: false,
      odometerMiles: 312456.7,
      engineHours: 9801,
      engineMake: 'PACCAR',
      engineModel: 'MX-13',
      position: { lat: 41.8781, lon: -87.6298, at: '2026-11-20T09:11:24.000Z' },
    });
  });

  it('turns kilometres into miles when the page says so', () => {
    const read = (html: string) => {
      const page = extractAsset(html, vin);
      return page.kind === 'asset' ? page.odometerMiles : page.reason;
    };
    expect(read('<table><tr><th>Odometer (km)</th><td>160,934.4</td></tr></table>')).toBe(100000);
    expect(read('<p>Odometer: 1 609 344 km</p>')).toBe(1000000);
    expect(read('<p>Odometer: 1,000 miles</p>')).toBe(1000);
    expect(read('<p>Odometer: N/A</p>')).toBeNull();
    expect(read('<p>Odometer: -5</p>')).toBeNull();
  });

  it('is unknown rather than empty when nothing is recognised', () => {
    expect(extractAsset('<h1>Welcome to the new portal</h1>', vin).kind).toBe('markup_changed');
    expect(extractAsset(`<h1>${vin}</h1>`, vin).kind).toBe('asset');
  });
});
