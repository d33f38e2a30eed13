/** What everything seeded is called: ids are fixed, so that anything can check them and nothing is seeded twice. */
import { createHash } from 'node:crypto';
import { v7 } from 'uuid';

/** The seed of the simulated world; another one is another world. */
export const worldSeed = 2026;
/** Since when the demo companies use the product. */
export const bornAt = '2026-01-05T12:00:00.000Z';

/** A UUIDv7 that depends on nothing but its name, and the time that stands in it. */
export function fixedId(name: string, atMs = Date.parse(bornAt)): string {
  const random = createHash('sha256').update(name).digest().subarray(0, 16);
  return v7({ msecs: atMs, random, seq: new DataView(random.buffer, random.byteOffset).getUint32(4) });
}

export const tenantId = (name: string): string => fixedId(`tenant:${name}`);
export const demoVehicleId = (vin: string): string => fixedId(`vehicle:${vin}`);
