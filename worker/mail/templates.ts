/** What each mail says. One function per template: facts in, words out; layout.ts gives them their two forms. */
import { mailDataSchemas, type MailData, type MailTemplate } from './messages.ts';
import { toHtml, toText, type Letter } from './layout.ts';
import { plainName, plainSubject } from './words.ts';

export type { MailDataInput, MailMessage, MailTemplate } from './messages.ts';

export interface MailContext {
  publicUrl: string;
  to: string;
  /** IANA name; null tells times in UTC. */
  timeZone: string | null;
  /** When the message, and with it a link in it, ends. */
  expiresAt: Date;
}

export interface RenderedMail {
  subject: string;
  text: string;
  html: string;
}

/** `November 20, 2026 at 2:11 AM MST`; in UTC where the zone is unknown. */
export function instantIn(at: Date, timeZone: string | null): string {
  const format = (zone: string): string =>
    new Intl.DateTimeFormat('en-US', {
      ...{ year: 'numeric', month: 'long', day: 'numeric', hour: 'numeric', minute: '2-digit', timeZoneName: 'short' },
      timeZone: zone,
    } as const).format(at);
  try {
    // Some releases of the runtime put a narrow space before AM, which old mail programs show as a box.
    return format(timeZone ?? 'UTC').replaceAll('\u202f', ' ');
  } catch {
    return format('UTC').replaceAll('\u202f', ' ');
  }
}

interface Words {
  time: (at: Date) => string;
  publicUrl: string;
  /** When the link in it ends. */
  until: string;
}

const minutesText = (minutes: number): string => (minutes === 1 ? '1 minute' : `${minutes} minutes`);
const roleText = (role: string): string => plainName(role.replaceAll('_', ' ')).toLowerCase();
const addressText = (ip: string | null): string => (ip === null ? 'unknown' : plainName(ip));
const whenAndWhere = (at: Date, ip: string | null, { time }: Words): [string, string][] => [
  ['When', time(at)],
  ['From network address', addressText(ip)],
];

/** For those who see that something is wrong: the page that mails a link to whoever reads this mail. */
const newPassword = ({ publicUrl }: Words): Letter['action'] => ({
  label: 'Choose a new password',
  link: `${publicUrl}/forgot-password`,
  until: null,
});

type Template<T extends MailTemplate> = (data: MailData<T>, words: Words) => Letter;

const templates: { [T in MailTemplate]: Template<T> } = {
  invitation: ({ inviterName, tenantName, roleName, link }, { until }) => ({
    subject: `You are invited to ${plainName(tenantName)} on TruckIQ`,
    heading: `Join ${plainName(tenantName)} on TruckIQ`,
    paragraphs: [
      `${plainName(inviterName)} invited you to work with ${plainName(tenantName)} on TruckIQ as ${roleText(roleName)}.`,
      'TruckIQ watches over the fleet’s trucks: what needs attention, why, and what to do. Choose your name and password to begin.',
    ],
    action: { label: 'Accept the invitation', link, until },
    ifUnexpected: `Not expecting this? Ignore the message: without the link nobody can join in your name, and no account is made.`,
    because: `${plainName(inviterName)} entered this address when inviting you`,
  }),

  password_reset: ({ name, link, minutes }, { until }) => ({
    subject: 'Choose a new TruckIQ password',
    heading: 'Choose a new password',
    paragraphs: [
      `Hello ${plainName(name)}, somebody, hopefully you, asked for a way to choose a new password. It stays open for ${minutesText(minutes)}.`,
    ],
    action: { label: 'Choose a new password', link, until },
    ifUnexpected:
      'You did not ask? Ignore the message: your password stays as it is. If it keeps happening, tell your administrator.',
    because: 'a new password was asked for with this address',
  }),

  password_changed: ({ name, at, ip }, words) => ({
    subject: 'Your TruckIQ password was changed',
    heading: 'Your password was changed',
    paragraphs: [
      `Hello ${plainName(name)}, the password of your account has been changed, and other devices were signed out.`,
    ],
    facts: whenAndWhere(at, ip, words),
    action: newPassword(words),
    ifUnexpected: 'Was it not you? Choose a new password at once, and tell your administrator.',
    because: 'it belongs to the account whose password was changed',
  }),

  mfa_changed: ({ name, enabled, at, ip, by }, words) => ({
    subject: enabled
      ? 'Two-step sign-in is on for your TruckIQ account'
      : 'Two-step sign-in is off for your TruckIQ account',
    heading: enabled ? 'Two-step sign-in was turned on' : 'Two-step sign-in was turned off',
    paragraphs: [
      enabled
        ? `Hello ${plainName(name)}, signing in now also asks for a code from your authenticator app. Keep your recovery codes where you find them without your phone.`
        : `Hello ${plainName(name)}, signing in no longer asks for a code: your password alone is enough.${by === null ? '' : ` ${plainName(by)} turned off your two-step sign-in, and every device was signed out. Turn it on again in your profile.`}`,
    ],
    // Where an administrator sat is no concern of the account's owner.
    facts: by === null ? whenAndWhere(at, ip, words) : [['When', words.time(at)]],
    action: newPassword(words),
    ifUnexpected: enabled
      ? 'Was it not you? Choose a new password at once, and ask your administrator, or else the operator of this platform, to turn off your two-step sign-in under Settings → People: you then sign in with the password alone.'
      : 'Was it not you, or did you not ask for it? Choose a new password at once, and tell your administrator.',
    because: 'it belongs to the account whose sign-in was changed',
  }),

  sign_in_locked: ({ name, minutes, ip }, words) => ({
    subject: 'Sign-in to your TruckIQ account is paused',
    heading: 'Sign-in is paused',
    paragraphs: [
      `Hello ${plainName(name)}, the wrong password was given several times in a row. To keep others out, nobody can sign in to your account for ${minutesText(minutes)}; you stay signed in where you already are.`,
    ],
    facts: [['From network address', addressText(ip)]],
    action: newPassword(words),
    ifUnexpected:
      'Was it you? Wait, choose a new password, or ask your administrator: each opens the account again. Was it not you? Your password was not guessed; nothing needs to be done.',
    because: 'it belongs to the account that was tried',
  }),

  welcome: ({ name, tenantName, link }) => ({
    subject: 'Welcome to TruckIQ',
    heading: `Welcome, ${plainName(name)}`,
    paragraphs: [
      `${plainName(tenantName)} is set up on TruckIQ. Next: connect the manufacturer’s portal, and your trucks appear with their faults and what to do about them.`,
    ],
    action: { label: 'Open TruckIQ', link, until: null },
    ifUnexpected:
      'You did not sign up? Somebody used your address: let the operator of this platform know. Nothing else needs to be done.',
    because: 'it was given when the account was made',
  }),

  dealer_link_requested: ({ fromTenantName, link }) => ({
    subject: `${plainName(fromTenantName)} asks to be linked with you on TruckIQ`,
    heading: 'A link between dealer and fleet is asked for',
    paragraphs: [
      `${plainName(fromTenantName)} asks to be linked with your company. Once you accept, the dealer sees the fleet’s trucks, faults and alerts; either side can end it at any time, and it ends at once.`,
    ],
    action: { label: 'Look at the request', link, until: null },
    ifUnexpected:
      'You do not know them? Leave the request alone: nothing is shared until somebody of your company accepts it.',
    because: 'you administer a company on TruckIQ',
  }),

  api_key_expiring: ({ keyName, expiresAt, link }, { time }) => ({
    subject: `The API key ${plainName(keyName)} expires soon`,
    heading: 'An API key expires soon',
    paragraphs: [
      'Programs that use it are refused from then on. Rotate it to get a new one; the old one keeps working for a while, so that nothing stands still.',
    ],
    facts: [
      ['Key', plainName(keyName)],
      ['Expires', time(expiresAt)],
    ],
    action: { label: 'Look at the API keys', link, until: null },
    ifUnexpected: 'Is it no longer used? Then nothing needs to be done.',
    because: 'you administer API keys on TruckIQ',
  }),
};

function letterOf<T extends MailTemplate>(template: T, data: unknown, words: Words): Letter {
  return templates[template](mailDataSchemas[template].parse(data) as MailData<T>, words);
}

/**
 * Subject, plain text and HTML of a message. `data` is parsed again: it has been through JSON. Throws when it is not what
 * the template needs.
 */
export function renderMail(template: MailTemplate, data: unknown, context: MailContext): RenderedMail {
  const time = (at: Date): string => instantIn(at, context.timeZone);
  const letter = letterOf(template, data, { time, publicUrl: context.publicUrl, until: time(context.expiresAt) });
  const subject = plainSubject(letter.subject);
  if (letter.action !== undefined && new URL(letter.action.link).origin !== new URL(context.publicUrl).origin) {
    throw new Error(`a ${template} mail must link to the dashboard`);
  }
  const safe = { ...letter, subject };
  return { subject, text: toText(safe, context), html: toHtml(safe, context) };
}
