/** The lines of the live benchmark: each holds a promise of the live picture against a peer or a limit. */
import type { Measurement } from '../measurement.ts';
import { measureGeofences } from '../geofences.ts';
import { measureBadFrames } from './bad-frames.ts';
import { measureFanOut } from './fan-out.ts';
import { measureHistorySize } from './history-size.ts';
import { measureIngest } from './ingest.ts';
import { measureKill } from './kill.ts';
import { measureLargeFleet } from './large-fleet.ts';
import { exactly, type Finding, type Line } from './line.ts';
import { measureNeighbours } from './neighbours.ts';
import { measureHerd, measureStalledReader } from './readers.ts';
import { measureWakeUp } from './wake-up.ts';

const toFinding = ({ name, value, unit, target }: Measurement): Finding => ({
  ...{ promise: name, spread: exactly(value), unit, limit: target },
});

export const lines: readonly Line[] = [
  {
    name: 'fan-out',
    title: 'What a delivered frame costs',
    promise:
      'Processor time per delivered frame at most 1.25 × a bare send loop of a Durable Object, 1.3 × ws, 1.0 × socket.io (200 sockets, ' +
      '1 KB); per delivered vehicle update at most 0.1 × socket.io sending each update.',
    run: measureFanOut,
  },
  {
    name: 'large-fleet',
    title: 'A large fleet, on time and small',
    promise:
      '5,000 vehicles, a fixed fifth moving every 200 ms, 200 packed sockets: p99 from accepted POST to received frame at most 100 ms ' +
      'above the tick and 2 × the bare loop with the same bytes. Packed bytes per vehicle update at most 0.25 × the JSON delta; a ' +
      'resume after 5 s at most 0.1 × the snapshot.',
    run: measureLargeFleet,
  },
  {
    name: 'ingest',
    title: 'The whole way in',
    promise:
      'At least 0.25 × a bare object that only parses JSON and sets a Map, in batches of 100; at least 10,000 positions a second.',
    run: measureIngest,
  },
  {
    name: 'stalled-reader',
    title: 'One that does not read',
    promise: 'Of 200 readers one is stalled: the p99 of the others at most 1.2 × or 10 ms more, its queue bounded.',
    run: measureStalledReader,
  },
  {
    name: 'herd',
    title: 'Everybody at once',
    promise: '1,000 displays of a tenant of 100 trucks reconnect at once: all current within 5 s.',
    run: measureHerd,
  },
  {
    name: 'neighbours',
    title: 'Small rooms beside a large one',
    promise:
      '100 tenants of 100 trucks beside one of 5,000: no synchronous slice of the large room over 25 ms; the p99 of the small ones at ' +
      'most 1.5 × alone or 25 ms more.',
    run: measureNeighbours,
  },
  {
    name: 'history-size',
    title: 'Thirty days in one object',
    promise: '30 days of 5,000 trucks with one fix per 30 s fit the 10 GB of one object.',
    run: measureHistorySize,
  },
  {
    name: 'wake-up',
    title: 'The first message after a sleep',
    promise: 'At most 50 ms more than warm.',
    run: measureWakeUp,
  },
  {
    name: 'geofences',
    title: 'Geofences',
    promise: 'Hits identical to brute force on a million points, at least 0.7 × plain flatbush with point-in-polygon.',
    run: () => Promise.resolve({ findings: measureGeofences().map(toFinding), notes: ['bench/geofences.ts.'] }),
  },
  {
    name: 'kill',
    title: 'kill -9',
    promise:
      'In the middle of 10,000 acknowledged batches, with duplicates and reordering: final state and history equal to an undisturbed run’s.',
    run: measureKill,
  },
  {
    name: 'bad-frames',
    title: 'Bad frames',
    promise: 'The documented close code, never an exception, never another’s socket.',
    run: measureBadFrames,
  },
];
