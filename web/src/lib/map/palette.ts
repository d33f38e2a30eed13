/** The colours of the map, taken from the app's own tokens: a canvas cannot read CSS by itself. */

const tokens = {
  surface: '--surface',
  ink: '--ink',
  line: '--line-strong',
  accent: '--accent',
  low: '--low',
  medium: '--medium',
  high: '--high',
  critical: '--critical',
  criticalFill: '--critical-fill',
  onCritical: '--on-critical',
  stale: '--stale',
  unknown: '--unknown',
  water: '--map-water',
  abroad: '--map-abroad',
  home: '--map-home',
  stateBorder: '--map-state-border',
  countryBorder: '--map-country-border',
  label: '--map-label',
} as const;

export type MapPalette = Readonly<Record<keyof typeof tokens, string>>;

/** The colours of the theme that holds now. */
export function readPalette(read: (token: string) => string): MapPalette {
  return Object.fromEntries(
    Object.entries(tokens).map(([name, token]) => [name, read(token).trim() || '#808080']),
  ) as MapPalette;
}

export const paletteOfPage = (): MapPalette => {
  const style = getComputedStyle(document.documentElement);
  return readPalette((token) => style.getPropertyValue(token));
};

const channel = (colour: string, at: number): number => Number.parseInt(colour.slice(at, at + 2), 16);

/** A colour between two of the tokens; `share` of the second, 0 to 1. */
export function between(from: string, to: string, share: number): string {
  const mixed = [1, 3, 5].map((at) => {
    const value = Math.round(channel(from, at) * (1 - share) + channel(to, at) * share);
    return value.toString(16).padStart(2, '0');
  });
  return `#${mixed.join('')}`;
}
