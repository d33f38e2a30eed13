/** Every message the platform mails: which facts each carries. What is written from them is in templates.ts. */
import { z } from 'zod';

/** Travels sealed as JSON, so a date may come back as text. */
const instantSchema = z.union([z.date(), z.iso.datetime()]).transform((value) => new Date(value));
const ipSchema = z.string().nullable();

/** Facts of each template, as its caller gives them. */
export const mailDataSchemas = {
  invitation: z.object({ inviterName: z.string(), tenantName: z.string(), roleName: z.string(), link: z.string() }),
  password_reset: z.object({ name: z.string(), link: z.string(), minutes: z.number() }),
  password_changed: z.object({ name: z.string(), at: instantSchema, ip: ipSchema }),
  mfa_changed: z.object({
    name: z.string(),
    enabled: z.boolean(),
    at: instantSchema,
    ip: ipSchema,
    /** The administrator who took it away; null: the account's own doing. */
    by: z.string().nullable().default(null),
  }),
  sign_in_locked: z.object({ name: z.string(), minutes: z.number(), ip: ipSchema }),
  welcome: z.object({ name: z.string(), tenantName: z.string(), link: z.string() }),
  dealer_link_requested: z.object({ fromTenantName: z.string(), link: z.string() }),
  api_key_expiring: z.object({ keyName: z.string(), expiresAt: instantSchema, link: z.string() }),
} as const;

export type MailTemplate = keyof typeof mailDataSchemas;
export const mailTemplates = Object.keys(mailDataSchemas) as [MailTemplate, ...MailTemplate[]];

/** What a caller hands in (times as Date or RFC 3339 text) and what a template gets (times as Date). */
export type MailDataInput<T extends MailTemplate> = z.input<(typeof mailDataSchemas)[T]>;
export type MailData<T extends MailTemplate> = z.output<(typeof mailDataSchemas)[T]>;

/** One message to one address. */
export type MailMessage = {
  [T in MailTemplate]: {
    /** The tenant it concerns, whose time zone its times are told in; null for the platform's own. */
    tenantId: string | null;
    to: string;
    template: T;
    data: MailDataInput<T>;
    /** After this it is no longer worth sending; for a message with a link, when the link ends. */
    expiresAt: Date;
  };
}[MailTemplate];
