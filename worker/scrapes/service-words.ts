/** The words by which shops, portals and their exports name a kind of work and a part of the truck. Pure. */
import { vehicleSystems, type VehicleSystem } from '#contracts/faults';
import { serviceEventKinds, type ServiceEventKind } from '#contracts/service-events';

/** Lower case, one space between words: "Pre-Trip / P.M." → "pre trip pm". */
const plainWords = (text: string): string =>
  text
    .slice(0, 200)
    .normalize('NFKC')
    .toLowerCase()
    .replace(/\b([a-z])\.(?=[a-z]\b)/g, '$1')
    .replace(/[^a-z0-9]+/g, ' ')
    .replace(/\b(?:un|non) scheduled\b/g, 'unscheduled')
    .trim();

const kindWords: readonly [ServiceEventKind, RegExp][] = [
  ['breakdown', /\b(?:break ?downs?|road ?calls?|road ?side|road service|tow|towed|towing|ers|stranded)\b/],
  ['preventive', /\b(?:preventi(?:ve|on)|preventative|pms?|pm ?[a-f0-9]|scheduled|routine|oil change|lube)\b/],
  ['inspection', /\b(?:inspections?|inspected|dot|annual|dvir|fhwa|cvip)\b/],
  ['repair', /\b(?:repairs?|repaired|corrective|unscheduled|fix|fixed|warranty)\b/],
];

/**
 * The kind of work that words name; null when they name none, or two that exclude each other. A road call is one also
 * when it says that it was repaired, and a preventive service one also when an inspection came with it.
 */
export function serviceKindOf(text: string): ServiceEventKind | null {
  const words = plainWords(text);
  const exact = serviceEventKinds.find((kind) => kind === words);
  if (exact !== undefined) return exact;
  const named = kindWords.filter(([, pattern]) => pattern.test(words)).map(([kind]) => kind);
  if (named.length === 2) {
    if (named.includes('breakdown') && named.includes('repair')) return 'breakdown';
    if (named.includes('preventive') && named.includes('inspection')) return 'preventive';
  }
  return named.length === 1 ? (named[0] ?? null) : null;
}

/** The first three digits of a VMRS code name the system (ATA/TMC Vehicle Maintenance Reporting Standards). */
const vmrsSystems: Readonly<Record<string, VehicleSystem>> = {
  '001': 'hvac',
  '002': 'cab',
  '003': 'cab',
  '013': 'brakes',
  '015': 'steering',
  '021': 'drivetrain',
  '022': 'drivetrain',
  '023': 'drivetrain',
  '024': 'drivetrain',
  '025': 'drivetrain',
  '026': 'transmission',
  '027': 'transmission',
  '030': 'electrical',
  '031': 'electrical',
  '032': 'electrical',
  '033': 'electrical',
  '034': 'electrical',
  '041': 'air_intake',
  '042': 'cooling',
  '043': 'aftertreatment',
  '044': 'fuel',
  '045': 'engine',
  '071': 'body',
};

const systemWords: readonly [VehicleSystem, RegExp][] = [
  ['aftertreatment', /\b(?:after ?treatment|exhaust|dpf|def|scr|egr|emissions?)\b/],
  ['air_intake', /\b(?:air ?intake|intake|turbo(?:charger)?|charge air)\b/],
  ['cooling', /\b(?:cooling|coolant|radiator)\b/],
  ['fuel', /\bfuel\b/],
  ['electrical', /\b(?:electric(?:al)?|battery|batteries|charging|cranking|starting|lighting|lights?)\b/],
  ['brakes', /\b(?:brakes?|abs)\b/],
  ['transmission', /\b(?:transmission|gearbox)\b/],
  ['drivetrain', /\b(?:drive ?train|drive ?line|axles?|clutch|differential)\b/],
  ['steering', /\bsteering\b/],
  ['hvac', /\b(?:hvac|air conditioning|climate|a c)\b/],
  ['cab', /\bcab\b/],
  ['body', /\bbody\b/],
  ['network', /\b(?:network|communications?|can ?bus|telematics)\b/],
  ['engine', /\b(?:engine|power ?plant)\b/],
  ['other', /\b(?:other|misc|miscellaneous|general)\b/],
];

/** The system that words or a VMRS code name; null when they name none, or several. */
export function vehicleSystemOf(text: string): VehicleSystem | null {
  const exact = vehicleSystems.find((system) => system === text.trim().toLowerCase());
  if (exact !== undefined) return exact;
  const code = /^\s*(\d{3})(?:[-. ]\d{3}){0,2}\b/.exec(text)?.[1];
  if (code !== undefined) return vmrsSystems[code] ?? 'other';
  const words = plainWords(text);
  const named = systemWords.filter(([, pattern]) => pattern.test(words)).map(([system]) => system);
  return named.length === 1 ? (named[0] ?? null) : null;
}
