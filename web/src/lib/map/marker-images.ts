/**
 * The pictures of trucks, drawn on a canvas in the theme's colours: the body says what the truck does (an arrow, two bars, a
 * square, a hatched or a crossed ring), its colour and the small shape at its shoulder say the risk.
 */
import { riskLevels, type RiskLevel } from '#contracts/risk';
import { vehicleStatuses, type VehicleStatus } from '#contracts/vehicles';
import { riskLook, type Tone } from '../format/states.ts';
import { markerName } from './fleet-features.ts';
import type { MapPalette } from './palette.ts';

/** Device pixels of each pixel of the style: sharp on ordinary and on fine screens. */
export const imageRatio = 2;
const truckPx = 28;
const badgePx = 16;

export const badgeName = (level: RiskLevel): string => `badge-${level}`;
/** The levels that have a shape at the shoulder: a low one says nothing that asks for attention. */
export const badgedLevels: readonly RiskLevel[] = ['medium', 'high', 'critical'];

export function toneColour(tone: Tone, palette: MapPalette): string {
  switch (tone) {
    case 'low':
    case 'medium':
    case 'high':
    case 'critical':
    case 'stale':
    case 'unknown':
    case 'accent':
      return palette[tone];
    default:
      return palette.ink;
  }
}

export const levelColour = (level: RiskLevel | null, palette: MapPalette): string =>
  toneColour(riskLook(level).tone, palette);

interface Body {
  /** In a box of 28 by 28 around the middle. */
  path: string;
  isFilled: boolean;
  /** Drawn over it in the ground's colour, or in the body's own where it is not filled. */
  marks: string | null;
}

const circle = (radius: number): string =>
  `M${-radius} 0a${radius} ${radius} 0 1 0 ${2 * radius} 0a${radius} ${radius} 0 1 0 ${-2 * radius} 0z`;

const bodies: Readonly<Record<VehicleStatus, Body>> = {
  moving: { path: 'M0-10.5 8 9 0 5-8 9z', isFilled: true, marks: null },
  idle: { path: circle(8), isFilled: true, marks: 'M-2.6-3.4V3.4M2.6-3.4V3.4' },
  stopped: {
    path: 'M-5.5-7h11a1.5 1.5 0 0 1 1.5 1.5v11a1.5 1.5 0 0 1-1.5 1.5h-11A1.5 1.5 0 0 1-7 5.5v-11A1.5 1.5 0 0 1-5.5-7z',
    isFilled: true,
    marks: null,
  },
  stale: { path: circle(7.5), isFilled: false, marks: 'M-5.2 4.2 4.2-5.2M-2.8 6.4 6.4-2.8M-6.4 .2 .2-6.4' },
  offline: { path: circle(7.5), isFilled: false, marks: 'M-5 5 5-5M-5-5 5 5' },
};

const badges: Readonly<Record<RiskLevel, string>> = {
  low: circle(4),
  medium: 'M0-5 5 0 0 5-5 0z',
  high: 'M0-4.8 5.2 4.2H-5.2z',
  critical: 'M-4.2-4.2h8.4v8.4h-8.4z',
};

/** A truck without a word for a while, or for long, says nothing of now: grey, whatever its risk was. */
const isSilent = (status: VehicleStatus): boolean => status === 'stale' || status === 'offline';

function canvasOf(sizePx: number): CanvasRenderingContext2D {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = sizePx * imageRatio;
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (context === null) throw new Error('no canvas to draw markers on');
  context.scale(imageRatio, imageRatio);
  context.translate(sizePx / 2, sizePx / 2);
  context.lineJoin = context.lineCap = 'round';
  return context;
}

const pixels = (context: CanvasRenderingContext2D): ImageData =>
  context.getImageData(0, 0, context.canvas.width, context.canvas.height);

function drawTruck(status: VehicleStatus, level: RiskLevel | null, palette: MapPalette): ImageData {
  const context = canvasOf(truckPx);
  const { path, isFilled, marks } = bodies[status];
  const shape = new Path2D(path);
  const colour = isSilent(status) ? palette.stale : levelColour(level, palette);
  // A rim in the ground's colour keeps it apart from what lies beneath.
  context.strokeStyle = palette.surface;
  context.lineWidth = 4;
  context.stroke(shape);
  context.fillStyle = isFilled ? colour : palette.surface;
  context.fill(shape);
  if (!isFilled) {
    context.strokeStyle = colour;
    context.lineWidth = 1.8;
    context.stroke(shape);
  }
  if (marks !== null) {
    context.strokeStyle = isFilled ? palette.surface : colour;
    context.lineWidth = isFilled ? 2.6 : 1.3;
    context.lineCap = isFilled ? 'butt' : 'round';
    context.stroke(new Path2D(marks));
  }
  return pixels(context);
}

function drawBadge(level: RiskLevel, palette: MapPalette): ImageData {
  const context = canvasOf(badgePx);
  const shape = new Path2D(badges[level]);
  context.strokeStyle = palette.surface;
  context.lineWidth = 3;
  context.stroke(shape);
  context.fillStyle = levelColour(level, palette);
  context.fill(shape);
  return pixels(context);
}

/** Every picture that vehicles are drawn with, by name. */
export function* markerImages(palette: MapPalette): Generator<[name: string, image: ImageData]> {
  for (const status of vehicleStatuses) {
    for (const riskLevel of [null, ...riskLevels]) {
      yield [markerName({ status, riskLevel }), drawTruck(status, riskLevel, palette)];
    }
  }
  for (const level of badgedLevels) yield [badgeName(level), drawBadge(level, palette)];
}

export { bodies as markerBodies, badges as markerBadges, isSilent };
