/**
 * A real OpenID Connect provider on this machine, for `npm start` and for tests, with a few handles to play with: new keys,
 * out of order, any logout token, TXT records. Its state is in memory and gone with the process.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { decodeJwt } from 'jose';
import type { ClientMetadata } from 'oidc-provider';
import { createNameServer } from './dns.ts';
import { createMemory } from './memory.ts';
import { demoIdentityPeople, type IdentityPerson } from './people.ts';
import { createProvider, newSigningKey } from './provider.ts';
import { readJson } from './read-json.ts';
import { signWith } from './tampering.ts';

export interface IdentityProviderOptions {
  /** 0 takes any free port. */
  port: number;
  /** By default where it listens; another one makes its metadata speak for somebody else. */
  issuerUrl?: string;
  clients?: readonly ClientMetadata[];
  people?: readonly IdentityPerson[];
  slowMs?: number;
  log?: (line: string) => void;
}

export interface IdentityProvider {
  issuer: string;
  url: string;
  stop(): Promise<void>;
}

/** Nothing outside the machine has business with it. */
const host = '127.0.0.1';
const defaultSlowMs = 8_000;

/**
 * Starts the provider. Handles (JSON): POST /control/rotate-keys {} · POST /control/down {"isDown": true} ·
 * POST /control/sign {"claims", "header"?} → {"token"} signed with its key · POST /control/dns {"name", "texts"} puts the TXT
 * records that GET /dns-query then answers.
 * Rejects with an Error in plain words when the port is taken.
 */
export async function startIdentityProvider(options: IdentityProviderOptions): Promise<IdentityProvider> {
  let handle = (_request: IncomingMessage, response: ServerResponse): unknown => response.writeHead(503).end();
  const server = createServer((request, response) => void handle(request, response));
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        error.code === 'EADDRINUSE'
          ? new Error(`the identity provider's port ${options.port} is already in use`)
          : error,
      ),
    );
    server.listen(options.port, host, resolve);
  });
  const url = `http://${host}:${(server.address() as AddressInfo).port}`;
  const issuer = options.issuerUrl ?? url;
  const settings = {
    issuer,
    clients: options.clients ?? [],
    people: options.people ?? demoIdentityPeople,
    slowMs: options.slowMs ?? defaultSlowMs,
    memory: createMemory(),
  };

  let key = await newSigningKey();
  // A provider with new keys shares the memory of the one before: sessions and clients go on.
  let provider = createProvider({ ...settings, key }).callback();
  let isDown = false;
  const names = createNameServer();

  const control: Record<string, (input: Record<string, unknown>) => Promise<Record<string, unknown>>> = {
    '/control/rotate-keys': async () => {
      key = await newSigningKey();
      provider = createProvider({ ...settings, key }).callback();
      return { kid: key.publicJwk.kid };
    },
    '/control/down': async (input) => {
      isDown = input['isDown'] === true;
      return { isDown };
    },
    '/control/dns': async (input) => names.put(input),
    '/control/sign': async ({ claims, header }) => {
      const token = await signWith(key, claims as Record<string, unknown>, (header ?? {}) as Record<string, unknown>);
      return { token, claims: decodeJwt(token) };
    },
  };

  handle = async (request, response) => {
    if (names.handle(request, response)) return undefined;
    const path = new URL(request.url ?? '/', url).pathname;
    const act = request.method === 'POST' ? control[path] : undefined;
    if (act === undefined) {
      if (isDown) return response.writeHead(503).end('out of order');
      return provider(request, response);
    }
    try {
      const answer = JSON.stringify(await act(await readJson(request)));
      response.writeHead(200, { 'content-type': 'application/json' }).end(answer);
    } catch (cause) {
      response.writeHead(400).end(cause instanceof Error ? cause.message : String(cause));
    }
  };
  options.log?.(`identity provider at ${url}`);
  return {
    issuer,
    url,
    async stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}
