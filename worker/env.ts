/** The Worker's bindings, and its configuration parsed once per isolate. */
import { z } from 'zod';
import type { SyncWorkflowParams } from './features/sync/params.ts';

/** Bindings as wrangler.toml declares them; secrets come from `wrangler secret put`. */
export interface Env {
  DB: D1Database;
  ASSETS: Fetcher;
  ARTIFACTS: R2Bucket;
  BROWSER: Fetcher;
  LIVE_QUEUE: Queue<LiveQueueMessage>;
  FLEET_ROOM: DurableObjectNamespace;
  SCRAPE_GATE: DurableObjectNamespace;
  RATE_COUNTER: DurableObjectNamespace;
  SYNC_WORKFLOW: Workflow<SyncWorkflowParams>;
  ENVIRONMENT: string;
  ALLOWED_ORIGINS: string;
  RATE_LIMIT_PER_MINUTE: string;
  ALLOW_LOCAL_TARGETS: string;
  /** ES256 private key as JWK, with `kid`. */
  AUTH_PRIVATE_JWK: string;
  /** 32 bytes, base64: wraps every tenant's data key. */
  MASTER_KEY: string;
}

/** A room asks for its dirty readings to be copied back to D1. */
export interface LiveQueueMessage {
  kind: 'copy_back';
  tenantId: string;
}

const privateJwkSchema = z.object({
  kty: z.literal('EC'),
  crv: z.literal('P-256'),
  kid: z.string().min(1),
  x: z.string(),
  y: z.string(),
  d: z.string(),
});
export type PrivateJwk = z.infer<typeof privateJwkSchema>;

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
  AUTH_PRIVATE_JWK: z
    .string()
    .transform((text, ctx) => {
      try {
        return JSON.parse(text) as unknown;
      } catch {
        ctx.addIssue({ code: 'custom', message: 'must be a JWK as JSON' });
        return z.NEVER;
      }
    })
    .pipe(privateJwkSchema),
  MASTER_KEY: z.string().regex(/^[A-Za-z0-9+/]{43}=$/, 'must be 32 bytes in base64'),
});

export interface Config {
  environment: 'production' | 'staging' | 'development';
  allowedOrigins: string[];
  requestsPerMinute: number;
  allowLocalTargets: boolean;
  authPrivateJwk: PrivateJwk;
  masterKey: string;
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
    authPrivateJwk: result.data.AUTH_PRIVATE_JWK,
    masterKey: result.data.MASTER_KEY,
  };
  parsed.set(env, config);
  return config;
}
