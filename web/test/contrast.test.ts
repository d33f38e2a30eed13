/** The colours of both themes, measured: WCAG 2.2 AA for words (4.5:1) and for shapes and lines of state (3:1). */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

const css = readFileSync(path.join(import.meta.dirname, '../src/app.css'), 'utf8');

function tokensOf(selector: string): Map<string, string> {
  const block = css.slice(css.indexOf(`${selector} {`)).split('}')[0] ?? '';
  return new Map(
    [...block.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map(([, name = '', colour = '']) => [name, colour]),
  );
}

/** Relative luminance of an sRGB colour (WCAG 2.2). */
function luminance(colour: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const channel = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [dark = 0, light = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (light + 0.05) / (dark + 0.05);
}

const grounds = ['canvas', 'surface', 'surface-raised', 'surface-sunken'];
const words = ['ink', 'ink-soft', 'ink-faint', 'accent', 'high'];
const shapes = ['low', 'medium', 'high', 'critical', 'stale', 'unknown', 'accent', 'critical-fill'];

describe.each([
  ['light', ':root'],
  ['dark', "[data-theme='dark']"],
])('the %s theme', (_name, selector) => {
  const tokens = tokensOf(selector);
  const ratio = (a: string, b: string): number => {
    const [first, second] = [tokens.get(a), tokens.get(b)];
    if (first === undefined || second === undefined) throw new Error(`${a} or ${b} is not defined`);
    return contrast(first, second);
  };
  it.each(words.flatMap((word) => grounds.map((ground) => [word, ground] as const)))(
    '%s reads on %s',
    (word, ground) => {
      expect(ratio(word, ground)).toBeGreaterThanOrEqual(4.5);
    },
  );
  it.each(shapes.flatMap((shape) => ['canvas', 'surface'].map((ground) => [shape, ground] as const)))(
    '%s shows on %s',
    (shape, ground) => {
      expect(ratio(shape, ground)).toBeGreaterThanOrEqual(3);
    },
  );
  it.each(['map-home', 'map-abroad', 'map-water'])('the map reads and shows on %s', (ground) => {
    for (const word of ['ink', 'map-label']) expect([word, ratio(word, ground) >= 4.5]).toEqual([word, true]);
    for (const shape of shapes) expect([shape, ratio(shape, ground) >= 3]).toEqual([shape, true]);
  });
  it('reads on filled labels, buttons and tinted rows', () => {
    expect(ratio('on-critical', 'critical-fill')).toBeGreaterThanOrEqual(4.5);
    expect(ratio('on-accent', 'accent')).toBeGreaterThanOrEqual(4.5);
    for (const tint of ['critical-soft', 'high-soft', 'medium-soft', 'low-soft', 'accent-soft']) {
      expect(ratio('ink', tint)).toBeGreaterThanOrEqual(4.5);
      expect(ratio('ink-soft', tint)).toBeGreaterThanOrEqual(4.5);
    }
    expect(ratio('low', 'low-soft')).toBeGreaterThanOrEqual(4.5);
  });
});
