/**
 * How large a fleet was when it was last seen here: it decides, before anything of it has arrived, how it is sent. A small one
 * comes as JSON, which anybody can read in the browser's tools; a large one, and one never seen, comes packed.
 */
const keyOf = (tenantId: string): string => `truckiq.fleet-size.${tenantId}`;
/** Up to here a picture is one JSON snapshot of some hundred kilobytes. */
export const largestJsonFleet = 500;

export const prefersPacked = (size: number | null): boolean => size === null || size > largestJsonFleet;

export function rememberedSize(tenantId: string): number | null {
  try {
    const kept = localStorage.getItem(keyOf(tenantId));
    return kept !== null && /^\d{1,9}$/.test(kept) ? Number(kept) : null;
  } catch {
    return null;
  }
}

let written = '';
/** Cheap enough to be called with every picture: it writes only what has changed. */
export function rememberSize(tenantId: string, size: number): void {
  const entry = `${tenantId}:${size}`;
  if (entry === written) return;
  written = entry;
  try {
    localStorage.setItem(keyOf(tenantId), String(size));
  } catch {
    // Not remembered: the next visit gets it packed.
  }
}
