/** Whole objects for tests; only what a test is about is named in it. */
import type { Alert } from '#contracts/alerts';
import type { Fault } from '#contracts/faults';
import type { LiveAlert, LiveVehicle } from '#contracts/live';
import type { Prediction } from '#contracts/risk';
import type { Vehicle } from '#contracts/vehicles';

export const idOf = (n: number): string => `01931b2c-0000-7000-8000-${n.toString(16).padStart(12, '0')}`;
export const tenantId = idOf(9_000);

export const liveVehicle = (n: number, rest: Partial<LiveVehicle> = {}): LiveVehicle => ({
  id: idOf(n),
  tenantId,
  unitNumber: `U-${n}`,
  make: 'Kenworth',
  model: 'T680',
  status: 'stopped',
  lat: 40,
  lon: -105,
  heading: 90,
  speedMph: 0,
  at: '2026-11-20T09:00:00.000Z',
  healthScore: 90,
  riskScore: 10,
  riskLevel: 'low',
  recommendedAction: 'keep_driving',
  activeFaultCount: 0,
  openAlertCount: 0,
  ...rest,
});

export const liveAlert = (n: number, rest: Partial<LiveAlert> = {}): LiveAlert => ({
  id: idOf(100_000 + n),
  tenantId,
  vehicleId: idOf(1),
  type: 'fault',
  severity: 'major',
  status: 'open',
  title: `Alert ${n}`,
  openedAt: '2026-11-20T08:00:00.000Z',
  occurrenceCount: 1,
  dueAt: null,
  ...rest,
});

export const alert = (n: number, rest: Partial<Alert> = {}): Alert => ({
  ...liveAlert(n),
  message: `Message ${n}`,
  cause: `fault:0:${n}:1`,
  lastSeenAt: '2026-11-20T08:30:00.000Z',
  acknowledgedAt: null,
  acknowledgedBy: null,
  resolvedAt: null,
  resolvedBy: null,
  snoozedUntil: null,
  assigneeId: null,
  ...rest,
});

export const vehicle = (n: number, rest: Partial<Vehicle> = {}): Vehicle => ({
  id: idOf(n),
  tenantId,
  vin: '1XKYD49X1PJ300001',
  unitNumber: `U-${n}`,
  year: 2022,
  make: 'Kenworth',
  model: 'T680',
  engineMake: 'PACCAR',
  engineModel: 'MX-13',
  currentOdometer: 100_000,
  engineHours: 4_000,
  status: 'stopped',
  healthScore: 90,
  riskScore: 10,
  riskLevel: 'low',
  recommendedAction: 'keep_driving',
  activeFaultCount: 0,
  lastPosition: null,
  assignedDriverId: null,
  lastSyncAt: null,
  updatedAt: '2026-11-20T08:00:00.000Z',
  ...rest,
});

export const fault = (n: number, rest: Partial<Fault> = {}): Fault => ({
  id: idOf(200_000 + n),
  spn: 110,
  fmi: 0,
  sourceAddress: 0,
  description: `Fault ${n}`,
  system: 'cooling',
  severity: 'major',
  isActive: true,
  firstSeenAt: '2026-11-19T08:00:00.000Z',
  lastSeenAt: '2026-11-20T08:00:00.000Z',
  clearedAt: null,
  occurrenceCount: 1,
  lamps: null,
  ...rest,
});

export const prediction = (n: number, rest: Partial<Prediction> = {}): Prediction => ({
  id: idOf(300_000 + n),
  createdAt: '2026-11-20T08:00:00.000Z',
  scoredAt: '2026-11-20T08:00:00.000Z',
  modelVersion: 'test',
  riskScore: 10,
  riskLevel: 'low',
  healthScore: 90,
  recommendedAction: 'keep_driving',
  failureProbability: null,
  daysToFailure: null,
  confidence: 'medium',
  dataStatus: { kind: 'insufficient_data', have: 12, need: 90 },
  components: { faults: 10, survival: 0, anomaly: 0, usage: 0 },
  contributors: [],
  anomalies: [],
  ...rest,
});
