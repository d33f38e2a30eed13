/** The demo companies and people as data: what the seed script writes and what the simulators play. */
import type { Role } from '#contracts/roles';
import type { TenantKind } from '#contracts/tenants';
import type { CityKey } from './cities.ts';

export interface DemoTenant {
  name: string;
  kind: TenantKind;
  /** Names of the dealers this fleet shares its trucks with. */
  linkedDealers: readonly string[];
  timeZone: string;
  truckCount: number;
  /** What stands before the number on the door. */
  unitPrefix: string;
  firstUnit: number;
  homeCities: readonly CityKey[];
}

export const demoTenants: readonly DemoTenant[] = [
  {
    name: 'Summit Kenworth',
    kind: 'dealer',
    linkedDealers: [],
    timeZone: 'America/Denver',
    truckCount: 0,
    unitPrefix: '',
    firstUnit: 1,
    homeCities: [],
  },
  {
    name: 'Blue Ridge Freight',
    kind: 'fleet',
    linkedDealers: ['Summit Kenworth'],
    timeZone: 'America/New_York',
    truckCount: 40,
    unitPrefix: 'BR-',
    firstUnit: 101,
    homeCities: ['ROA', 'AVL', 'GSO', 'CLT'],
  },
  {
    name: 'High Plains Logistics',
    kind: 'fleet',
    linkedDealers: ['Summit Kenworth'],
    timeZone: 'America/Denver',
    truckCount: 25,
    unitPrefix: 'HP-',
    firstUnit: 2001,
    homeCities: ['DEN', 'CHY', 'OMA', 'ICT'],
  },
  {
    name: 'Cascade Carriers',
    kind: 'fleet',
    linkedDealers: [],
    timeZone: 'America/Los_Angeles',
    truckCount: 15,
    unitPrefix: 'C',
    firstUnit: 11,
    homeCities: ['PDX', 'SEA', 'EUG'],
  },
];

export interface DemoPerson {
  email: string;
  name: string;
  role: Role;
  /** null for the super admin, who belongs to no tenant. */
  tenantName: string | null;
}

export const demoPassword = 'Demo-Truck-2026!';

export const demoPeople: readonly DemoPerson[] = [
  { email: 'super@demo.example', name: 'Alex Morgan', role: 'super_admin', tenantName: null },
  { email: 'dealer@summit.example', name: 'Dana Whitfield', role: 'dealer_admin', tenantName: 'Summit Kenworth' },
  { email: 'service@summit.example', name: 'Sam Okafor', role: 'service_manager', tenantName: 'Summit Kenworth' },
  { email: 'admin@blueridge.example', name: 'Robin Alvarez', role: 'fleet_admin', tenantName: 'Blue Ridge Freight' },
  { email: 'tech@blueridge.example', name: 'Jordan Petrov', role: 'technician', tenantName: 'Blue Ridge Freight' },
  { email: 'viewer@blueridge.example', name: 'Casey Lindqvist', role: 'viewer', tenantName: 'Blue Ridge Freight' },
  { email: 'driver@blueridge.example', name: 'Taylor Nguyen', role: 'driver', tenantName: 'Blue Ridge Freight' },
  {
    email: 'admin@highplains.example',
    name: 'Morgan Hale',
    role: 'fleet_admin',
    tenantName: 'High Plains Logistics',
  },
  { email: 'admin@cascade.example', name: 'Riley Tanaka', role: 'fleet_admin', tenantName: 'Cascade Carriers' },
];

/** E-mail of a fleet's administrator, or null when the tenant has none. */
export function fleetAdminEmail(tenantName: string): string | null {
  return demoPeople.find((person) => person.tenantName === tenantName && person.role === 'fleet_admin')?.email ?? null;
}
