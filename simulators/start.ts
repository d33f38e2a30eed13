/** Starts the simulated outside world: one world, the portal that shows it, the gateway that reports from it. */
import { startGateway, type Gateway, type GatewayStats } from './gateway/gateway.ts';
import { keysIn, keyTokens, type TokenProvider } from './gateway/sign-in.ts';
import { listen, remoteAddressOf } from './local.ts';
import { portalAccounts } from './portal/accounts.ts';
import { createPortal } from './portal/portal.ts';
import type { PortalCounters } from './portal/portal-state.ts';
import { createClock } from './world/clock.ts';
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
  /** Positions over a WebSocket instead of by POST. */
  streams?: boolean;
  log: (line: string) => void;
  /** Where the gateway finds each fleet's API key; see gateway/sign-in.ts. */
  keysFile?: string | undefined;
  /** Another way to the keys. */
  getToken?: TokenProvider;
  requestsPerSecond?: number;
  now?: () => number;
}

/** Where the start command keeps them. */
const defaultKeysFile = '.truckiq/gateway-keys.json';

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
  const listener = await listen(portal.app, options.portalPort, 'portal simulator');
  const portalUrl = listener.url;
  options.log(`portal simulator at ${portalUrl}`);

  let gateway: Gateway | null = null;
  if (options.gateway) {
    gateway = startGateway({
      apiBaseUrl: options.apiBaseUrl,
      world,
      fleets: world.demoFleets,
      streams: options.streams ?? false,
      getToken: options.getToken ?? keyTokens(keysIn(options.keysFile ?? defaultKeysFile)),
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
      await listener.close();
    },
  };
}
