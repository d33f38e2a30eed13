/** Which roles may be handed out: those of this kind of organisation, and nobody hands out more than they hold. Pure. */
import { firstLacking, permissionsOf, rolesIn, type Permission, type Role } from '#contracts/roles';
import type { TenantKind } from '#contracts/tenants';

/** True when the caller holds everything that this role does: else it cannot be given, nor anything of its people changed. */
export const mayTouch = (held: readonly Permission[], role: Role): boolean =>
  firstLacking(held, permissionsOf[role]) === null;

export const roleChoices = (kind: TenantKind, held: readonly Permission[]): Role[] =>
  rolesIn(kind).filter((role) => mayTouch(held, role));
