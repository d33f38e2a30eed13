/**
 * For tests: a small world of tenants with a committed truth (as D1 would hold it), the feeds on their way from it to a
 * room, and clients that fold what they are sent. Driven by random operations from fast-check.
 */
import fc from 'fast-check';
import type { LiveAlert, LiveVehicle, VehicleDelta } from '#contracts/live';
import { riskLevels } from '#contracts/risk';
import type { RoomChange, RoomSeed, VehicleFacts } from '#durable-objects/fleet-room/feed';
import type { DeltaBody, RoomFilter } from '#durable-objects/fleet-room/live-view';

export const tenantIds = ['own', 'fleet-a', 'fleet-b'] as const;
export const driverIds = ['driver-1', 'driver-2'] as const;
const vehicleNumbers = [0, 1, 2] as const;
export const startMs = Date.parse('2026-11-20T09:00:00.000Z');

export const factsOf = (tenantId: string, vehicle: number, patch: Partial<VehicleFacts> = {}): VehicleFacts => ({
  id: `${tenantId}/v${vehicle}`,
  tenantId,
  unitNumber: `U${vehicle}`,
  make: 'Kenworth',
  model: 'T680',
  healthScore: 90,
  riskScore: 10,
  riskLevel: 'low',
  recommendedAction: 'keep_driving',
  activeFaultCount: 0,
  openAlertCount: 0,
  assignedDriverId: null,
  vin: `1XKYD49X0NJ0000${String(vehicle).padStart(2, '0')}`,
  ...patch,
});

export const alertOf = (tenantId: string, number: number, patch: Partial<LiveAlert> = {}): LiveAlert => ({
  id: `${tenantId}/a${number}`,
  tenantId,
  vehicleId: `${tenantId}/v${number}`,
  type: 'fault',
  severity: 'major',
  status: 'open',
  title: 'DPF soot load high',
  openedAt: '2026-11-20T08:00:00.000Z',
  occurrenceCount: 1,
  dueAt: null,
  ...patch,
});

// Few tenants and few ids, mostly the same ones: histories of one thing must be long to be interesting.
const tenant = fc.constantFrom('own' as const, 'own' as const, ...tenantIds);
const vehicle = fc.constantFrom(...vehicleNumbers);
const facts = fc.record({
  riskLevel: fc.constantFrom(null, ...riskLevels),
  riskScore: fc.integer({ min: 0, max: 3 }),
  assignedDriverId: fc.constantFrom(null, ...driverIds),
  activeFaultCount: fc.integer({ min: 0, max: 2 }),
});

export const operation = fc.oneof(
  { weight: 6, arbitrary: fc.record({ op: fc.constant('vehicle' as const), tenant, vehicle, facts }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('remove' as const), tenant, vehicle }) },
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constant('alert' as const),
      tenant,
      vehicle: fc.constantFrom(0, 1),
      status: fc.constantFrom('open', 'acknowledged', 'snoozed', 'resolved', 'false_positive'),
      of: fc.constantFrom(null, 0, 0, 0, 1),
    }),
  },
  {
    weight: 12,
    arbitrary: fc.record({
      op: fc.constant('deliver' as const),
      at: fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat({ max: 50 }) }),
      isRepeated: fc.constantFrom(false, false, false, true),
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('lose' as const), at: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('seed' as const), tenant }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('holdSeed' as const), tenant }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('drop' as const), tenant }) },
  {
    weight: 6,
    arbitrary: fc.record({
      op: fc.constant('reading' as const),
      tenant,
      vehicle,
      ageMinutes: fc.integer({ min: 0, max: 40 }),
      speedMph: fc.constantFrom(null, 0, 55),
      ignition: fc.constantFrom(null, true, false),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ op: fc.constant('wait' as const), minutes: fc.integer({ min: 1, max: 2_000 }) }),
  },
  // Which clients are sent this tick; the others fall behind and get a merged delta later.
  {
    weight: 8,
    arbitrary: fc.record({
      op: fc.constant('tick' as const),
      served: fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('evict' as const) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('prune' as const), window: fc.integer({ min: 0, max: 6 }) }) },
);
export type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

export const viewerRights = fc.record({
  tenantIds: fc.uniqueArray(fc.constantFrom(...tenantIds), { minLength: 1 }),
  onlyAssignedTo: fc.option(fc.constantFrom(...driverIds)),
  filter: fc.record(
    {
      tenantIds: fc.uniqueArray(fc.constantFrom(...tenantIds)),
      vehicleIds: fc.uniqueArray(fc.tuple(tenant, vehicle).map(([t, v]) => `${t}/v${v}`)),
      riskLevels: fc.uniqueArray(fc.constantFrom(...riskLevels)),
    },
    { requiredKeys: [] },
  ) satisfies fc.Arbitrary<RoomFilter>,
});

/** One tenant's committed rows and the feeds its commits made. */
export class Truth {
  counter = 0;
  readonly vehicles = new Map<string, VehicleFacts>();
  readonly alerts = new Map<string, LiveAlert>();
  readonly tenantId: string;
  constructor(tenantId: string) {
    this.tenantId = tenantId;
  }

  commit(change: Partial<Pick<RoomChange, 'vehicles' | 'removedVehicleIds' | 'alerts'>>): RoomChange {
    this.counter += 1;
    for (const row of change.vehicles ?? []) this.vehicles.set(row.id, row);
    for (const id of change.removedVehicleIds ?? []) this.vehicles.delete(id);
    for (const alert of change.alerts ?? []) {
      if (alert.status === 'resolved' || alert.status === 'false_positive') this.alerts.delete(alert.id);
      else this.alerts.set(alert.id, alert);
    }
    return {
      sourceTenantId: this.tenantId,
      counters: [this.counter],
      vehicles: [],
      removedVehicleIds: [],
      alerts: [],
      ...change,
    };
  }

  seed(): RoomSeed {
    return {
      sourceTenantId: this.tenantId,
      counter: this.counter,
      vehicles: [...this.vehicles.values()],
      alerts: [...this.alerts.values()],
      readings: [],
    };
  }
}

/** A client as live-protocol.md describes it: it replaces on a snapshot and folds deltas. */
export class FoldingClient {
  seq = -1;
  vehicles = new Map<string, LiveVehicle>();
  alerts = new Map<string, LiveAlert>();

  take(seq: number, snapshot: { vehicles: LiveVehicle[]; alerts: LiveAlert[] }): void {
    this.seq = seq;
    this.vehicles = new Map(snapshot.vehicles.map((row) => [row.id, { ...row }]));
    this.alerts = new Map(snapshot.alerts.map((alert) => [alert.id, alert]));
  }

  fold(prev: number, seq: number, delta: DeltaBody): void {
    if (prev !== this.seq) throw new Error(`holds ${this.seq}, was sent a delta from ${prev}`);
    this.seq = seq;
    for (const row of delta.vehicles) this.vehicles.set(row.id, this.merged(row));
    for (const id of delta.removed) if (!this.vehicles.delete(id)) throw new Error(`${id} was never held`);
    for (const alert of delta.alerts) this.alerts.set(alert.id, alert);
    for (const id of delta.alertsClosed) if (!this.alerts.delete(id)) throw new Error(`${id} was never held`);
  }

  private merged(row: VehicleDelta): LiveVehicle {
    const held = this.vehicles.get(row.id);
    if (held) return { ...held, ...row };
    if (Object.keys(row).length !== 17) throw new Error(`${row.id} is not held and the delta brings only a part`);
    return row as LiveVehicle;
  }
}
