/** A running platform from outside: its API as a signed-in person calls it, and the controls of its simulated world. */
import type { SyncRun } from '#contracts/sync';
import { portalPassword } from '#simulators/portal/accounts';
import { demoPassword } from '#simulators/world/demo';

export interface Answer<T> {
  status: number;
  body: { data: T; meta?: { total: number }; error?: { code: string; message: string; details?: unknown } };
}

export interface PlatformAddress {
  url: string;
  portalUrl: string;
}

export const sleep = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** One request; a string body is sent as it is. */
export async function send<T>(
  { url }: PlatformAddress,
  method: string,
  path: string,
  body?: unknown,
  token?: string,
): Promise<Answer<T>> {
  const response = await fetch(`${url}/api/v1${path}`, {
    method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: (text === '' ? {} : JSON.parse(text)) as Answer<T>['body'] };
}

/** Steers the simulated portal (simulators/portal/control.ts). */
export async function control(
  { portalUrl }: PlatformAddress,
  method: string,
  path: string,
  body?: unknown,
): Promise<unknown> {
  const response = await fetch(`${portalUrl}/_control${path}`, {
    method,
    ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${method} /_control${path}: ${response.status} ${await response.text()}`);
  const text = await response.text();
  return text === '' ? null : (JSON.parse(text) as unknown);
}

/** A signed-in API client. */
export class Client {
  readonly address: PlatformAddress;
  readonly token: string;

  constructor(address: PlatformAddress, token: string) {
    this.address = address;
    this.token = token;
  }

  static async signIn(address: PlatformAddress, email: string, password = demoPassword): Promise<Client> {
    const answer = await send<{ accessToken: string }>(address, 'POST', '/auth/login', {
      email,
      password,
    });
    if (answer.status !== 200) throw new Error(`${email} could not sign in: ${JSON.stringify(answer.body)}`);
    return new Client(address, answer.body.data.accessToken);
  }

  get = <T>(path: string) => send<T>(this.address, 'GET', path, undefined, this.token);
  post = <T>(path: string, body?: unknown) => send<T>(this.address, 'POST', path, body, this.token);
  patch = <T>(path: string, body?: unknown) => send<T>(this.address, 'PATCH', path, body, this.token);
  delete = <T>(path: string) => send<T>(this.address, 'DELETE', path, undefined, this.token);
  put = <T>(path: string, body?: unknown) => send<T>(this.address, 'PUT', path, body, this.token);

  /** Points the tenant's portal credentials at an account of the simulator. */
  async useAccount(username: string, password = portalPassword): Promise<void> {
    const body = { baseUrl: this.address.portalUrl, username, password, consent: true };
    const answer = await this.put('/sync/credentials/paccar', body);
    if (answer.status >= 300) throw new Error(JSON.stringify(answer.body));
  }

  /** Waits until no run is under way. */
  async idle(withinMs = 60_000): Promise<void> {
    const until = Date.now() + withinMs;
    while ((await this.get<{ isRunning: boolean }>('/sync/status')).body.data.isRunning) {
      if (Date.now() > until) throw new Error('a sync run does not end');
      await sleep(200);
    }
  }

  /** Starts a run, after any other, and returns its id. */
  async startSync(): Promise<string> {
    await this.idle();
    const answer = await this.post<{ id: string }>('/sync/runs', {});
    if (answer.status !== 202) throw new Error(JSON.stringify(answer.body));
    return answer.body.data.id;
  }

  async finished(runId: string, withinMs = 80_000): Promise<SyncRun> {
    const until = Date.now() + withinMs;
    for (;;) {
      const { data } = (await this.get<SyncRun>(`/sync/runs/${runId}`)).body;
      if (data.finishedAt !== null) return data;
      if (Date.now() > until) throw new Error(`run ${runId} is still ${data.status} after ${withinMs} ms`);
      await sleep(150);
    }
  }

  async sync(withinMs?: number): Promise<SyncRun> {
    return this.finished(await this.startSync(), withinMs);
  }
}
