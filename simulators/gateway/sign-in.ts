/**
 * How a gateway proves who it is: with an API key of its fleet that may report telemetry and nothing else. The keys are in a
 * file that its owner alone can read, one per fleet by name; a key that was replaced there is taken up without a restart.
 */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';

/**
 * Gives the API key of a tenant. With `refusedToken` (the API answered 401 to it) the keys are read anew. Rejects with a
 * `SignInError`.
 */
export type TokenProvider = (tenantName: string, refusedToken?: string) => Promise<string>;

/** There is no key to try; `retryAfterMs` says when it makes sense to ask again. */
export class SignInError extends Error {
  override readonly name = 'SignInError';
  readonly retryAfterMs: number;

  constructor(message: string, retryAfterMs: number) {
    super(message);
    this.retryAfterMs = retryAfterMs;
  }
}

/** A refused key is tried seldom: it was revoked, or its tenant suspended, and only a person changes that. */
const refusedPauseMs = 60_000;

/** Seconds of a Retry-After header as milliseconds, or the fallback when there is none that can be read. */
export function retryAfterMs(response: Response, fallbackMs: number): number {
  const header = response.headers.get('Retry-After');
  return header !== null && /^\d{1,6}$/.test(header) ? Number(header) * 1000 : fallbackMs;
}

const keysSchema = z.record(z.string(), z.string());
export type GatewayKeys = z.infer<typeof keysSchema>;

/** The keys of a file, by the name of the fleet. */
export const keysIn =
  (file: string): (() => Promise<GatewayKeys>) =>
  async () =>
    keysSchema.parse(JSON.parse(await readFile(file, 'utf8')));

/** Keys as `readKeys` finds them; read once and again whenever one is refused. */
export function keyTokens(readKeys: () => Promise<GatewayKeys>): TokenProvider {
  let reading: Promise<GatewayKeys> | null = null;
  /** Tenants whose key was refused and who have been told to wait. */
  const waiting = new Set<string>();

  const read = async (): Promise<GatewayKeys> => {
    reading ??= readKeys();
    try {
      return await reading;
    } catch (error) {
      reading = null;
      throw new SignInError(`the keys cannot be read: ${String(error)}`, refusedPauseMs);
    }
  };

  return async (tenantName, refusedToken) => {
    if (refusedToken !== undefined && (await read())[tenantName] === refusedToken) reading = null;
    const key = (await read())[tenantName];
    if (key === undefined) throw new SignInError(`no key for ${tenantName}`, refusedPauseMs);
    // Who asks again has waited: the same key may be welcome by now.
    if (waiting.delete(tenantName) || key !== refusedToken) return key;
    waiting.add(tenantName);
    throw new SignInError(`the key of ${tenantName} is refused`, refusedPauseMs);
  };
}
