/** What the map shows, as its address holds it: filters, the chosen truck, its trail, the instant. Pure. */
import type { LiveVehicle } from '#contracts/live';
import { idSchema } from '#contracts/primitives';
import { riskLevels, type RiskLevel } from '#contracts/risk';
import { vehicleStatuses, type VehicleStatus } from '#contracts/vehicles';
import { trailWindows, type TrailWindow } from './trail-window.ts';

export interface MapFilters {
  q: string;
  status: VehicleStatus | null;
  riskLevel: RiskLevel | null;
  tenantId: string | null;
}

/** What is listed beside the map. */
export const mapPanels = ['trucks', 'geofences'] as const;
export type MapPanel = (typeof mapPanels)[number];

export interface MapAsk extends MapFilters {
  panel: MapPanel;
  geofenceId: string | null;
  vehicleId: string | null;
  trail: TrailWindow | null;
  /** The past instant that the fleet is shown at, RFC 3339 in UTC; null: now. */
  at: string | null;
}

export const noFilters: MapFilters = { q: '', status: null, riskLevel: null, tenantId: null };

const oneOf = <T extends string>(values: readonly T[], value: string | null): T | null =>
  values.find((known) => known === value) ?? null;

const idOrNull = (value: string | null): string | null => (idSchema.safeParse(value).success ? value : null);

function instantOrNull(value: string | null): string | null {
  if (value === null || !/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?Z$/.test(value)) return null;
  const at = new Date(value);
  return Number.isNaN(at.getTime()) ? null : at.toISOString();
}

/** What an address asks for; what it gets wrong is left out. */
export function askFrom(params: { get: (name: string) => string | null }): MapAsk {
  const vehicleId = idOrNull(params.get('vehicle'));
  const geofenceId = idOrNull(params.get('geofence'));
  return {
    q: params.get('q') ?? '',
    status: oneOf(vehicleStatuses, params.get('status')),
    riskLevel: oneOf(riskLevels, params.get('riskLevel')),
    tenantId: idOrNull(params.get('tenantId')),
    // A geofence is shown in its panel.
    panel: geofenceId === null ? (oneOf(mapPanels, params.get('panel')) ?? 'trucks') : 'geofences',
    geofenceId,
    vehicleId,
    // A trail is always one truck's.
    trail: vehicleId === null ? null : oneOf(trailWindows, params.get('trail')),
    at: instantOrNull(params.get('at')),
  };
}

/** The address's query for what is shown, defaults left out. */
export function paramsOfAsk(ask: MapAsk): URLSearchParams {
  const params = new URLSearchParams();
  if (ask.q !== '') params.set('q', ask.q);
  if (ask.status !== null) params.set('status', ask.status);
  if (ask.riskLevel !== null) params.set('riskLevel', ask.riskLevel);
  if (ask.tenantId !== null) params.set('tenantId', ask.tenantId);
  if (ask.geofenceId !== null) params.set('geofence', ask.geofenceId);
  else if (ask.panel !== 'trucks') params.set('panel', ask.panel);
  if (ask.vehicleId !== null) params.set('vehicle', ask.vehicleId);
  if (ask.vehicleId !== null && ask.trail !== null) params.set('trail', ask.trail);
  if (ask.at !== null) params.set('at', `${ask.at.slice(0, 19)}Z`);
  return params;
}

export const isFiltered = ({ q, status, riskLevel, tenantId }: MapFilters): boolean =>
  q.trim() !== '' || status !== null || riskLevel !== null || tenantId !== null;

/** Whether a truck is among those asked for; made once for a question, asked of every truck. */
export function matcherOf(filters: MapFilters): (vehicle: LiveVehicle) => boolean {
  const words = filters.q.toLowerCase().split(/\s+/).filter(Boolean);
  const { status, riskLevel, tenantId } = filters;
  return (vehicle) => {
    if (status !== null && vehicle.status !== status) return false;
    if (riskLevel !== null && vehicle.riskLevel !== riskLevel) return false;
    if (tenantId !== null && vehicle.tenantId !== tenantId) return false;
    if (words.length === 0) return true;
    const text = `${vehicle.unitNumber} ${vehicle.make ?? ''} ${vehicle.model ?? ''}`.toLowerCase();
    return words.every((word) => text.includes(word));
  };
}
