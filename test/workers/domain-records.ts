/** Records at the simulated name server; see simulators/identity/dns.ts. */
import { env } from 'cloudflare:workers';

/** Puts what stands at a name; nothing takes it away. */
export async function putRecord(name: string, entry: object = {}): Promise<void> {
  const answer = await fetch(new URL('/control/dns', env.DNS_API_URL), {
    method: 'POST',
    body: JSON.stringify({ name, ...entry }),
  });
  if (!answer.ok) throw new Error(await answer.text());
}
