/** Secrets of a local installation: made once, kept in the state folder, readable by their owner only. */
import { randomBytes } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { readStateFile } from './checks.ts';

const secretsSchema = z.object({
  MASTER_KEY: z.string(),
  AUDIT_KEY: z.string(),
});
export type WorkerSecrets = z.infer<typeof secretsSchema>;

/** New secrets in the form the Worker takes them: 32 random bytes each. */
export function makeSecrets(): WorkerSecrets {
  const key = () => btoa(String.fromCharCode(...randomBytes(32)));
  return { MASTER_KEY: key(), AUDIT_KEY: key() };
}

/**
 * The state folder's secrets, made on first use; a folder from before a secret existed gets that one, and one that is no
 * longer used goes. Throws when the file is there but unreadable.
 */
export function localSecrets(stateFolder: string): WorkerSecrets {
  const file = join(stateFolder, 'secrets.json');
  const stored = existsSync(file) ? readStateFile(file, (value) => z.record(z.string(), z.string()).parse(value)) : {};
  const secrets = { ...makeSecrets(), ...secretsSchema.partial().parse(stored) };
  if (Object.keys(stored).toSorted().join() !== Object.keys(secrets).toSorted().join()) {
    writeFileSync(file, JSON.stringify(secrets), { mode: 0o600 });
  }
  return secrets;
}
