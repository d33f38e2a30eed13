/**
 * The telemetry gateway: samples every truck's position in turn and posts it to the product's public ingest API, as a
 * telematics provider would. It knows nothing of the product but its address and a sign-in.
 */
import { maxTelemetryRows, type PositionInput } from '#contracts/telemetry';
import type { RosterTenant, RosterTruck } from '../world/roster.ts';
import type { World } from '../world/world.ts';
import { PositionSender, type SenderStats } from './position-sender.ts';
import type { TokenProvider } from './sign-in.ts';

export interface GatewayOptions {
  apiBaseUrl: string;
  world: World;
  fleets: readonly RosterTenant[];
  getToken: TokenProvider;
  /** Each truck reports once per this time. */
  sampleEveryMs?: number;
  /** Positions collected so far are posted this often: 30 requests a minute and tenant, well within an account's 100. */
  flushEveryMs?: number;
  bufferRows?: number;
  fetch?: typeof fetch;
  now?: () => number;
  random?: () => number;
  log?: (line: string) => void;
}

export interface GatewayStats {
  sampled: number;
  tenants: SenderStats[];
}

export interface Gateway {
  /** Stops sampling and sending; what is still buffered is given up. */
  stop(): void;
  stats(): GatewayStats;
}

const defaultSampleEveryMs = 10_000;
const defaultFlushEveryMs = 2_000;
/** An hour of a hundred trucks. */
const defaultBufferRows = 36_000;

/** A truck's position now as the ingest API takes it. */
export function positionRow(world: World, truck: RosterTruck): PositionInput {
  const { lat, lon, speedMph, heading, odometerMiles, engineHours, fuelPercent, ignition } = world.position(truck);
  return {
    vin: truck.vin,
    at: new Date(world.clock.realMs()).toISOString(),
    lat,
    lon,
    speedMph,
    heading,
    odometerMiles,
    engineHours,
    fuelPercent,
    ignition,
  };
}

/** Indices of the trucks whose turn falls in (fromMs, toMs]: the fleet is spread evenly over the sampling time. */
export function trucksDue(count: number, sampleEveryMs: number, fromMs: number, toMs: number): number[] {
  const due: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const turnMs = (index / count) * sampleEveryMs;
    if (Math.floor((toMs - turnMs) / sampleEveryMs) > Math.floor((fromMs - turnMs) / sampleEveryMs)) due.push(index);
  }
  return due;
}

/** Starts a gateway; every fleet with trucks gets a sender of its own, so that one refused sign-in stops only itself. */
export function startGateway(options: GatewayOptions): Gateway {
  const { world, apiBaseUrl, getToken } = options;
  const now = options.now ?? Date.now;
  const sampleEveryMs = options.sampleEveryMs ?? defaultSampleEveryMs;
  const fleets = options.fleets
    .filter((fleet) => fleet.trucks.length > 0)
    .map((fleet) => ({
      trucks: fleet.trucks,
      sender: new PositionSender({
        apiBaseUrl,
        tenantName: fleet.name,
        getToken,
        bufferRows: options.bufferRows ?? defaultBufferRows,
        fetch: options.fetch ?? fetch,
        random: options.random ?? Math.random,
        log: options.log ?? (() => undefined),
      }),
    }));
  let sampled = 0;
  // Every truck once at the start, so that nobody waits for the first picture.
  let lastMs = now() - sampleEveryMs;

  const tick = () => {
    const nowMs = now();
    for (const { trucks, sender } of fleets) {
      const due = trucksDue(trucks.length, sampleEveryMs, lastMs, nowMs);
      const rows = due.flatMap((index) => {
        const truck = trucks[index];
        return truck === undefined ? [] : [positionRow(world, truck)];
      });
      sampled += rows.length;
      for (let at = 0; at < rows.length; at += maxTelemetryRows) sender.add(rows.slice(at, at + maxTelemetryRows));
      void sender.flush(nowMs);
    }
    lastMs = nowMs;
  };
  tick();
  const timer = setInterval(tick, options.flushEveryMs ?? defaultFlushEveryMs);

  return {
    stop() {
      clearInterval(timer);
      for (const { sender } of fleets) sender.stop();
    },
    stats: () => ({ sampled, tenants: fleets.map(({ sender }) => ({ ...sender.stats })) }),
  };
}
