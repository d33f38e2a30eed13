/** Whole objects for tests; only what a test is about is named in it. */
import type { Alert } from '#contracts/alerts';
import type { Fault } from '#contracts/faults';
import type { LiveAlert, LiveVehicle } from '#contracts/live';
import type { Prediction } from '#contracts/risk';
import type { ActiveModel, ScoringModel, TrainingRun } from '#contracts/scoring';
import type { ModelQuality } from '#contracts/scoring-models';
import type { ServiceEvent } from '#contracts/service-events';
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
  outcome: { failedAt: null, censoredAt: null, within: { days7: null, days30: null, days90: null } },
  ...rest,
});

export const serviceEvent = (n: number, rest: Partial<ServiceEvent> = {}): ServiceEvent => ({
  id: idOf(400_000 + n),
  vehicleId: idOf(1),
  at: '2026-11-10T15:00:00.000Z',
  kind: 'repair',
  system: null,
  spn: null,
  fmi: null,
  description: `Work ${n}`,
  odometerMiles: null,
  source: 'api',
  externalId: null,
  createdAt: '2026-11-10T16:00:00.000Z',
  ...rest,
});

const horizonQuality = (rest: Partial<ModelQuality['horizons']['days7']> = {}): ModelQuality['horizons']['days7'] => ({
  n: 400,
  failures: 40,
  brier: 0.08,
  baselineBrier: 0.1,
  auc: 0.8,
  calibration: [
    { predicted: 0.05, observed: 0.04, n: 300 },
    { predicted: 0.4, observed: 0.5, n: 100 },
  ],
  ...rest,
});

export const modelQuality = (rest: Partial<ModelQuality> = {}): ModelQuality => ({
  outOfTimeFrom: '2026-09-01T00:00:00.000Z',
  concordance: 0.78,
  baselineConcordance: 0.5,
  integratedBrier: 0.08,
  baselineIntegratedBrier: 0.1,
  dCalibrationPValue: 0.4,
  horizons: { days7: horizonQuality(), days30: horizonQuality(), days90: horizonQuality() },
  ...rest,
});

export const scoringModel = (n: number, rest: Partial<ScoringModel> = {}): ScoringModel => ({
  id: idOf(500_000 + n),
  version: `fleet-${n}`,
  status: 'retired',
  createdAt: '2026-11-19T02:00:00.000Z',
  activatedAt: '2026-11-19T02:00:00.000Z',
  retiredAt: '2026-11-20T02:00:00.000Z',
  reason: 'At least as good as the model before it.',
  lineage: {
    recipe: 'corrected_prior',
    priorVersion: 'prior-1',
    seed: 7,
    landmarks: 1204,
    vehicles: 240,
    failures: 63,
    dataFrom: '2026-01-01T00:00:00.000Z',
    dataUntil: '2026-11-19T00:00:00.000Z',
    dataDigest: 'd'.repeat(64),
  },
  quality: modelQuality(),
  artefactDigest: 'a'.repeat(64),
  artefactBytes: 20_480,
  ...rest,
});

export const activeModel = (rest: Partial<ActiveModel> = {}): ActiveModel => ({
  version: 'prior-1',
  model: null,
  prior: { version: 'prior-1', trainedAt: '2026-10-01T00:00:00.000Z', quality: modelQuality() },
  isPinned: false,
  ...rest,
});

export const trainingRun = (n: number, rest: Partial<TrainingRun> = {}): TrainingRun => ({
  id: idOf(600_000 + n),
  status: 'running',
  trigger: 'manual',
  startedAt: '2026-11-20T09:00:00.000Z',
  finishedAt: null,
  progress: { step: 'Fitting', share: 0.4 },
  outcome: null,
  error: null,
  ...rest,
});
