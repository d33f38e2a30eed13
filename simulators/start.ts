/** Starts the simulated outside world: one world, the portal that shows it, the gateway that reports from it. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { getConnInfo } from '@hono/node-server/conninfo';
import { startGateway, type Gateway, type GatewayStats } from './gateway/gateway.ts';
import { loginTokens, type TokenProvider } from './gateway/sign-in.ts';
import { portalAccounts } from './portal/accounts.ts';
import { createPortal, type Portal } from './portal/portal.ts';
import type { PortalCounters } from './portal/portal-state.ts';
import { createClock } from './world/clock.ts';
import { demoPassword, fleetAdminEmail } from './world/demo.ts';
import { createWorld, type World } from './world/world.ts';

export interface SimulatorOptions {
  /** 0 takes any free port. */
  portalPort: number;
  /** Origin of the product, without a trailing slash; positions go to its public API. */
  apiBaseUrl: string;
  seed: number;
  /** When this world began, epoch milliseconds: keep it between runs and the world goes on as if it never stopped. */
  anchorMs: number;
  /** How much faster than real time trucks age; driving is always real. */
  speed: number;
  /** Whether positions are sent. */
  gateway: boolean;
  log: (line: string) => void;
  /** How the gateway signs in; by default as each fleet's demo admin. */
  getToken?: TokenProvider;
  requestsPerSecond?: number;
  now?: () => number;
}

export interface SimulatorStats {
  portal: PortalCounters;
  gateway: GatewayStats | null;
}

export interface Simulators {
  portalUrl: string;
  world: World;
  stats(): SimulatorStats;
  stop(): Promise<void>;
}

/** The simulators listen here only: nothing outside the machine has business with them. */
const host = '127.0.0.1';

function listen(portal: Portal, port: number): Promise<Server> {
  const server = createServer(getRequestListener(portal.app.fetch, { hostname: host }));
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') reject(new Error(`the portal simulator's port ${port} is already in use`));
      else if (error.code === 'EACCES') reject(new Error(`the portal simulator may not listen on port ${port}`));
      else reject(error);
    });
    server.listen(port, host, () => resolve(server));
  });
}

/** Address of the client of a request that came over a socket; null for one that did not. */
function remoteAddressOf(c: Parameters<typeof getConnInfo>[0]): string | null {
  try {
    return getConnInfo(c).remote.address ?? null;
  } catch {
    return null;
  }
}

/**
 * Starts world, portal and, when asked for, gateway. Rejects with an Error in plain words when the port is taken and a
 * RangeError for a speed or anchor that makes no sense.
 */
export async function startSimulators(options: SimulatorOptions): Promise<Simulators> {
  const now = options.now ?? Date.now;
  const clock = createClock({ anchorMs: options.anchorMs, speed: options.speed, now });
  const world = createWorld({ seed: options.seed, clock });
  const portal = createPortal({
    world,
    accounts: portalAccounts,
    now,
    requestsPerSecond: options.requestsPerSecond,
    remoteAddressOf,
  });
  const server = await listen(portal, options.portalPort);
  const portalUrl = `http://${host}:${(server.address() as AddressInfo).port}`;
  options.log(`portal simulator at ${portalUrl}`);

  let gateway: Gateway | null = null;
  if (options.gateway) {
    const credentialsOf = (tenantName: string) => {
      const email = fleetAdminEmail(tenantName);
      return email === null ? null : { email, password: demoPassword };
    };
    gateway = startGateway({
      apiBaseUrl: options.apiBaseUrl,
      world,
      fleets: world.demoFleets,
      getToken: options.getToken ?? loginTokens({ apiBaseUrl: options.apiBaseUrl, credentialsOf }),
      log: options.log,
    });
  }

  return {
    portalUrl,
    world,
    stats: () => ({ portal: portal.counters(), gateway: gateway?.stats() ?? null }),
    async stop() {
      gateway?.stop();
      portal.release();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}
