/** Controllers and the data links between them. VMRS has no system of its own for these; they are filed under 003. */
import { entriesOf, type CatalogueEntry } from '../catalogue-entry.ts';

/** SPN 2000 + n: the controller at source address n is silent. */
export const silentControllerBase = 2000;

const controllers: Readonly<Record<number, { name: string; severe: boolean }>> = {
  0: { name: 'engine controller', severe: true },
  3: { name: 'transmission controller', severe: true },
  11: { name: 'brake controller', severe: true },
  15: { name: 'engine brake controller', severe: false },
  17: { name: 'cruise control', severe: false },
  19: { name: 'steering controller', severe: true },
  23: { name: 'instrument cluster', severe: false },
  25: { name: 'climate controller', severe: false },
  33: { name: 'body controller', severe: false },
  39: { name: 'vehicle management computer', severe: false },
  49: { name: 'cab controller', severe: false },
  51: { name: 'tire pressure controller', severe: false },
  61: { name: 'exhaust emission controller', severe: true },
};

/** What sits at a J1939 source address, in our words; null where we do not know. */
export const controllerName = (sourceAddress: number): string | null => controllers[sourceAddress]?.name ?? null;

const silentControllers = Array.from({ length: 256 }, (_, address) => {
  const known = controllers[address];
  const severity = known?.severe === true ? ('major' as const) : ('minor' as const);
  return {
    spn: silentControllerBase + address,
    subject: known === undefined ? `Silent controller ${address}` : `No data: ${known.name}`,
    name: `No messages from ${known?.name ?? 'the controller'} (address ${address})`,
    kind: 'status' as const,
    fault: severity,
    circuit: severity,
    about: 'Other controllers hear nothing from this one and fall back to defaults.',
    advice: 'Check power, ground and data link of the silent controller.',
    short: { 9: known === undefined ? `No data from controller ${address}` : `No data from ${known.name}` },
  };
});

const links = [
  { spn: 639, number: 1 },
  { spn: 1231, number: 2 },
  { spn: 1235, number: 3 },
].map(({ spn, number }) => ({
  spn,
  subject: `J1939 data link ${number}`,
  kind: 'device' as const,
  fault: 'major' as const,
  circuit: 'major' as const,
  about: 'Controllers do not hear each other: missing gauges, no cruise, wrong shifting, many follow-up codes.',
  short: { 9: `J1939 data link ${number}: messages missing`, 19: `J1939 data link ${number}: bad data` },
  advice: 'Check connectors, the two terminating resistors (60 ohms together) and chafed wires.',
}));

export const networkEntries: readonly CatalogueEntry[] = [
  ...entriesOf('network', '003', [
    ...links,
    {
      spn: 625,
      subject: 'Proprietary data link',
      kind: 'device',
      about: 'Controllers on the private data link do not hear each other.',
      advice: 'Check connectors and wiring of the link.',
    },
    {
      spn: 628,
      subject: 'Controller program memory',
      kind: 'device',
      fault: 'critical',
      circuit: 'major',
      about: 'The program in the controller is damaged.',
      advice: 'Reprogram, then replace the controller.',
    },
    {
      spn: 629,
      subject: 'Controller',
      name: 'Controller (internal fault)',
      kind: 'device',
      fault: 'critical',
      circuit: 'major',
      about: 'The controller that reports this has failed inside.',
      advice: 'Check its supply and ground; reprogram or replace.',
      short: { 12: 'Controller failed internally' },
    },
    {
      spn: 630,
      subject: 'Controller calibration memory',
      kind: 'device',
      fault: 'major',
      circuit: 'major',
      about: 'The calibration in the controller is damaged or missing.',
      advice: 'Reprogram the controller.',
    },
    {
      spn: 1484,
      subject: 'Another controller has a fault',
      kind: 'status',
      fault: 'minor',
      about: 'Another controller reported a fault that affects this one.',
      advice: 'Read the codes of the other controllers.',
      short: { 31: 'Another controller reports a fault' },
    },
  ]),
  ...entriesOf('network', '003', silentControllers),
];
