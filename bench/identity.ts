/**
 * What knowing the caller costs: the same request path with and without authentication, in pairs, one after the other; a
 * sign-in; and how long anybody else waits while passwords are being hashed.
 */
import type { IssuedApiKey } from '#contracts/api-keys';
import { Client, sleep } from '../test/platform/client.ts';
import type { RunningPlatform } from '../test/platform/start.ts';
import { percentile, type Measurement } from './measurement.ts';

const pairs = 1500;
const signIns = 40;

async function timed(url: string, token?: string): Promise<number> {
  const startedAt = performance.now();
  const response = await fetch(url, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } });
  await response.arrayBuffer();
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return performance.now() - startedAt;
}

export async function measureIdentity(platform: RunningPlatform): Promise<Measurement[]> {
  const email = 'admin@highplains.example';
  const admin = await Client.signIn(platform, email);
  await admin.idle();
  const issued = await admin.post<IssuedApiKey>('/api-keys', { name: 'bench', scopes: ['vehicles:read'] });
  if (issued.status !== 201) throw new Error(JSON.stringify(issued.body));

  // The key set is counted against a limit like everything else, and reads nothing: what is left is the authentication.
  const bare = `${platform.url}/.well-known/jwks.json`;
  const samples = { bare: [] as number[], token: [] as number[], key: [] as number[] };
  for (let pair = -100; pair < pairs; pair += 1) {
    const times = [
      await timed(bare),
      await timed(`${platform.url}/api/v1/auth/me`, admin.token),
      await timed(`${platform.url}/api/v1/tenant`, issued.body.data.key),
    ] as const;
    // The first ones warm caches and the compiler up.
    if (pair < 0) continue;
    samples.bare.push(times[0]);
    samples.token.push(times[1]);
    samples.key.push(times[2]);
  }
  const added = (times: number[], p: number): number => percentile(times, p) - percentile(samples.bare, p);

  const waits: number[] = [];
  let isSigningIn = true;
  const bystander = (async () => {
    while (isSigningIn) {
      waits.push(await timed(bare));
      await sleep(5);
    }
  })();
  const signInTimes: number[] = [];
  for (let turn = 0; turn < signIns; turn += 1) {
    const startedAt = performance.now();
    await Client.signIn(platform, email);
    signInTimes.push(performance.now() - startedAt);
  }
  isSigningIn = false;
  await bystander;

  return [
    { name: 'access token adds, p50', value: added(samples.token, 0.5), unit: 'ms', target: null },
    {
      name: 'access token adds, p95',
      value: added(samples.token, 0.95),
      unit: 'ms',
      target: { relation: '<', value: 5 },
    },
    { name: 'API key adds, p50', value: added(samples.key, 0.5), unit: 'ms', target: null },
    { name: 'API key adds (with reading the tenant), p95', value: added(samples.key, 0.95), unit: 'ms', target: null },
    { name: 'sign-in p50', value: percentile(signInTimes, 0.5), unit: 'ms', target: null },
    { name: 'sign-in p95', value: percentile(signInTimes, 0.95), unit: 'ms', target: { relation: '<', value: 400 } },
    {
      name: 'longest wait of a bystander while passwords are hashed',
      value: Math.max(...waits),
      unit: 'ms',
      target: { relation: '<', value: 250 },
    },
  ];
}
