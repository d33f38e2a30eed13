/** The form of a geofence: what is typed, checked by the contract. The shape is drawn beside it. */
import {
  createGeofenceInputSchema,
  radiusMetersRange,
  type CreateGeofenceInput,
  type Geofence,
} from '#contracts/geofences';
import type { Units } from '../format/units.ts';
import { Form } from '../state/form.svelte.ts';
import { formatLength, mphOf, numberOf, speedIn } from './measures.ts';
import { shapeOf, type Draft } from './draft.ts';

export interface GeofenceValues {
  name: string;
  alertOnEntry: boolean;
  alertOnExit: boolean;
  /** As typed; empty: nobody minds. */
  dwellMinutes: string;
  speedLimitMph: string;
  /** Never typed: the drawing is asked for it. Here so that what is wrong with it has a field to stand at. */
  shape: null;
}

export type GeofenceForm = Form<GeofenceValues, typeof createGeofenceInputSchema>;

export const valuesOf = (fence: Geofence | null, units: Units): GeofenceValues => ({
  name: fence?.name ?? '',
  alertOnEntry: fence?.alertOnEntry ?? false,
  alertOnExit: fence?.alertOnExit ?? false,
  dwellMinutes: fence === null || fence.dwellMinutes === null ? '' : String(fence.dwellMinutes),
  speedLimitMph: fence === null || fence.speedLimitMph === null ? '' : speedIn(fence.speedLimitMph, units),
  shape: null,
});

/** A typed limit; one that was not touched stays what it was, to the last digit. */
function limitOf(text: string, fence: Geofence | null, units: Units): number | null {
  if (text.trim() === '') return null;
  const kept = fence?.speedLimitMph ?? null;
  return kept !== null && text === speedIn(kept, units) ? kept : mphOf(text, units);
}

/** What is sent for what is typed and drawn; NaN for what is no number, which the contract refuses. */
export function inputOf(values: GeofenceValues, draft: Draft, fence: Geofence | null, units: Units) {
  const dwell = values.dwellMinutes.trim();
  return {
    name: values.name,
    shape: shapeOf(draft),
    alertOnEntry: values.alertOnEntry,
    alertOnExit: values.alertOnExit,
    dwellMinutes: dwell === '' ? null : (numberOf(dwell) ?? Number.NaN),
    speedLimitMph: limitOf(values.speedLimitMph, fence, units),
  };
}

export function shapeWords(draft: Draft, units: Units): string | undefined {
  if (draft.kind === 'empty') return 'Draw it on the map first.';
  if (draft.kind === 'circle') {
    const { min, max } = radiusMetersRange;
    return `The radius must be from ${formatLength(min, units)} to ${formatLength(max, units)}.`;
  }
  return undefined;
}

export const geofenceForm = (
  fence: () => Geofence | null,
  units: Units,
  draft: () => Draft,
  send: (input: CreateGeofenceInput) => Promise<void>,
): GeofenceForm =>
  new Form({
    values: valuesOf(fence(), units),
    schema: createGeofenceInputSchema,
    toInput: (values) => inputOf(values, draft(), fence(), units),
    send,
    words: {
      name: 'Give it a name of at most 120 characters.',
      dwellMinutes: 'Whole minutes from 1 to 10,080 (a week), or nothing.',
      speedLimitMph:
        units === 'metric' ? 'A speed from 2 to 241 km/h, or nothing.' : 'A speed from 1 to 150 mph, or nothing.',
    },
    explain: ({ code }) =>
      code === 'NOT_FOUND' ? 'Somebody has deleted this geofence. Save it as a new one, or cancel.' : null,
  });
