/** Resend's JSON (https://resend.com/docs/api-reference/emails/send-email and /errors), as far as we look into it. */
import { z } from 'zod';

/** Body of POST /emails. */
export interface ResendEmailPayload {
  from: string;
  to: string[];
  subject: string;
  html: string;
  text: string;
  headers: Record<string, string>;
}

export const resendSentSchema = z.object({ id: z.string().min(1).max(200) });

/** Its names of errors; a name that is not here is not repeated anywhere. */
const errorNames = [
  'invalid_idempotency_key',
  'validation_error',
  'missing_api_key',
  'restricted_api_key',
  'invalid_api_key',
  'not_found',
  'method_not_allowed',
  'invalid_idempotent_request',
  'concurrent_idempotent_requests',
  'invalid_attachment',
  'invalid_from_address',
  'invalid_access',
  'invalid_parameter',
  'invalid_region',
  'missing_required_field',
  'monthly_quota_exceeded',
  'daily_quota_exceeded',
  'rate_limit_exceeded',
  'security_error',
  'application_error',
  'internal_server_error',
] as const;

export const resendErrorSchema = z.object({ name: z.enum(errorNames).nullable().catch(null) });
export type ResendErrorName = (typeof errorNames)[number];
