/** The form of a service record. What it sends is handed in. */
import type { VehicleSystem } from '#contracts/faults';
import {
  createServiceEventInputSchema,
  earliestServiceAt,
  type CreateServiceEventInput,
  type ServiceEventKind,
} from '#contracts/service-events';
import { wallAt, wallInstant } from '../format/days.ts';
import type { Units } from '../format/units.ts';
import { Form } from '../state/form.svelte.ts';

const kilometresPerMile = 1.609344;

export interface ServiceValues {
  kind: ServiceEventKind | '';
  /** What the clocks of the organisation showed: `2026-11-20T09:11`. */
  at: string;
  description: string;
  system: VehicleSystem | '';
  spn: string;
  fmi: string;
  /** In the organisation's units. */
  odometerMiles: string;
  externalId: string;
}

export interface ServiceFormContext {
  nowMs: () => number;
  timeZone: () => string;
  units: () => Units;
}

const numberOf = (text: string): number | undefined =>
  text.trim() === '' ? undefined : Number(text.replaceAll(',', ''));

function milesOf(text: string, units: Units): number | undefined {
  const value = numberOf(text);
  if (value === undefined || units === 'us') return value;
  return Math.round((value / kilometresPerMile) * 10) / 10;
}

/** An empty record of this moment. */
export const freshService = ({ nowMs, timeZone }: Pick<ServiceFormContext, 'nowMs' | 'timeZone'>): ServiceValues => ({
  kind: '',
  at: wallAt(nowMs(), timeZone()),
  description: '',
  system: '',
  spn: '',
  fmi: '',
  odometerMiles: '',
  externalId: '',
});

export type ServiceForm = ReturnType<typeof serviceForm>;
export const serviceForm = (
  send: (input: CreateServiceEventInput) => Promise<void>,
  { nowMs, timeZone, units }: ServiceFormContext,
) =>
  new Form({
    values: freshService({ nowMs, timeZone }),
    schema: createServiceEventInputSchema
      .refine(({ at }) => Date.parse(at) <= nowMs() + 60_000, { path: ['at'], message: 'lies in the future' })
      .refine(({ at }) => at >= earliestServiceAt, { path: ['at'], message: 'lies before 1980' })
      .refine(({ spn, fmi }) => fmi === undefined || spn !== undefined, { path: ['spn'], message: 'is missing' }),
    toInput: ({ kind, at, description, system, spn, fmi, odometerMiles, externalId }) => ({
      kind,
      at: wallInstant(at, timeZone()) ?? '',
      description,
      ...(system === '' ? {} : { system }),
      ...(numberOf(spn) === undefined ? {} : { spn: numberOf(spn) }),
      ...(numberOf(fmi) === undefined ? {} : { fmi: numberOf(fmi) }),
      ...(milesOf(odometerMiles, units()) === undefined ? {} : { odometerMiles: milesOf(odometerMiles, units()) }),
      ...(externalId.trim() === '' ? {} : { externalId }),
    }),
    send,
    words: {
      kind: 'Choose what kind of work it was.',
      at: 'Enter when it happened: a day since 1980, not in the future.',
      description: 'Say what was done or what failed, in one line of up to 500 characters.',
      spn: 'Enter the SPN, a whole number up to 524,287, or leave both fields empty.',
      fmi: 'Enter the FMI, a whole number from 0 to 31.',
      odometerMiles: 'Enter the odometer as a number, or nothing.',
      externalId: 'Enter the number in one line of up to 100 characters.',
    },
  });
