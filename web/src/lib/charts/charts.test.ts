/** The charts without a canvas: what they hand to the library, what it writes beside a point, what stands beside them. */
import { render, screen } from '@testing-library/svelte';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { prediction, serviceEvent } from '../../../test/builders.ts';
import { niceTop } from './calibration.ts';
import CalibrationChart from './CalibrationChart.svelte';
import RiskHistory from './RiskHistory.svelte';

interface Drawn {
  data: { datasets: { data: { x: number; y: number }[]; pointStyle?: string[] }[] };
  options: {
    plugins: { tooltip: { callbacks: { label: (item: object) => string | string[] } } };
    scales: { x: { max?: number } };
  };
  plugins: { id: string }[];
}
const drawn = vi.hoisted((): { charts: unknown[] } => ({ charts: [] }));
vi.mock('chart.js', () => {
  class Chart {
    static register(): void {}
    constructor(_canvas: unknown, config: unknown) {
      drawn.charts.push(config);
    }
    destroy(): void {}
  }
  const part = {};
  return {
    Chart,
    BarController: part,
    BarElement: part,
    LineController: part,
    LineElement: part,
    PointElement: part,
    LinearScale: part,
    CategoryScale: part,
    Tooltip: part,
  };
});
const last = (): Drawn => drawn.charts.at(-1) as Drawn;
beforeEach(() => {
  drawn.charts = [];
});

describe('the history of risk', () => {
  const predictions = [
    prediction(2, { createdAt: '2026-11-20T08:00:00.000Z', riskScore: 60 }),
    prediction(1, { createdAt: '2026-11-10T08:00:00.000Z', riskScore: 20 }),
  ];
  const events = [
    serviceEvent(1, { at: '2026-11-15T08:00:00.000Z', kind: 'breakdown' }),
    serviceEvent(2, { at: '2026-11-08T08:00:00.000Z', kind: 'preventive' }),
    // Long before the first score: not of this time.
    serviceEvent(3, { at: '2026-10-01T08:00:00.000Z' }),
  ];

  it('runs from old to new and has marked on it what happened, by shape, above every score', () => {
    render(RiskHistory, { props: { predictions, events, bands: null, timeZone: 'UTC' } });
    const [line, marks] = last().data.datasets;
    expect(line?.data.map(({ y }) => y)).toEqual([20, 60]);
    expect(marks?.pointStyle).toEqual(['circle', 'rect']);
    expect(marks?.data.every(({ y }) => y > 100)).toBe(true);
    expect(last().options.plugins.tooltip.callbacks.label({ datasetIndex: 1, dataIndex: 1, parsed: { y: 108 } })).toBe(
      'Breakdown: Work 1',
    );
    expect(screen.getAllByRole('listitem').map((item) => item.textContent?.replace(/\s+/g, ' ').trim())).toEqual([
      'Breakdown 1',
      'Preventive 1',
    ]);
  });

  it('draws the edges of the levels only where they are known', () => {
    const props = { predictions, events: [], bands: null, timeZone: 'UTC' };
    render(RiskHistory, { props });
    expect(last().plugins.map(({ id }) => id)).toEqual(['momentLines']);
    render(RiskHistory, { props: { ...props, bands: { medium: 25, high: 50, critical: 75 } } });
    expect(last().plugins.map(({ id }) => id)).toEqual(['bandEdges', 'momentLines']);
  });

  it('holds the last score until what happened after it', () => {
    const later = serviceEvent(1, { at: '2026-11-25T08:00:00.000Z' });
    render(RiskHistory, { props: { predictions, events: [later], bands: null, timeZone: 'UTC' } });
    expect(last().data.datasets[0]?.data.at(-1)).toEqual({ x: Date.parse(later.at), y: 60 });
  });
});

describe('the calibration chart', () => {
  const points = [
    { predicted: 0.4, observed: 0.5, n: 100 },
    { predicted: 0.05, observed: 0.04, n: 300 },
    { predicted: 0.9, observed: 0, n: 0 },
  ];
  it('has a point for each step that has predictions, the diagonal, and how sure each is', () => {
    render(CalibrationChart, { points, label: 'Chance within 30 days' });
    expect(last().data.datasets[0]?.data).toEqual([
      { x: 0.05, y: 0.04 },
      { x: 0.4, y: 0.5 },
    ]);
    expect(last().plugins.map(({ id }) => id)).toEqual(['diagonal', 'whiskers']);
    expect(last().options.plugins.tooltip.callbacks.label({ dataIndex: 1 })).toEqual([
      'Said 40 %, happened 50 %',
      '95 % interval 40 %–60 %',
      '100 predictions',
    ]);
    expect(last().options.scales.x.max).toBe(0.5);
  });
  it('has its numbers beside it', () => {
    render(CalibrationChart, { points, label: 'Chance within 30 days' });
    expect(screen.getByRole('img').getAttribute('aria-label')).toContain('Chance within 30 days');
    expect(document.querySelectorAll('tbody tr')).toHaveLength(2);
    expect(document.querySelector('tbody tr')?.textContent?.replace(/\s+/g, ' ')).toContain('300');
  });
  it('ends its axes at a round number that holds everything', () => {
    expect([
      niceTop([]),
      niceTop([0.001]),
      niceTop([0.06]),
      niceTop([0.2]),
      niceTop([0.51, 0.1]),
      niceTop([1]),
    ]).toEqual([1, 0.05, 0.1, 0.2, 0.75, 1]);
  });
});
