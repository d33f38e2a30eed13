/** What the portal remembers while it runs: each account's persona, injected faults, and its own counters. */
import { z } from 'zod';
import { fmiSchema, lampsSchema, sourceAddressSchema, spnSchema } from '#contracts/faults';
import type { PortalAccount } from './accounts.ts';
import { personas, settingsOf, type Persona, type PersonaName, type PersonaSettings } from './personas.ts';

export const faultOverrideSchema = z.strictObject({
  vin: z.string().length(17),
  spn: spnSchema,
  fmi: fmiSchema,
  sourceAddress: sourceAddressSchema.default(0),
  description: z.string().max(10_000).optional(),
  isActive: z.boolean(),
  occurrenceCount: z.number().int().min(0).max(126).default(1),
  lamps: lampsSchema.optional(),
});
export type FaultOverride = z.infer<typeof faultOverrideSchema>;

export interface AccountState {
  account: PortalAccount;
  personaName: PersonaName;
  settings: PersonaSettings;
  hasAcceptedPolicies: boolean;
  /** Signed-in pages since the persona was set. */
  pages: number;
  /** Pages since the trouble last struck, and whether it struck at all. */
  pagesSinceTrouble: number;
  hasStruck: boolean;
  refusesUntilMs: number;
  usedSteps: Set<number>;
}

export interface PortalCounters {
  requestsByKind: Record<string, number>;
  answersByStatus: Record<string, number>;
  concurrentNow: number;
  maxConcurrent: number;
  logins: number;
  wrongLogins: number;
}

export const emptyCounters = (): PortalCounters => ({
  requestsByKind: {},
  answersByStatus: {},
  concurrentNow: 0,
  maxConcurrent: 0,
  logins: 0,
  wrongLogins: 0,
});

/** An account as it starts with a persona: nothing accepted, nothing counted. */
export function freshAccount(
  account: PortalAccount,
  personaName: PersonaName = account.persona,
  settings: Partial<PersonaSettings> = {},
): AccountState {
  return {
    account,
    personaName,
    settings: settingsOf(personaName, settings),
    hasAcceptedPolicies: false,
    pages: 0,
    pagesSinceTrouble: 0,
    hasStruck: false,
    refusesUntilMs: 0,
    usedSteps: new Set(),
  };
}

export const personaOf = (state: AccountState): Persona => personas[state.personaName];

/** Counts one signed-in page and says what becomes of it. Changes the account's counters. */
export function judgePage(state: AccountState, nowMs: number): 'serve' | 'refuse' | 'fail' | 'end_session' {
  const { trouble } = personaOf(state);
  state.pages += 1;
  if (trouble === undefined) return 'serve';
  if (nowMs < state.refusesUntilMs) return 'refuse';
  if (state.pagesSinceTrouble < state.settings.afterRequests || (state.hasStruck && !state.settings.isRepeated)) {
    state.pagesSinceTrouble += 1;
    return 'serve';
  }
  state.hasStruck = true;
  state.pagesSinceTrouble = 0;
  if (trouble === 'ends_session') return 'end_session';
  if (trouble === 'fails') return 'fail';
  state.refusesUntilMs = nowMs + state.settings.retryAfterSeconds * 1000;
  return 'refuse';
}
