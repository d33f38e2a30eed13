/** Features and models to call scoring with, for anyone who wants to try it. */
import type { VehicleFeatures } from '#contracts/risk';
import type { ScoringModels } from '#contracts/scoring-models';
import { defaultModels } from './models.ts';

/** A vehicle of which nothing is known. */
export const emptyFeatures = (): VehicleFeatures => ({
  vehicle: {
    make: null,
    model: null,
    year: null,
    odometerMiles: null,
    engineHours: null,
    milesPerDay: null,
    hoursPerDay: null,
  },
  faults: [],
  lamps: [],
  signals: [],
  service: { lastServiceAt: null, milesSinceService: null, repairs365Days: null },
  observedDays: null,
});

/** A made-up truck on 2026-11-20: a plugging particulate filter, weak SCR, a derate warning and one cleared code. */
export const exampleFeatures = (): VehicleFeatures => ({
  vehicle: {
    make: 'Kenworth',
    model: 'T680',
    year: 2023,
    odometerMiles: 312_400,
    engineHours: 7_850,
    milesPerDay: 480,
    hoursPerDay: 9.5,
  },
  faults: [
    {
      spn: 3251,
      fmi: 16,
      sourceAddress: 0,
      isActive: true,
      firstSeenAt: '2026-11-17T06:40:00.000Z',
      lastSeenAt: '2026-11-20T08:00:00.000Z',
      clearedAt: null,
      occurrenceCount: 4,
      reopenCount: 1,
    },
    {
      spn: 4364,
      fmi: 18,
      sourceAddress: 0,
      isActive: true,
      firstSeenAt: '2026-11-19T14:05:00.000Z',
      lastSeenAt: '2026-11-20T08:00:00.000Z',
      clearedAt: null,
      occurrenceCount: 2,
      reopenCount: 0,
    },
    {
      spn: 5246,
      fmi: 15,
      sourceAddress: 0,
      isActive: true,
      firstSeenAt: '2026-11-20T05:30:00.000Z',
      lastSeenAt: '2026-11-20T08:00:00.000Z',
      clearedAt: null,
      occurrenceCount: 1,
      reopenCount: 0,
    },
    {
      spn: 171,
      fmi: 3,
      sourceAddress: 0,
      isActive: false,
      firstSeenAt: '2026-11-02T10:00:00.000Z',
      lastSeenAt: '2026-11-03T10:00:00.000Z',
      clearedAt: '2026-11-03T12:00:00.000Z',
      occurrenceCount: 3,
      reopenCount: 0,
    },
  ],
  lamps: [
    {
      sourceAddress: 0,
      malfunction: true,
      redStop: false,
      amberWarning: true,
      protect: false,
      at: '2026-11-20T08:00:00.000Z',
    },
  ],
  signals: [
    {
      name: 'dpfDifferentialPressureKpa',
      value: 11.8,
      at: '2026-11-20T08:00:00.000Z',
      baselineMedian: 3.1,
      baselineMad: 0.8,
      n: 420,
    },
    {
      name: 'coolantTempF',
      value: 191,
      at: '2026-11-20T08:00:00.000Z',
      baselineMedian: 189,
      baselineMad: 3,
      n: 420,
    },
  ],
  service: { lastServiceAt: '2026-08-30T15:00:00.000Z', milesSinceService: 33_900, repairs365Days: 2 },
  observedDays: 412,
});

/** The models in use until trained ones exist. */
export const exampleModels = (): ScoringModels => defaultModels();
