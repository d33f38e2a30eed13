/** Signing in and staying signed in. */
import { z } from 'zod';
import { idSchema, timeSchema } from './primitives.ts';
import { permissionSchema, roleSchema } from './roles.ts';

export const accessTokenSeconds = 900;
export const refreshTokenSeconds = 7 * 24 * 3600;

export const loginInputSchema = z
  .strictObject({
    email: z.email().max(254),
    password: z.string().min(1).max(256),
    totp: z.string().max(64).optional(),
    delivery: z.enum(['body', 'cookie']).default('body'),
  })
  .meta({ id: 'LoginInput' });
export type LoginInput = z.infer<typeof loginInputSchema>;

export const refreshInputSchema = z
  .strictObject({ refreshToken: z.string().min(1).max(512).optional() })
  .meta({ id: 'RefreshInput' });
export type RefreshInput = z.infer<typeof refreshInputSchema>;

export const signedInUserSchema = z
  .object({
    id: idSchema,
    email: z.string(),
    name: z.string(),
    role: roleSchema,
    /** null for a super admin, who belongs to no tenant. */
    tenantId: idSchema.nullable(),
    tenantName: z.string().nullable(),
    permissions: z.array(permissionSchema),
  })
  .meta({ id: 'SignedInUser' });
export type SignedInUser = z.infer<typeof signedInUserSchema>;

export const signInResultSchema = z
  .object({
    accessToken: z.string(),
    expiresIn: z.literal(accessTokenSeconds),
    /** Present with delivery "body"; with "cookie" it travels in an HttpOnly cookie instead. */
    refreshToken: z.string().optional(),
    user: signedInUserSchema,
  })
  .meta({ id: 'SignInResult' });
export type SignInResult = z.infer<typeof signInResultSchema>;

export const sessionSchema = z
  .object({
    id: idSchema,
    createdAt: timeSchema,
    lastUsedAt: timeSchema,
    ip: z.string().nullable(),
    userAgent: z.string().nullable(),
    isCurrent: z.boolean(),
  })
  .meta({ id: 'Session' });
export type Session = z.infer<typeof sessionSchema>;
