/** The audit log: who did, or was refused, what; chained so that a change, a gap or a cut shows. */
import { z } from 'zod';
import { cursorQueryShape, idSchema, inputTimeSchema, timeSchema } from './primitives.ts';

export const auditActorTypes = ['user', 'api_key', 'display', 'job', 'anonymous'] as const;
export const auditOutcomes = ['success', 'denied', 'failed'] as const;

const snapshotSchema = z.record(z.string(), z.unknown()).nullable();

export const auditEntrySchema = z
  .object({
    id: idSchema,
    /** 1, 2, 3 … within the tenant's chain. */
    seq: z.number().int().positive(),
    at: timeSchema,
    /** null for somebody nobody knows, and for jobs. */
    actorId: z.string().nullable(),
    actorType: z.enum(auditActorTypes),
    /** Name and e-mail of the actor as they are now, for reading; not part of what is hashed. */
    actorName: z.string().nullable(),
    /** noun.verb, e.g. `user.suspend`. */
    action: z.string(),
    resourceType: z.string(),
    resourceId: z.string().nullable(),
    outcome: z.enum(auditOutcomes),
    ip: z.string().nullable(),
    userAgent: z.string().nullable(),
    requestId: z.string().nullable(),
    before: snapshotSchema,
    after: snapshotSchema,
    prevHash: z.string(),
    hash: z.string(),
  })
  .meta({ id: 'AuditEntry' });
export type AuditEntry = z.infer<typeof auditEntrySchema>;

export const auditListQuerySchema = z.strictObject({
  ...cursorQueryShape,
  tenantId: idSchema.optional(),
  actorId: idSchema.optional(),
  action: z.string().min(1).max(80).optional(),
  outcome: z.enum(auditOutcomes).optional(),
  from: inputTimeSchema.optional(),
  to: inputTimeSchema.optional(),
});
export type AuditListQuery = z.infer<typeof auditListQuerySchema>;

export const auditVerificationSchema = z
  .object({
    ok: z.boolean(),
    /** The last entry of the chain as the log holds it; null while it is empty. */
    head: z.object({ seq: z.number().int(), hash: z.string() }).nullable(),
    /** Entries whose hash was computed again. */
    checked: z.number().int(),
    /** The first seq that is wrong or missing. */
    brokenAt: z.number().int().optional(),
    /** What is wrong there, or what was left out, in words. */
    reason: z.string().optional(),
  })
  .meta({ id: 'AuditVerification' });
export type AuditVerification = z.infer<typeof auditVerificationSchema>;
