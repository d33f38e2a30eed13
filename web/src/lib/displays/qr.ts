/** A QR code as one path of unit squares, for an SVG whose viewBox is `size` wide. */
import { encode } from 'uqr';

export interface QrPath {
  size: number;
  path: string;
}

/** Four modules of quiet round it, as readers want it; damage of 15 % is made good. */
export function qrPath(text: string): QrPath {
  const { data, size } = encode(text, { ecc: 'M', border: 4 });
  const path = data.flatMap((row, y) => row.map((isDark, x) => (isDark ? `M${x} ${y}h1v1h-1z` : ''))).join('');
  return { size, path };
}
