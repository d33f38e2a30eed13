/**
 * The telemetry gateway: samples every truck's position and engine signals in turn and brings them to the product's public
 * ingest API, by POST or over a stream, as a telematics provider would. It knows nothing of the product but its address and a sign-in.
 */
import { maxTelemetryRows, type PositionInput, type SignalInput, type SignalName } from '#contracts/telemetry';
import type { RosterTenant, RosterTruck } from '../world/roster.ts';
import type { World } from '../world/world.ts';
import type { TokenProvider } from './sign-in.ts';
import { StreamTransport } from './stream-transport.ts';
import { TelemetrySender, type SenderStats, type TelemetryKind } from './telemetry-sender.ts';

export interface GatewayOptions {
  apiBaseUrl: string;
  world: World;
  fleets: readonly RosterTenant[];
  getToken: TokenProvider;
  /** Each truck reports once per this time. */
  sampleEveryMs?: number;
  /** Positions collected so far are posted this often: 30 requests a minute and tenant, well within an account's 100. */
  flushEveryMs?: number;
  /** Each running engine's signals are read once per this time, and posted as often. */
  signalsEveryMs?: number;
  bufferRows?: number;
  /** Positions go over a WebSocket instead of by POST; signals never do. */
  streams?: boolean;
  fetch?: typeof fetch;
  now?: () => number;
  random?: () => number;
  log?: (line: string) => void;
}

export interface GatewayStats {
  /** Positions read. */
  sampled: number;
  tenants: SenderStats[];
  signals: { sampled: number; tenants: SenderStats[] };
}

export interface Gateway {
  /** Stops sampling and sending; what is still buffered is given up. */
  stop(): void;
  stats(): GatewayStats;
}

const defaultSampleEveryMs = 10_000;
const defaultFlushEveryMs = 2_000;
const defaultSignalsEveryMs = 60_000;
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

/** A truck's signals now as the ingest API takes them; none while its ignition is off. */
export function signalRows(world: World, truck: RosterTruck): SignalInput[] {
  const at = new Date(world.clock.realMs()).toISOString();
  const values = Object.entries(world.signals(truck)) as [SignalName, number][];
  return values.map(([name, value]) => ({ vin: truck.vin, at, name, value }));
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

/** One kind of telemetry of one fleet: each truck is read in its turn, what was read is posted every so often. */
class Feed<Row extends object> {
  readonly sender: TelemetrySender<Row>;
  sampled = 0;
  private readonly trucks: readonly RosterTruck[];
  private readonly everyMs: number;
  private readonly flushEveryMs: number;
  private readonly read: (truck: RosterTruck) => Row[];
  private lastMs: number;
  private lastFlushMs = -Infinity;

  constructor(options: {
    sender: TelemetrySender<Row>;
    trucks: readonly RosterTruck[];
    everyMs: number;
    flushEveryMs: number;
    startMs: number;
    read: (truck: RosterTruck) => Row[];
  }) {
    this.sender = options.sender;
    this.trucks = options.trucks;
    this.everyMs = options.everyMs;
    this.flushEveryMs = options.flushEveryMs;
    this.read = options.read;
    // Every truck once at the start, so that nobody waits for the first picture.
    this.lastMs = options.startMs - options.everyMs;
  }

  tick(nowMs: number): void {
    const due = trucksDue(this.trucks.length, this.everyMs, this.lastMs, nowMs);
    const rows = due.flatMap((index) => {
      const truck = this.trucks[index];
      return truck === undefined ? [] : this.read(truck);
    });
    this.lastMs = nowMs;
    this.sampled += rows.length;
    for (let at = 0; at < rows.length; at += maxTelemetryRows) this.sender.add(rows.slice(at, at + maxTelemetryRows));
    if (nowMs - this.lastFlushMs < this.flushEveryMs) return;
    this.lastFlushMs = nowMs;
    void this.sender.flush(nowMs);
  }
}

/**
 * Starts a gateway; every fleet with trucks gets senders of its own, so that one refused sign-in stops only itself, and an
 * API that does not take signals still gets positions.
 */
export function startGateway(options: GatewayOptions): Gateway {
  const { world, apiBaseUrl, getToken } = options;
  const now = options.now ?? Date.now;
  const startMs = now();
  const flushEveryMs = options.flushEveryMs ?? defaultFlushEveryMs;
  const signalsEveryMs = options.signalsEveryMs ?? defaultSignalsEveryMs;
  const stream = options.streams === true ? new StreamTransport(apiBaseUrl, options.fetch ?? fetch) : null;
  const senderOf = <Row extends object>(kind: TelemetryKind, tenantName: string): TelemetrySender<Row> =>
    new TelemetrySender<Row>({
      kind,
      apiBaseUrl,
      tenantName,
      getToken,
      bufferRows: options.bufferRows ?? defaultBufferRows,
      fetch: (kind === 'positions' ? stream?.fetch : undefined) ?? options.fetch ?? fetch,
      random: options.random ?? Math.random,
      log: options.log ?? (() => undefined),
    });
  const fleets = options.fleets
    .filter((fleet) => fleet.trucks.length > 0)
    .map(({ name, trucks }) => ({
      positions: new Feed<PositionInput>({
        sender: senderOf('positions', name),
        trucks,
        everyMs: options.sampleEveryMs ?? defaultSampleEveryMs,
        flushEveryMs: 0,
        startMs,
        read: (truck) => [positionRow(world, truck)],
      }),
      signals: new Feed<SignalInput>({
        sender: senderOf('signals', name),
        trucks,
        everyMs: signalsEveryMs,
        flushEveryMs: signalsEveryMs,
        startMs,
        read: (truck) => signalRows(world, truck),
      }),
    }));

  const tick = () => {
    const nowMs = now();
    for (const { positions, signals } of fleets) {
      positions.tick(nowMs);
      signals.tick(nowMs);
    }
  };
  tick();
  const timer = setInterval(tick, flushEveryMs);

  const statsOf = (feeds: readonly Feed<object>[]) => ({
    sampled: feeds.reduce((sum, feed) => sum + feed.sampled, 0),
    tenants: feeds.map(({ sender }) => ({ ...sender.stats })),
  });
  return {
    stop() {
      clearInterval(timer);
      for (const { positions, signals } of fleets) {
        positions.sender.stop();
        signals.sender.stop();
      }
      stream?.close();
    },
    stats: () => ({
      ...statsOf(fleets.map(({ positions }) => positions)),
      signals: statsOf(fleets.map(({ signals }) => signals)),
    }),
  };
}
