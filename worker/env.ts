/** The Worker's bindings, and its configuration parsed once per isolate. */
import { z } from 'zod';
import type { SyncWorkflowParams } from './features/sync/params.ts';
import type { TrainingWorkflowParams } from './features/training/params.ts';

/** Bindings as wrangler.toml declares them; secrets come from `wrangler secret put`. */
export interface Env {
  DB: D1Database;
  ASSETS: Fetcher;
  ARTIFACTS: R2Bucket;
  BROWSER: Fetcher;
  LIVE_QUEUE: Queue<LiveQueueMessage>;
  FLEET_ROOM: DurableObjectNamespace;
  FLEET_TRACKS: DurableObjectNamespace;
  INGEST_GATE: DurableObjectNamespace;
  SCRAPE_GATE: DurableObjectNamespace;
  RATE_COUNTER: DurableObjectNamespace;
  AUDIT_CHAIN: DurableObjectNamespace;
  SYNC_WORKFLOW: Workflow<SyncWorkflowParams>;
  TRAINING_WORKFLOW: Workflow<TrainingWorkflowParams>;
  ENVIRONMENT: string;
  ALLOWED_ORIGINS: string;
  RATE_LIMIT_PER_MINUTE: string;
  ALLOW_LOCAL_TARGETS: string;
  TRUST_CONNECTING_IP: string;
  /** Cloudflare's own limiter: coarse, without counts; in front of everything. The local start has none. */
  SHIELD?: RateLimit;
  /** 32 bytes, base64: wraps every tenant's data key. */
  MASTER_KEY: string;
  /** The one before, while the rotation job wraps what it still wraps. */
  MASTER_KEY_PREVIOUS?: string;
  /** 32 bytes, base64: keys the hash chain of the audit log. Kept apart from MASTER_KEY, which may be replaced. */
  AUDIT_KEY: string;
  /** Where people reach the dashboard; every link in a mail begins with it. */
  PUBLIC_URL: string;
  SIGN_UP: string;
  /** Opens POST /setup, once. */
  SETUP_TOKEN?: string;
  MAIL_API_URL: string;
  MAIL_API_KEY: string;
  MAIL_FROM: string;
  /** Answers DNS questions over HTTPS in JSON (application/dns-json). */
  DNS_API_URL: string;
}

/** What a tenant's objects ask the Worker to fetch from them. */
export interface LiveQueueMessage {
  /**
   * Dirty readings of the room to copy back to D1; what happened at the fences; displays that fell silent or came back; days
   * of tracks to bring back out of the archive.
   */
  kind: 'copy_back' | 'fence_events' | 'display_health' | 'track_restores';
  tenantId: string;
}

const keySchema = z.string().regex(/^[A-Za-z0-9+/]{43}=$/, 'must be 32 bytes in base64');
const originSchema = z.url({ protocol: /^https?$/ }).transform((url) => new URL(url).origin);

const configSchema = z.object({
  ENVIRONMENT: z.enum(['production', 'staging', 'development']),
  ALLOWED_ORIGINS: z.string().transform((list) =>
    list
      .split(',')
      .map((origin) => origin.trim())
      .filter((origin) => origin !== ''),
  ),
  RATE_LIMIT_PER_MINUTE: z.coerce.number().int().min(1).max(1_000_000),
  ALLOW_LOCAL_TARGETS: z.enum(['true', 'false']).transform((flag) => flag === 'true'),
  TRUST_CONNECTING_IP: z.enum(['true', 'false']).transform((flag) => flag === 'true'),
  MASTER_KEY: keySchema,
  MASTER_KEY_PREVIOUS: keySchema.optional(),
  AUDIT_KEY: keySchema,
  PUBLIC_URL: originSchema,
  SIGN_UP: z.enum(['true', 'false']).transform((flag) => flag === 'true'),
  SETUP_TOKEN: z.string().min(20, 'must have at least 20 characters').optional(),
  MAIL_API_URL: originSchema,
  MAIL_API_KEY: z.string().min(1),
  MAIL_FROM: z.string().min(3),
  DNS_API_URL: z.url({ protocol: /^https?$/ }),
});

export interface Config {
  environment: 'production' | 'staging' | 'development';
  allowedOrigins: string[];
  requestsPerMinute: number;
  allowLocalTargets: boolean;
  /** True where the platform writes cf-connecting-ip itself. */
  trustConnectingIp: boolean;
  masterKey: string;
  masterKeyPrevious: string | null;
  auditKey: string;
  publicUrl: string;
  isSignUpOpen: boolean;
  setupToken: string | null;
  mail: { apiUrl: string; apiKey: string; from: string };
  dnsApiUrl: string;
}

const parsed = new WeakMap<object, Config>();

/** Parses the environment; throws one readable error that names every wrong variable. */
export function configOf(env: Env): Config {
  const known = parsed.get(env);
  if (known) return known;
  const result = configSchema.safeParse(env);
  if (!result.success) {
    const problems = result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw new Error(`The Worker is not configured: ${problems.join('; ')}`);
  }
  const config: Config = {
    environment: result.data.ENVIRONMENT,
    allowedOrigins: result.data.ALLOWED_ORIGINS,
    requestsPerMinute: result.data.RATE_LIMIT_PER_MINUTE,
    allowLocalTargets: result.data.ALLOW_LOCAL_TARGETS,
    trustConnectingIp: result.data.TRUST_CONNECTING_IP,
    masterKey: result.data.MASTER_KEY,
    masterKeyPrevious: result.data.MASTER_KEY_PREVIOUS ?? null,
    auditKey: result.data.AUDIT_KEY,
    publicUrl: result.data.PUBLIC_URL,
    isSignUpOpen: result.data.SIGN_UP,
    setupToken: result.data.SETUP_TOKEN ?? null,
    mail: { apiUrl: result.data.MAIL_API_URL, apiKey: result.data.MAIL_API_KEY, from: result.data.MAIL_FROM },
    dnsApiUrl: result.data.DNS_API_URL,
  };
  parsed.set(env, config);
  return config;
}
