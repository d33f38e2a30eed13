/** How people, their roles and the devices they come from are written. */
import type { Role } from '#contracts/roles';

export const roleWords: Readonly<Record<Role, string>> = {
  super_admin: 'Super admin',
  dealer_admin: 'Dealer admin',
  fleet_admin: 'Fleet admin',
  fleet_manager: 'Fleet manager',
  service_manager: 'Service manager',
  dispatcher: 'Dispatcher',
  technician: 'Technician',
  driver: 'Driver',
  viewer: 'Viewer',
  shipper: 'Shipper',
};

/** What a role is for, in one line: shown where one is chosen. */
export const roleHints: Readonly<Record<Role, string>> = {
  super_admin: 'Runs the platform: every organisation, every setting.',
  dealer_admin: 'Everything of this organisation, people and settings included.',
  fleet_admin: 'Everything of this organisation, people and settings included.',
  fleet_manager: 'Runs the fleet: trucks, alerts, reports. No people, settings or portal credentials.',
  service_manager: 'Runs the shop: alerts, service history, groups, displays, reports.',
  dispatcher: 'Sees every truck, assigns drivers, draws geofences.',
  technician: 'Sees trucks and alerts, records service.',
  driver: 'Sees only what is assigned to them.',
  viewer: 'Looks at everything of the fleet, changes nothing.',
  shipper: 'For customers who post loads. Holds no permission yet: they can sign in, but see nothing.',
};

/** "Jo Ann Reyes" → "JA"; at most two letters. */
export const initialsOf = (name: string): string =>
  name
    .trim()
    .split(/\s+/)
    .map((part) => [...part][0] ?? '')
    .slice(0, 2)
    .join('')
    .toUpperCase();

// The order matters: Edge and Opera call themselves Chrome too, and Chrome calls itself Safari.
const browsers: readonly [RegExp, string][] = [
  [/\bEdgA?\/|\bEdgiOS\//, 'Edge'],
  [/\bOPR\/|\bOpera\b/, 'Opera'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\bFirefox\/|\bFxiOS\//, 'Firefox'],
  [/\bHeadlessChrome\/|\bChrome\/|\bCriOS\/|\bChromium\//, 'Chrome'],
  [/\bVersion\/[\d.]+.*\bSafari\//, 'Safari'],
];
const systems: readonly [RegExp, string][] = [
  [/\biPhone\b/, 'iPhone'],
  [/\biPad\b/, 'iPad'],
  [/\bAndroid\b/, 'Android'],
  [/\bWindows\b/, 'Windows'],
  [/\bMac OS X\b|\bMacintosh\b/, 'Mac'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bLinux\b/, 'Linux'],
];
const nameIn = (list: readonly [RegExp, string][], text: string): string | null =>
  list.find(([pattern]) => pattern.test(text))?.[1] ?? null;

/**
 * What a user agent most likely is, for a person to recognise: "Chrome on Windows". A program names itself ("curl 8.5.0").
 * Never more than a hint: anybody can send any user agent.
 */
export function deviceOf(userAgent: string | null): string {
  if (userAgent === null || userAgent.trim() === '') return 'Unknown device';
  const browser = nameIn(browsers, userAgent);
  const system = nameIn(systems, userAgent);
  if (browser !== null) return system === null ? browser : `${browser} on ${system}`;
  const program = /^([\w .-]{1,40})\/([\w.-]{1,20})/.exec(userAgent);
  if (program !== null && program[1] !== 'Mozilla') return `${program[1]} ${program[2]}`;
  return system === null ? 'Unknown device' : `A browser on ${system}`;
}
