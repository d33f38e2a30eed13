/** Prints new secrets for `wrangler secret put`, one per line. */
import { makeSecrets } from './start/local-secrets.ts';

for (const [name, value] of Object.entries(makeSecrets())) console.log(`${name}=${value}`);
