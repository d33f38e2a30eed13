/** Signing in and staying signed in: passwords, second factors, sessions, and the mailed links that lead in. */
import { z } from 'zod';
import { idSchema, personNameSchema, timeSchema } from './primitives.ts';
import { permissionSchema, roleSchema } from './roles.ts';

export const accessTokenSeconds = 900;
export const refreshTokenSeconds = 7 * 24 * 3600;

export const passwordResetMinutes = 30;
export const invitationDays = 7;

/** An address as people type it; compared and kept in lower case. */
export const emailSchema = z
  .string()
  .trim()
  .max(254)
  .pipe(z.email())
  .transform((email) => email.toLowerCase());

/** What a new password must hold; an existing one is only compared. */
export const newPasswordSchema = z
  .string()
  .min(8, 'must have at least 8 characters')
  .max(256, 'must have at most 256 characters')
  .regex(/\p{Lu}/u, 'must have an upper-case letter')
  .regex(/\p{Ll}/u, 'must have a lower-case letter')
  .regex(/\p{Nd}/u, 'must have a digit')
  .regex(/[^\p{L}\p{Nd}\s]/u, 'must have a special character')
  .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'must not have control characters');

/** Where the refresh token goes: into the answer, or into an HttpOnly cookie for the dashboard. */
const deliverySchema = z.enum(['body', 'cookie']).default('body');
export type Delivery = z.infer<typeof deliverySchema>;

/** An opaque single-use token out of a mail. */
const mailedTokenSchema = z.string().min(1).max(256);

export const loginInputSchema = z
  .strictObject({
    email: emailSchema,
    password: z.string().min(1).max(256),
    /** A TOTP code or a recovery code, for accounts with a second factor. */
    totp: z.string().min(1).max(64).optional(),
    delivery: deliverySchema,
  })
  .meta({ id: 'LoginInput' });
export type LoginInput = z.infer<typeof loginInputSchema>;

export const refreshInputSchema = z
  // Room for an access token, sent by mistake: it is unknown (401), not malformed.
  .strictObject({ refreshToken: z.string().min(1).max(4096).optional() })
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
    mfaEnabled: z.boolean(),
    /** The tenant requires a second factor and this person has none yet: until then nothing else is permitted. */
    mfaSetupRequired: z.boolean(),
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
    /** How it was opened: with a password, or through the organisation's identity provider. */
    method: z.enum(['password', 'oidc']),
    isCurrent: z.boolean(),
  })
  .meta({ id: 'Session' });
export type Session = z.infer<typeof sessionSchema>;

/** The answer of what changes something and has nothing to tell. */
export const doneSchema = z.object({}).meta({ id: 'Done' });

export const changePasswordInputSchema = z
  .strictObject({ currentPassword: z.string().min(1).max(256), newPassword: newPasswordSchema })
  .meta({ id: 'ChangePasswordInput' });

export const passwordResetInputSchema = z.strictObject({ email: emailSchema }).meta({ id: 'PasswordResetInput' });

export const confirmPasswordResetInputSchema = z
  .strictObject({ token: mailedTokenSchema, newPassword: newPasswordSchema })
  .meta({ id: 'ConfirmPasswordResetInput' });

export const mfaSetupSchema = z
  .object({
    /** Base32, for typing into an authenticator. */
    secret: z.string(),
    otpauthUrl: z.string(),
    qrSvg: z.string(),
  })
  .meta({ id: 'MfaSetup' });

/** A TOTP code, or a recovery code where a second factor is in force. */
export const mfaCodeInputSchema = z.strictObject({ code: z.string().min(1).max(64) }).meta({ id: 'MfaCodeInput' });

/** Shown once. */
export const recoveryCodesSchema = z.object({ recoveryCodes: z.array(z.string()) }).meta({ id: 'RecoveryCodes' });

export const acceptInvitationInputSchema = z
  .strictObject({
    token: mailedTokenSchema,
    name: personNameSchema,
    password: newPasswordSchema,
    delivery: deliverySchema,
  })
  .meta({ id: 'AcceptInvitationInput' });

/** What stands open to somebody who is not signed in, so that a page can say so before a form is filled in. */
export const authOptionsSchema = z
  .object({
    signUpOpen: z.boolean(),
    /** The operator's account can be made: there is none yet, and the installation has a setup token. */
    setupOpen: z.boolean(),
  })
  .meta({ id: 'AuthOptions' });
export type AuthOptions = z.infer<typeof authOptionsSchema>;

export const invitationPreviewInputSchema = z
  .strictObject({ token: mailedTokenSchema })
  .meta({ id: 'InvitationPreviewInput' });

/** What an open invitation leads to, for whoever holds its token. */
export const invitationPreviewSchema = z
  .object({
    email: z.string(),
    tenantName: z.string(),
    role: roleSchema,
    /** null when whoever invited them is gone. */
    invitedBy: z.string().nullable(),
    /** The name the person was entered by; null when nobody has entered one. */
    name: z.string().nullable(),
    /** True when nobody has entered a name: the person says it. */
    needsName: z.boolean(),
  })
  .meta({ id: 'InvitationPreview' });
export type InvitationPreview = z.infer<typeof invitationPreviewSchema>;

export const signUpInputSchema = z
  .strictObject({
    /** Ruled like a person's name: one line of visible text. */
    company: personNameSchema,
    name: personNameSchema,
    email: emailSchema,
    password: newPasswordSchema,
    delivery: deliverySchema,
  })
  .meta({ id: 'SignUpInput' });

/** The first super admin of a new installation. */
export const setupInputSchema = z
  .strictObject({ token: z.string().min(1).max(256), email: emailSchema, password: newPasswordSchema })
  .meta({ id: 'SetupInput' });
export type AcceptInvitationInput = z.infer<typeof acceptInvitationInputSchema>;
export type SignUpInput = z.infer<typeof signUpInputSchema>;
