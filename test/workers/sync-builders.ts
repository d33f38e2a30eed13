/** For tests inside workerd: trucks and faults as a portal tells them, and a database that is listened to. */
import { env } from 'cloudflare:workers';
import type { ObservedFault, ObservedVehicle } from '#contracts/sync';

/** A critical fault unless `changes` says otherwise. */
export const observedFault = (changes: Partial<ObservedFault> = {}): ObservedFault => ({
  spn: 110,
  fmi: 0,
  sourceAddress: 0,
  description: 'portal words',
  isActive: true,
  occurrenceCount: 3,
  lamps: { malfunction: true, redStop: false, amberWarning: false, protect: false },
  ...changes,
});
/** The n-th truck of a fleet, the same on every call. */
export const observedVehicle = (n: number, changes: Partial<ObservedVehicle> = {}): ObservedVehicle => ({
  vin: `1XKYD49X0NJ${String(n).padStart(6, '0')}`,
  unitNumber: `U-${n}`,
  year: 2023,
  make: 'Kenworth',
  model: "T680 'next gen'",
  engineMake: 'PACCAR',
  engineModel: 'MX-13',
  odometerMiles: 100_000.5,
  engineHours: 3_000,
  position: null,
  faults: [observedFault()],
  ...changes,
});

/** D1 that remembers every writing statement, and the largest value bound to any. */
export function listeningDatabase() {
  const writes: string[] = [];
  let largest = 0;
  const d1 = new Proxy(env.DB, {
    get(target, key) {
      if (key === 'prepare') {
        return (text: string) => {
          if (!/^\s*select/i.test(text)) writes.push(text.trim().split(/\s+/).slice(0, 3).join(' ').toLowerCase());
          const statement = target.prepare(text);
          const bind = statement.bind.bind(statement);
          statement.bind = (...values: unknown[]) => {
            const sizes = values.map((value) => new TextEncoder().encode(String(value)).length);
            largest = Math.max(largest, ...sizes);
            return bind(...values);
          };
          return statement;
        };
      }
      const value: unknown = Reflect.get(target, key);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  return { d1, writes, largestValueBytes: () => largest };
}
