/** The forms of API keys. What they send is handed in. */
import {
  apiKeyDefaultDays,
  apiKeyMaxDays,
  createApiKeyInputSchema,
  rotateApiKeyInputSchema,
  type CreateApiKeyInput,
} from '#contracts/api-keys';
import type { Permission } from '#contracts/roles';
import { dayEnd } from '../format/days.ts';
import { Form } from '../state/form.svelte.ts';

/** Days, or a day of one's own choosing. */
export const lifetimes = ['7', '30', '90', '180', '365', 'day'] as const;
export type Lifetime = (typeof lifetimes)[number];

export interface KeyValues {
  name: string;
  scopes: Permission[];
  expiresAt: Lifetime;
  /** `2026-11-20`, in the organisation's zone; counts with the lifetime "day". */
  day: string;
  /** One entry a line, or between commas. */
  ipAllowList: string;
  /** Empty: the platform's default. */
  requestsPerMinute: string;
}

/** The lines of a list as people type it. */
export const entriesOf = (text: string): string[] =>
  text
    .split(/[\s,;]+/)
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');

/** When a key of this lifetime ends; null while the day is no day. */
export function endOf(lifetime: Lifetime, day: string, nowMs: number, timeZone: string): string | null {
  return lifetime === 'day' ? dayEnd(day, timeZone) : new Date(nowMs + Number(lifetime) * 86_400_000).toISOString();
}

export type KeyForm = ReturnType<typeof keyForm>;
export const keyForm = (
  send: (input: CreateApiKeyInput) => Promise<void>,
  { nowMs, timeZone }: { nowMs: () => number; timeZone: () => string },
) =>
  new Form({
    values: {
      name: '',
      scopes: [],
      expiresAt: String(apiKeyDefaultDays) as Lifetime,
      day: '',
      ipAllowList: '',
      requestsPerMinute: '',
    } as KeyValues,
    schema: createApiKeyInputSchema,
    toInput: ({ name, scopes, expiresAt, day, ipAllowList, requestsPerMinute }) => ({
      name,
      scopes,
      expiresAt: endOf(expiresAt, day, nowMs(), timeZone()) ?? '',
      ...(entriesOf(ipAllowList).length === 0 ? {} : { ipAllowList: entriesOf(ipAllowList) }),
      ...(requestsPerMinute.trim() === '' ? {} : { requestsPerMinute: Number(requestsPerMinute) }),
    }),
    send,
    words: {
      name: 'Give the key a name, so that you know it again.',
      scopes: 'Choose what the key may do.',
      expiresAt: `Choose a day from today on, at most ${apiKeyMaxDays} days ahead.`,
      requestsPerMinute: 'Enter a whole number from 1 to 1,000,000, or nothing.',
    },
  });

/** Hours that the old secret goes on working, with how to say it. */
export const overlaps = [
  { hours: 0, word: 'Ends now' },
  { hours: 1, word: 'Works for 1 more hour' },
  { hours: 24, word: 'Works for 24 more hours' },
  { hours: 72, word: 'Works for 3 more days' },
  { hours: 168, word: 'Works for 7 more days' },
] as const;

export type RotateForm = ReturnType<typeof rotateForm>;
export const rotateForm = (send: (overlapHours: number) => Promise<void>) =>
  new Form({
    values: { overlapHours: 24 },
    schema: rotateApiKeyInputSchema,
    send: ({ overlapHours }) => send(overlapHours),
  });
