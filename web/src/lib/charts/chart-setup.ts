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
});

export const chartFont = { family: "'Inter Variable', system-ui, sans-serif", size: 11.5 } as const;

/** The colour of a risk score by the bands. */
export function bandColour(score: number, bands: RiskBands, colours: ChartColours): string {
  if (score >= bands.critical) return colours.critical;
  if (score >= bands.high) return colours.high;
  if (score >= bands.medium) return colours.medium;
  return colours.low;
}

/** Draws dashed lines at the lower edges of the bands and names them, across the value axis named by `axis`. */
export const bandEdges = (axis: 'x' | 'y', bands: RiskBands, colours: ChartColours): Plugin => ({
  id: 'bandEdges',
  beforeDatasetsDraw(chart) {
    const scale = chart.scales[axis];
    if (scale === undefined) return;
    const { ctx, chartArea } = chart;
    ctx.save();
    ctx.font = `500 ${chartFont.size}px ${chartFont.family}`;
    ctx.fillStyle = colours.faint;
    ctx.strokeStyle = colours.faint;
    ctx.globalAlpha = 0.9;
    ctx.lineWidth = 1;
    ctx.setLineDash([3, 4]);
    for (const [word, edge] of [
      ['Medium', bands.medium],
      ['High', bands.high],
      ['Critical', bands.critical],
    ] as const) {
      const at = Math.round(scale.getPixelForValue(edge)) + 0.5;
      ctx.beginPath();
      if (axis === 'y') {
        ctx.moveTo(chartArea.left, at);
        ctx.lineTo(chartArea.right, at);
        ctx.textAlign = 'right';
        ctx.fillText(word, chartArea.right - 2, at - 4);
      } else {
        ctx.moveTo(at, chartArea.top - 14);
        ctx.lineTo(at, chartArea.bottom);
        ctx.textAlign = 'left';
        ctx.fillText(word, at + 3, chartArea.top - 5);
      }
      ctx.stroke();
    }
    ctx.restore();
  },
});
