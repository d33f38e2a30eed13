/** Alerts: one open alert per cause, counted while it repeats, resolved when the cause goes. */
import { z } from 'zod';
import { idSchema, pageQueryShape, timeSchema } from './primitives.ts';

export const alertSeverities = ['critical', 'major', 'minor', 'info'] as const;
export const alertSeveritySchema = z.enum(alertSeverities).meta({ id: 'AlertSeverity' });
export type AlertSeverity = z.infer<typeof alertSeveritySchema>;

export const alertTypes = [
  'fault',
  'risk',
  'anomaly',
  'sync',
  'display',
  'geofence',
  'speed',
  'no_contact',
  'maintenance',
] as const;
export const alertTypeSchema = z.enum(alertTypes).meta({ id: 'AlertType' });
export type AlertType = z.infer<typeof alertTypeSchema>;

/** How a tenant's portal sync and its screens fare is its own affair: a link opens these to no dealer. */
export const ownAffairAlertTypes: readonly AlertType[] = ['sync', 'display'];

export const alertStatuses = ['open', 'acknowledged', 'snoozed', 'resolved', 'false_positive'] as const;
export const alertStatusSchema = z.enum(alertStatuses).meta({ id: 'AlertStatus' });
export type AlertStatus = z.infer<typeof alertStatusSchema>;

/** Statuses in which a cause still holds; at most one alert per tenant and cause has one of these. */
export const liveAlertStatuses = ['open', 'acknowledged', 'snoozed'] as const satisfies readonly AlertStatus[];
export const isLiveAlertStatus = (status: AlertStatus): boolean =>
  (liveAlertStatuses as readonly AlertStatus[]).includes(status);

export const alertSchema = z
  .object({
    id: idSchema,
    tenantId: idSchema,
    vehicleId: idSchema.nullable(),
    type: alertTypeSchema,
    severity: alertSeveritySchema,
    status: alertStatusSchema,
    title: z.string(),
    message: z.string(),
    cause: z.string(),
    occurrenceCount: z.number().int().positive(),
    openedAt: timeSchema,
    lastSeenAt: timeSchema,
    acknowledgedAt: timeSchema.nullable(),
    acknowledgedBy: idSchema.nullable(),
    resolvedAt: timeSchema.nullable(),
    /** null when the alert resolved by itself because its cause went. */
    resolvedBy: idSchema.nullable(),
    snoozedUntil: timeSchema.nullable(),
    assigneeId: idSchema.nullable(),
    dueAt: timeSchema.nullable(),
  })
  .meta({ id: 'Alert' });
export type Alert = z.infer<typeof alertSchema>;

export const alertListQuerySchema = z.strictObject({
  status: alertStatusSchema.optional(),
  severity: alertSeveritySchema.optional(),
  vehicleId: idSchema.optional(),
  type: alertTypeSchema.optional(),
  assigneeId: idSchema.optional(),
  tenantId: idSchema.optional(),
  ...pageQueryShape,
});
export type AlertListQuery = z.infer<typeof alertListQuerySchema>;

const commentSchema = z
  .string()
  .trim()
  .max(2000)
  .regex(/[\p{L}\p{N}\p{P}\p{S}]/u, 'must say something');

export const acknowledgeAlertInputSchema = z
  .strictObject({ comment: commentSchema.optional() })
  .meta({ id: 'AcknowledgeAlertInput' });
export type AcknowledgeAlertInput = z.infer<typeof acknowledgeAlertInputSchema>;

/** The comment is compulsory on a critical alert; that depends on the row, so the store's rules judge it. */
export const resolveAlertInputSchema = z
  .strictObject({ comment: commentSchema.optional() })
  .meta({ id: 'ResolveAlertInput' });
export type ResolveAlertInput = z.infer<typeof resolveAlertInputSchema>;
