/** The people of a tenant, and invitations to become one. */
import { z } from 'zod';
import { emailSchema, newPasswordSchema } from './auth.ts';
import { idSchema, pageQueryShape, personNameSchema, timeSchema } from './primitives.ts';
import { roleSchema } from './roles.ts';

export const userSchema = z
  .object({
    id: idSchema,
    /** null for a super admin. */
    tenantId: idSchema.nullable(),
    email: z.string(),
    name: z.string(),
    role: roleSchema,
    mfaEnabled: z.boolean(),
    isDeactivated: z.boolean(),
    /** Set while too many wrong passwords keep the account shut. */
    lockedUntil: timeSchema.nullable(),
    /** False until an invitation is accepted or an identity provider has let them in. */
    hasSignedUp: z.boolean(),
    lastSeenAt: timeSchema.nullable(),
    createdAt: timeSchema,
  })
  .meta({ id: 'User' });
export type User = z.infer<typeof userSchema>;

export const userListQuerySchema = z.strictObject({
  ...pageQueryShape,
  tenantId: idSchema.optional(),
  q: z.string().trim().min(1).max(100).optional(),
  role: roleSchema.optional(),
});
export type UserListQuery = z.infer<typeof userListQuerySchema>;

/** A super admin may say in which tenant the path's id lies; for everybody else it is their own. */
export const inTenantQuerySchema = z.strictObject({ tenantId: idSchema.optional() });

export const invitationListQuerySchema = z.strictObject({ ...pageQueryShape, tenantId: idSchema.optional() });
export type InvitationListQuery = z.infer<typeof invitationListQuerySchema>;

export const createUserInputSchema = z
  .strictObject({
    email: emailSchema,
    name: personNameSchema,
    role: roleSchema,
    /** Without one an invitation is mailed. */
    password: newPasswordSchema.optional(),
  })
  .meta({ id: 'CreateUserInput' });
export type CreateUserInput = z.infer<typeof createUserInputSchema>;

export const updateUserInputSchema = z
  .strictObject({ name: personNameSchema.optional(), role: roleSchema.optional() })
  .meta({ id: 'UpdateUserInput' });
export type UpdateUserInput = z.infer<typeof updateUserInputSchema>;

export const inviteUserInputSchema = z
  .strictObject({ email: emailSchema, role: roleSchema })
  .meta({ id: 'InviteUserInput' });
export type InviteUserInput = z.infer<typeof inviteUserInputSchema>;

export const invitationSchema = z
  .object({
    id: idSchema,
    tenantId: idSchema,
    email: z.string(),
    role: roleSchema,
    /** Set for somebody who is on the list already and has not signed up yet. */
    userId: idSchema.nullable(),
    invitedBy: idSchema,
    createdAt: timeSchema,
    expiresAt: timeSchema,
  })
  .meta({ id: 'Invitation' });
export type Invitation = z.infer<typeof invitationSchema>;
