/** Rows → contract, by allow-list. */
import type { Invitation, User } from '#contracts/users';
import type { InvitationRow } from './invitations-store.ts';
import type { PersonRow } from './store.ts';

export const toUser = (row: PersonRow, lockedUntil: string | null): User => ({
  id: row.id,
  tenantId: row.tenantId,
  email: row.email,
  name: row.name,
  role: row.role,
  mfaEnabled: row.mfaEnabledAt !== null,
  isDeactivated: row.isDeactivated,
  lockedUntil,
  hasSignedUp: row.hasPassword === 1 || row.isKnownToProvider === 1,
  lastSeenAt: row.lastSeenAt,
  createdAt: row.createdAt,
});

export const toInvitation = (row: InvitationRow): Invitation => ({
  id: row.id,
  tenantId: row.tenantId,
  email: row.email,
  role: row.role,
  userId: row.userId,
  invitedBy: row.invitedBy,
  createdAt: row.createdAt,
  expiresAt: row.expiresAt,
});
