/**
 * Who may do what: the one table of roles and permissions. Routes name a permission, never a role.
 */
import { z } from 'zod';

export const permissions = [
  'vehicles:read',
  'vehicles:write',
  'vehicles:assign',
  'service:write',
  'groups:write',
  'geofences:write',
  'telemetry:write',
  'alerts:read',
  'alerts:manage',
  'rules:manage',
  'reports:read',
  'reports:export',
  'scoring:manage',
  'sync:read',
  'sync:manage',
  'displays:manage',
  'webhooks:manage',
  'users:manage',
  'settings:manage',
  'links:manage',
  'audit:read',
  'admin:manage',
] as const;

export const permissionSchema = z.enum(permissions).meta({ id: 'Permission' });
export type Permission = z.infer<typeof permissionSchema>;

export const roles = [
  'super_admin',
  'dealer_admin',
  'fleet_admin',
  'fleet_manager',
  'service_manager',
  'dispatcher',
  'technician',
  'driver',
  'viewer',
  'shipper',
] as const;

export const roleSchema = z.enum(roles).meta({ id: 'Role' });
export type Role = z.infer<typeof roleSchema>;

const allBut = (...withheld: Permission[]): readonly Permission[] =>
  permissions.filter((permission) => !withheld.includes(permission));

const tenantAdmin = allBut('admin:manage');

export const permissionsOf: Readonly<Record<Role, readonly Permission[]>> = {
  super_admin: permissions,
  dealer_admin: tenantAdmin,
  fleet_admin: tenantAdmin,
  fleet_manager: allBut(
    'users:manage',
    'settings:manage',
    'links:manage',
    'webhooks:manage',
    'sync:manage',
    'audit:read',
    'admin:manage',
  ),
  service_manager: [
    'vehicles:read',
    'service:write',
    'groups:write',
    'alerts:read',
    'alerts:manage',
    'reports:read',
    'reports:export',
    'displays:manage',
    'sync:read',
  ],
  dispatcher: ['vehicles:read', 'vehicles:assign', 'geofences:write', 'alerts:read', 'reports:read'],
  technician: ['vehicles:read', 'service:write', 'alerts:read'],
  driver: ['vehicles:read', 'alerts:read'],
  viewer: ['vehicles:read', 'alerts:read', 'reports:read'],
  shipper: [],
};

/** True for the roles that see only the vehicles assigned to them. */
export const seesOnlyAssigned = (role: Role): boolean => role === 'driver';

/** Roles a person of a tenant of this kind may have. */
export const rolesIn = (kind: 'dealer' | 'fleet'): readonly Role[] =>
  roles.filter((role) => role !== 'super_admin' && role !== (kind === 'dealer' ? 'fleet_admin' : 'dealer_admin'));

/** Nobody hands out more than they hold: the first of `wanted` that is lacking; null when all are held. */
export const firstLacking = (held: readonly Permission[], wanted: readonly Permission[]): Permission | null =>
  wanted.find((permission) => !held.includes(permission)) ?? null;
