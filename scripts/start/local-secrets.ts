/** Secrets of a local installation: made once, kept in the state folder, readable by their owner only. */
import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { readStateFile } from './checks.ts';

const secretsSchema = z.object({
  AUTH_PRIVATE_JWK: z.string(),
  MASTER_KEY: z.string(),
  AUDIT_KEY: z.string(),
});
export type WorkerSecrets = z.infer<typeof secretsSchema>;

/** New secrets in the form the Worker takes them. */
export function makeSecrets(): WorkerSecrets {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = { ...privateKey.export({ format: 'jwk' }), kid: randomUUID() };
  const key = () => btoa(String.fromCharCode(...randomBytes(32)));
  return { AUTH_PRIVATE_JWK: JSON.stringify(jwk), MASTER_KEY: key(), AUDIT_KEY: key() };
}

/**
 * The state folder's secrets, made on first use; a folder from before a secret existed gets that one. Throws when the file
 * is there but unreadable.
 */
export function localSecrets(stateFolder: string): WorkerSecrets {
  const file = join(stateFolder, 'secrets.json');
  const known = existsSync(file) ? readStateFile(file, (value) => secretsSchema.partial().parse(value)) : {};
  const secrets = { ...makeSecrets(), ...known };
  if (Object.keys(known).length < Object.keys(secrets).length) {
    writeFileSync(file, JSON.stringify(secrets), { mode: 0o600 });
  }
  return secrets;
}
