/** What a key may be given, grouped and in words. Pure. */
import { apiKeyScopes, peopleOnlyPermissions } from '#contracts/api-keys';
import type { Permission } from '#contracts/roles';

interface ScopeWords {
  word: string;
  hint: string;
}

/** Every permission a key may hold; the type makes a new one impossible to forget. */
const scopeWords: Readonly<Record<Permission, ScopeWords | null>> = {
  'vehicles:read': { word: 'Read trucks', hint: 'Trucks, faults, positions, groups, geofences, predictions.' },
  'vehicles:write': { word: 'Change trucks', hint: 'Add, change, import and remove trucks.' },
  'vehicles:assign': { word: 'Assign drivers', hint: 'Say who drives which truck.' },
  'service:write': { word: 'Record service', hint: 'Add repairs and inspections to a truck’s history.' },
  'groups:write': { word: 'Change groups', hint: 'Create groups and put trucks into them.' },
  'geofences:write': { word: 'Change geofences', hint: 'Draw, change and remove geofences.' },
  'telemetry:write': {
    word: 'Send telemetry',
    hint: 'Positions, signals and faults from gateways. 6,000 requests a minute by default.',
  },
  'alerts:read': { word: 'Read alerts', hint: 'Alerts and their history.' },
  'alerts:manage': { word: 'Work on alerts', hint: 'Acknowledge, assign, snooze and resolve.' },
  'rules:manage': { word: 'Change rules', hint: 'What opens an alert, and which faults count.' },
  'reports:read': { word: 'Read reports', hint: 'The numbers behind every report.' },
  'reports:export': { word: 'Export', hint: 'Reports as files, and everything of the fleet at once.' },
  'scoring:manage': { word: 'Score', hint: 'Have risk computed again.' },
  'sync:read': { word: 'See syncs', hint: 'When the portal was read, and how it went.' },
  'sync:manage': { word: 'Start syncs', hint: 'Start a sync, and change the portal’s credentials.' },
  'displays:manage': { word: 'Manage displays', hint: 'Pair wall displays, change them, take them off.' },
  'webhooks:manage': { word: 'Manage webhooks', hint: 'Endpoints, deliveries, secrets.' },
  'audit:read': { word: 'Read the audit log', hint: 'Who did what, with addresses and e-mails.' },
  'users:manage': null,
  'settings:manage': null,
  'links:manage': null,
  'admin:manage': null,
};

export const wordsOfScope = (scope: Permission): ScopeWords => scopeWords[scope] ?? { word: scope, hint: '' };

export interface ScopeGroup {
  word: string;
  scopes: Permission[];
}

const groupOf: readonly { word: string; begins: readonly string[] }[] = [
  { word: 'Trucks', begins: ['vehicles', 'service', 'groups', 'geofences'] },
  { word: 'Telemetry', begins: ['telemetry'] },
  { word: 'Alerts', begins: ['alerts', 'rules'] },
  { word: 'Reports and scores', begins: ['reports', 'scoring'] },
  { word: 'Portal sync', begins: ['sync'] },
  { word: 'Displays and webhooks', begins: ['displays', 'webhooks'] },
  { word: 'Audit', begins: ['audit'] },
];

const nounOf = (scope: Permission): string => scope.split(':', 1)[0] ?? '';

/** Every scope once, in groups; what fits nowhere stands under "Other" rather than being left out. */
export const scopeGroups: readonly ScopeGroup[] = [
  ...groupOf.map(({ word, begins }) => ({
    word,
    scopes: apiKeyScopes.filter((scope) => begins.includes(nounOf(scope))),
  })),
  {
    word: 'Other',
    scopes: apiKeyScopes.filter((scope) => !groupOf.some(({ begins }) => begins.includes(nounOf(scope)))),
  },
].filter(({ scopes }) => scopes.length > 0);

/** True for what looks and never changes anything. */
export const isReading = (scope: Permission): boolean => scope.endsWith(':read');

/** Usual keys, for one click. */
export const scopePresets: readonly { word: string; scopes: readonly Permission[] }[] = [
  { word: 'Telematics gateway', scopes: ['telemetry:write'] },
  {
    word: 'Read everything but audit',
    scopes: apiKeyScopes.filter((scope) => isReading(scope) && scope !== 'audit:read'),
  },
];

/** A key may do no more than whoever makes it, and what is for people alone is for no key. */
export const mayGive = (held: readonly Permission[], scope: Permission): boolean =>
  held.includes(scope) && !peopleOnlyPermissions.includes(scope);
