/** Pure rules of who may do what to whom. What two people may do to each other at once, the statements in change.ts decide. */
import { firstLacking, permissionsOf, roles, rolesIn, type Permission, type Role } from '#contracts/roles';
import type { TenantKind } from '#contracts/tenants';

/** Why something is refused; null lets it happen. */
export type Refusal =
  | { kind: 'unknown_role'; allowed: readonly Role[] }
  | { kind: 'holds_less'; required: Permission }
  | { kind: 'oneself' };

/** Roles whose people manage the others: at least one of them must stay able to. */
export const managingRoles: readonly Role[] = roles.filter((role) => permissionsOf[role].includes('users:manage'));

/** Operators belong to no tenant and are made at set-up; nobody moves in or out of their ranks. */
const rolesFor = (kind: TenantKind | null): readonly Role[] => (kind === null ? ['super_admin'] : rolesIn(kind));

/** Handing out a role: it must exist for this kind of tenant, and nobody hands out more than they hold. */
export function refuseGrant(held: readonly Permission[], kind: TenantKind | null, role: Role): Refusal | null {
  const allowed = rolesFor(kind);
  if (!allowed.includes(role)) return { kind: 'unknown_role', allowed };
  return refuseTouch(held, role);
}

/** Changing anything about somebody: nobody touches a person who holds more. */
export function refuseTouch(held: readonly Permission[], theirs: Role): Refusal | null {
  const required = firstLacking(held, permissionsOf[theirs]);
  return required === null ? null : { kind: 'holds_less', required };
}

/** Suspending, deleting and changing the role of oneself would leave half a sentence: somebody else does it. */
export const refuseOneself = (callerId: string, targetId: string): Refusal | null =>
  callerId === targetId ? { kind: 'oneself' } : null;

/** `fleet_manager` as it stands in a mail. */
export const roleInWords = (role: Role): string => role.replaceAll('_', ' ');
