/** The audit log in words: what was done, by whom, how it ended. Pure. */
import type { AuditEntry } from '#contracts/audit';
import type { StateLook } from '../format/states.ts';

/** What was done, and the same as something that was tried: "Suspended a person", "Tried to suspend a person". */
interface ActionWords {
  done: string;
  tried: string;
}
const tries = (done: string, infinitive: string): ActionWords => ({ done, tried: `Tried to ${infinitive}` });
/** Something that reads the same however it ended. */
const either = (word: string): ActionWords => ({ done: word, tried: word });

/** Every action that the platform writes, by what it concerns. One that is not here is shown as it is written. */
export const actionGroups: readonly { word: string; actions: Readonly<Record<string, ActionWords>> }[] = [
  {
    word: 'Signing in',
    actions: {
      'session.create': tries('Signed in', 'sign in'),
      sign_in: either('Tried to sign in'),
      // Refused: a refresh token that was used twice has ended it.
      'session.end': { done: 'Session ended', tried: 'Session ended: its refresh token was used twice' },
      'access.denied': either('Was refused'),
      'password.change': tries('Changed the password', 'change the password'),
      'password.reset_request': tries('Asked for a new password', 'ask for a new password'),
      'password.reset': tries('Set a new password by mail', 'set a new password by mail'),
      'mfa.setup': tries('Began to set up two-step sign-in', 'set up two-step sign-in'),
      'mfa.enable': tries('Turned two-step sign-in on', 'turn two-step sign-in on'),
      'mfa.disable': tries('Turned two-step sign-in off', 'turn two-step sign-in off'),
      'mfa.reset': tries('Took two-step sign-in away', 'take two-step sign-in away'),
      'mfa.recovery_codes': tries('Created new recovery codes', 'create new recovery codes'),
    },
  },
  {
    word: 'People',
    actions: {
      'user.create': tries('Added a person', 'add a person'),
      'user.update': tries('Changed a person', 'change a person'),
      'user.suspend': tries('Suspended a person', 'suspend a person'),
      'user.activate': tries('Activated a person', 'activate a person'),
      'user.unlock': tries('Unlocked a person', 'unlock a person'),
      'user.delete': tries('Deleted a person', 'delete a person'),
      'mfa.reset': tries('Removed somebody’s two-step sign-in', 'remove somebody’s two-step sign-in'),
      'invitation.create': tries('Sent an invitation', 'send an invitation'),
      'invitation.revoke': tries('Withdrew an invitation', 'withdraw an invitation'),
      'invitation.preview': tries('Opened an invitation', 'open an invitation'),
      'invitation.accept': tries('Accepted an invitation', 'accept an invitation'),
    },
  },
  {
    word: 'Keys and providers',
    actions: {
      'api_key.create': tries('Created an API key', 'create an API key'),
      'api_key.rotate': tries('Rotated an API key', 'rotate an API key'),
      'api_key.revoke': tries('Revoked an API key', 'revoke an API key'),
      'oidc_provider.create': tries('Added an identity provider', 'add an identity provider'),
      'oidc_provider.update': tries('Changed an identity provider', 'change an identity provider'),
      'oidc_provider.delete': tries('Removed an identity provider', 'remove an identity provider'),
      'oidc_domain.verify': tries('Verified a domain', 'verify a domain'),
    },
  },
  {
    word: 'Organisation',
    actions: {
      'tenant.create': tries('Created an organisation', 'create an organisation'),
      'tenant.update': tries('Changed the organisation', 'change the organisation'),
      'dealer_link.create': tries('Asked for a dealer link', 'ask for a dealer link'),
      'dealer_link.accept': tries('Accepted a dealer link', 'accept a dealer link'),
      'dealer_link.end': tries('Ended a dealer link', 'end a dealer link'),
      'setup.complete': tries('Set up the platform', 'set up the platform'),
      'key.rotate': tries('Rotated the encryption key', 'rotate the encryption key'),
      'key.delete': tries('Removed an old encryption key', 'remove an old encryption key'),
    },
  },
  {
    word: 'Fleet',
    actions: {
      'geofence.create': tries('Drew a geofence', 'draw a geofence'),
      'geofence.update': tries('Changed a geofence', 'change a geofence'),
      'geofence.delete': tries('Deleted a geofence', 'delete a geofence'),
      'alert.acknowledge': tries('Acknowledged an alert', 'acknowledge an alert'),
      'alert.resolve': tries('Resolved an alert', 'resolve an alert'),
      'service_event.create': tries('Entered a service event', 'enter a service event'),
      'service_event.delete': tries('Took out a service event', 'take out a service event'),
      'service_events.import': tries('Imported service events', 'import service events'),
      'vehicle.score': tries('Had a vehicle scored', 'have a vehicle scored'),
      'risk_settings.update': tries('Changed the risk settings', 'change the risk settings'),
      'scoring_model.choose': tries('Chose a scoring model', 'choose a scoring model'),
      'scoring_model.promote': tries('Put a better scoring model in force', 'put a scoring model in force'),
      'training_run.start': tries('Started a training', 'start a training'),
      'training_run.finish': { done: 'Training finished', tried: 'Training failed' },
      'track_days.restore': tries('Asked for archived tracks', 'ask for archived tracks'),
      'track_day.restored': tries('Brought a day of tracks back', 'bring a day of tracks back'),
      'track_day.lock': tries('Put a restored day of tracks back', 'put a restored day of tracks back'),
      'track_day.archive': tries('Archived a day of tracks', 'archive a day of tracks'),
      'track_day.delete': tries('Deleted a day of tracks for good', 'delete a day of tracks'),
      'fleet.export': tries('Exported the fleet', 'export the fleet'),
      'sync_credentials.put': tries('Changed portal credentials', 'change portal credentials'),
      'sync_credentials.delete': tries('Removed portal credentials', 'remove portal credentials'),
      'sync_run.start': tries('Started a sync', 'start a sync'),
      'sync_run.finish': { done: 'Sync finished', tried: 'Sync failed' },
    },
  },
  {
    word: 'Displays',
    actions: {
      'display.pair': tries('Paired a display', 'pair a display'),
      'display.deny': tries('Refused a display', 'refuse a display'),
      'display.connect': tries('A display fetched its token', 'fetch a display’s token'),
      'display.update': tries('Changed a display', 'change a display'),
      'display.command': tries('Sent a display a command', 'send a display a command'),
      'display.unpair': tries('Unpaired a display', 'unpair a display'),
    },
  },
  { word: 'Audit', actions: { 'audit.verify': tries('Verified the log', 'verify the log') } },
];

const actionWords = new Map(actionGroups.flatMap(({ actions }) => Object.entries(actions)));
export const isKnownAction = (action: string): boolean => actionWords.has(action);

/** What an entry says was done; of what was denied or failed, that it was tried. */
export function actionWord({ action, outcome }: Pick<AuditEntry, 'action' | 'outcome'>): string {
  const words = actionWords.get(action);
  if (words === undefined) return action;
  return outcome === 'success' ? words.done : words.tried;
}

export const outcomeLooks: Readonly<Record<AuditEntry['outcome'], StateLook>> = {
  success: { word: 'Done', shape: 'dot', tone: 'neutral' },
  denied: { word: 'Denied', shape: 'stop', tone: 'high' },
  failed: { word: 'Failed', shape: 'triangle', tone: 'medium' },
};

/** Who it was, as far as the log knows. */
export function actorWord({
  actorType,
  actorName,
  actorId,
}: Pick<AuditEntry, 'actorType' | 'actorName' | 'actorId'>): string {
  if (actorType === 'job') return 'TruckIQ itself';
  if (actorName !== null) return actorName;
  if (actorType === 'anonymous' || actorId === null) return 'Somebody not signed in';
  if (actorType === 'display') return 'A display that is gone';
  return actorType === 'api_key' ? 'An API key that is gone' : 'Somebody who is gone';
}

const resourceWords: Readonly<Record<string, string>> = {
  user: 'Person',
  api_key: 'API key',
  invitation: 'Invitation',
  session: 'Session',
  tenant: 'Organisation',
  dealer_link: 'Dealer link',
  oidc_provider: 'Identity provider',
  oidc_domain: 'Domain',
  sync_run: 'Sync run',
  risk_settings: 'Risk settings',
  scoring_model: 'Scoring model',
  training_run: 'Training run',
  sync_credentials: 'Portal credentials',
  audit_log: 'Audit log',
  fleet: 'Fleet',
  data_key: 'Encryption key',
  master_key: 'Master key',
  signing_key: 'Signing key',
  alert: 'Alert',
  vehicle: 'Truck',
  display: 'Display',
  service_event: 'Service event',
  geofence: 'Geofence',
  track_day: 'Day of tracks',
  route: 'Route',
};
/** What it was done to. Own names only: what the log holds may be called "constructor". */
export const resourceWord = (resourceType: string): string =>
  Object.hasOwn(resourceWords, resourceType) ? (resourceWords[resourceType] ?? resourceType) : resourceType;

/** When, to the second: entries of one minute are told apart. "Nov 20, 2026, 09:11:24". */
export const entryTime = (at: string, timeZone: string): string =>
  new Intl.DateTimeFormat('en-US', {
    timeZone,
    year: 'numeric',
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  }).format(new Date(at));

/** The name without the address behind it, for a narrow column. */
export const shortActor = (entry: Parameters<typeof actorWord>[0]): string =>
  actorWord(entry).replace(/ \([^()\s]+@[^()\s]+\)$/, '');

const namingFields = ['name', 'email', 'title', 'username', 'domain'] as const;

/**
 * What an entry is about: by the name that before or after holds, else by what its id is called today; null when only the
 * id is known.
 */
export function subjectOf(
  { before, after, resourceType, resourceId }: AuditEntry,
  names: ReadonlyMap<string, string> = new Map(),
): string | null {
  for (const snapshot of [after, before]) {
    for (const field of namingFields) {
      const value = snapshot !== null && Object.hasOwn(snapshot, field) ? snapshot[field] : null;
      if (typeof value === 'string' && value.trim() !== '') return value;
    }
  }
  const name = resourceId === null ? undefined : names.get(resourceId);
  if (name !== undefined) return name;
  // Routes are named by themselves: "GET /api/v1/users".
  return resourceType === 'route' || resourceType === 'sync_credentials' ? resourceId : null;
}
