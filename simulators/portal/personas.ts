/** How an account of the portal behaves, as data. A persona is a set of switches; the portal obeys the switches. */
import { z } from 'zod';

export const personaNames = [
  'normal',
  'policies',
  'mfa',
  'rate_limited',
  'server_error',
  'hang',
  'hang_login',
  'markup_changed',
  'session_expires',
  'asset_list',
  'shuffled_columns',
  'half_fleet',
  'empty_fleet',
  'hostile_text',
  'slow',
  'multi_pair_rows',
  'no_cases',
  'cases_changed',
] as const;
export type PersonaName = (typeof personaNames)[number];

/** What happens when the signed-in page count passes `afterRequests`. */
export type Trouble = 'refuses' | 'fails' | 'ends_session';

export interface Persona {
  mustAcceptPolicies?: boolean;
  asksForCode?: boolean;
  trouble?: Trouble;
  hangsOnLogin?: boolean;
  /** One diagnostics page never answers: `hangVin`, or that of the fleet's first truck. */
  hangsOnDiagnostics?: boolean;
  markup?: 'changed';
  list?: 'asset_list' | 'shuffled_columns';
  fleet?: 'half' | 'empty';
  hasHostileText?: boolean;
  hasMultiPairRows?: boolean;
  /** The account's subscription shows no cases, or shows them in a way nobody knows. */
  cases?: 'absent' | 'changed';
  defaults?: Partial<PersonaSettings>;
}

/** Numbers of a persona that a test may set. */
export const personaSettingsSchema = z.strictObject({
  /** Signed-in pages served before the trouble starts. */
  afterRequests: z.number().int().min(0).max(1_000_000).default(5),
  /** Whether the trouble comes back after every further `afterRequests` pages, or happens once. */
  isRepeated: z.boolean().default(false),
  retryAfterSeconds: z.number().int().min(0).max(86_400).default(2),
  latencyMs: z.number().int().min(0).max(600_000).default(0),
  hangVin: z.string().length(17).nullable().default(null),
});
export type PersonaSettings = z.infer<typeof personaSettingsSchema>;

export const personas: Readonly<Record<PersonaName, Persona>> = {
  normal: {},
  policies: { mustAcceptPolicies: true },
  mfa: { asksForCode: true },
  /** After some pages answers 429 until Retry-After has passed, then serves as many again. */
  rate_limited: { trouble: 'refuses', defaults: { isRepeated: true } },
  server_error: { trouble: 'fails' },
  hang: { hangsOnDiagnostics: true },
  hang_login: { hangsOnLogin: true },
  markup_changed: { markup: 'changed' },
  session_expires: { trouble: 'ends_session', defaults: { afterRequests: 10, isRepeated: true } },
  asset_list: { list: 'asset_list' },
  shuffled_columns: { list: 'shuffled_columns' },
  half_fleet: { fleet: 'half' },
  empty_fleet: { fleet: 'empty' },
  hostile_text: { hasHostileText: true },
  slow: { defaults: { latencyMs: 1500 } },
  multi_pair_rows: { hasMultiPairRows: true },
  no_cases: { cases: 'absent' },
  cases_changed: { cases: 'changed' },
};

/** Settings of a persona: its own defaults, with what the caller names on top. */
export function settingsOf(name: PersonaName, chosen: Partial<PersonaSettings> = {}): PersonaSettings {
  return personaSettingsSchema.parse({ ...personas[name].defaults, ...chosen });
}
