/** Chart.js with only the parts in use, drawn in the page's own colours. */
import {
  BarController,
  BarElement,
  Chart,
  LineController,
  LineElement,
  LinearScale,
  CategoryScale,
  PointElement,
  Tooltip,
  type Plugin,
} from 'chart.js';
import type { RiskBands } from '#contracts/tenants';

Chart.register(
  BarController,
  BarElement,
  LineController,
  LineElement,
  PointElement,
  LinearScale,
  CategoryScale,
  Tooltip,
);

export { Chart };

/** A colour of the theme that is on now. */
export const themeColour = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

export interface ChartColours {
  ink: string;
  faint: string;
  line: string;
  surface: string;
  accent: string;
  low: string;
  medium: string;
  high: string;
  critical: string;
  soft: string;
}

export const chartColours = (): ChartColours => ({
  ink: themeColour('ink'),
  faint: themeColour('ink-faint'),
  line: themeColour('line'),
  surface: themeColour('surface'),
  accent: themeColour('accent'),
  low: themeColour('low'),
  medium: themeColour('medium'),
  high: themeColour('high'),
  critical: themeColour('critical'),
  soft: themeColour('ink-soft'),
});

export const chartFont = { family: "'Inter Variable', system-ui, sans-serif", size: 11.5 } as const;

/** The colour of a risk score by the bands. */
export function bandColour(score: number, bands: RiskBands, colours: ChartColours): string {
  if (score >= bands.critical) return colours.critical;
  if (score >= bands.high) return colours.high;
  if (score >= bands.medium) return colours.medium;
  return colours.low;
}

const edgesOf = (bands: RiskBands): readonly (readonly [word: string, edge: number])[] => [
  ['Medium', bands.medium],
  ['High', bands.high],
  ['Critical', bands.critical],
];

/** What their names take up beside a chart whose value axis is y. */
export const bandEdgeWidth = 52;

/**
 * Draws dashed lines at the lower edges of the bands, across the value axis named by `axis`, and names them outside of the
 * chart's area, so that nothing it draws strikes them through.
 */
export const bandEdges = (axis: 'x' | 'y', bands: RiskBands, colours: ChartColours): Plugin => ({
  id: 'bandEdges',
  beforeDatasetsDraw({ ctx, chartArea, scales }) {
    const scale = scales[axis];
    if (scale === undefined) return;
    ctx.save();
    ctx.strokeStyle = colours.faint;
    ctx.globalAlpha = 0.9;
    ctx.lineWidth = 1;
    ctx.setLineDash([3, 4]);
    for (const [, edge] of edgesOf(bands)) {
      const at = Math.round(scale.getPixelForValue(edge)) + 0.5;
      ctx.beginPath();
      if (axis === 'y') {
        ctx.moveTo(chartArea.left, at);
        ctx.lineTo(chartArea.right, at);
      } else {
        ctx.moveTo(at, chartArea.top - 14);
        ctx.lineTo(at, chartArea.bottom);
      }
      ctx.stroke();
    }
    ctx.restore();
  },
  afterDatasetsDraw({ ctx, chartArea, scales }) {
    const scale = scales[axis];
    if (scale === undefined) return;
    ctx.save();
    ctx.font = `500 ${chartFont.size}px ${chartFont.family}`;
    ctx.fillStyle = colours.faint;
    ctx.textBaseline = axis === 'y' ? 'middle' : 'alphabetic';
    for (const [word, edge] of edgesOf(bands)) {
      const at = Math.round(scale.getPixelForValue(edge)) + 0.5;
      if (axis === 'y') ctx.fillText(word, chartArea.right + 6, at);
      else ctx.fillText(word, at + 3, chartArea.top - 5);
    }
    ctx.restore();
  },
});

/** The dashed line on which both axes are equal. */
export const diagonal = (colours: ChartColours): Plugin => ({
  id: 'diagonal',
  beforeDatasetsDraw({ ctx, scales }) {
    const { x, y } = scales;
    if (x === undefined || y === undefined) return;
    ctx.save();
    ctx.strokeStyle = colours.faint;
    ctx.lineWidth = 1;
    ctx.setLineDash([3, 4]);
    ctx.beginPath();
    ctx.moveTo(x.getPixelForValue(x.min), y.getPixelForValue(y.min));
    ctx.lineTo(x.getPixelForValue(x.max), y.getPixelForValue(y.max));
    ctx.stroke();
    ctx.restore();
  },
});

/** A vertical line from `from` to `to` at each `x`: how sure a point is. */
export const whiskers = (spans: readonly { x: number; from: number; to: number }[], colours: ChartColours): Plugin => ({
  id: 'whiskers',
  beforeDatasetsDraw({ ctx, scales, chartArea }) {
    const { x, y } = scales;
    if (x === undefined || y === undefined) return;
    ctx.save();
    ctx.strokeStyle = colours.accent;
    ctx.globalAlpha = 0.45;
    ctx.lineWidth = 2;
    for (const span of spans) {
      const at = x.getPixelForValue(span.x);
      ctx.beginPath();
      ctx.moveTo(at, y.getPixelForValue(span.from));
      ctx.lineTo(at, Math.max(chartArea.top, y.getPixelForValue(span.to)));
      ctx.stroke();
    }
    ctx.restore();
  },
});

/** A thin line across the height of the chart at each time: what happened then is marked at its end. */
export const momentLines = (moments: readonly { x: number; colour: string }[]): Plugin => ({
  id: 'momentLines',
  beforeDatasetsDraw({ ctx, scales, chartArea }) {
    const { x } = scales;
    if (x === undefined) return;
    ctx.save();
    ctx.globalAlpha = 0.3;
    ctx.lineWidth = 1;
    for (const moment of moments) {
      const at = Math.round(x.getPixelForValue(moment.x)) + 0.5;
      ctx.strokeStyle = moment.colour;
      ctx.beginPath();
      ctx.moveTo(at, chartArea.top);
      ctx.lineTo(at, chartArea.bottom);
      ctx.stroke();
    }
    ctx.restore();
  },
});
