/**
 * World manufacturer identifiers of the heavy-truck makers met in North American fleets.
 * From published registrations and service literature; the official list (SAE, NHTSA) was not available to check
 * against. Certain: Kenworth 1XK 2XK 3WK, Peterbilt 1XP 2XP 1NP, Freightliner 1FU 3AK, Volvo 4V4, Mack 1M1 1M2,
 * International 1HS 3HS, all in daily use. Less certain: the Canadian and Mexican variants and the medium-duty codes.
 */
const makers: Readonly<Record<string, readonly string[]>> = {
  Kenworth: ['1XK', '1NK', '2XK', '2NK', '3WK', '3BK'],
  Peterbilt: ['1XP', '1NP', '2XP', '2NP', '3BP'],
  Freightliner: ['1FU', '1FV', '2FU', '2FV', '3AK', '3AL', '4UZ'],
  'Western Star': ['5KJ', '5KK', '2WK', '2WL'],
  Sterling: ['2FW', '2FZ'],
  Volvo: ['4V1', '4V2', '4V4', '4V5', '4VA', '4VG'],
  Mack: ['1M1', '1M2', '1M3'],
  International: ['1HS', '1HT', '2HS', '2HT', '3HA', '3HS', '3HT'],
  Autocar: ['5VC'],
  Oshkosh: ['10T'],
  Hino: ['5PV'],
};

const makerOfWmi: ReadonlyMap<string, string> = new Map(
  Object.entries(makers).flatMap(([maker, codes]) => codes.map((code) => [code, maker] as const)),
);

/** The maker behind the first three characters of a VIN, or null when it is not in the table. */
export const manufacturerOfWmi = (wmi: string): string | null => makerOfWmi.get(wmi) ?? null;
