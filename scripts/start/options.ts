/** The start command's options: parsed, bounded, and refused with one clear sentence. */
import { parseArgs } from 'node:util';
import { join, resolve } from 'node:path';

export interface StartOptions {
  port: number;
  /** Port of the simulated portal; the world lives beside the Worker. */
  worldPort: number;
  /** Port of the mail simulator, which runs with or without the world. */
  mailPort: number;
  /** Port of the simulated identity provider, which runs with or without the world. */
  identityPort: number;
  /** Forget all kept state first. */
  fresh: boolean;
  /** How much faster than real time engines age, faults come and repairs happen. */
  speed: number;
  world: boolean;
  /** Whether anybody may make a new fleet. */
  signUp: boolean;
  requestsPerMinute: number;
  stateFolder: string;
  /** Seconds between cron-driven syncs, derived from speed. */
  syncEverySeconds: number;
}

export class OptionError extends Error {}

/** Ports after --port that belong to the simulators. */
const neighbours = 3;

function wholeNumber(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new OptionError(`--${name} must be a whole number from ${min} to ${max}, not "${text}".`);
  }
  return value;
}

/** A quarter of an hour at speed 1; hurried with the world, but never so often that runs overlap. */
export const syncEverySeconds = (speed: number): number => Math.max(120, Math.round(900 / Math.max(1, speed)));

export const usage = `npm start -- [options]
  --port 8787        port of the dashboard and the API (the simulated portal, mailbox and identity provider take the next three)
  --fresh            forget everything kept in the state folder
  --speed 20         how much faster than real time trucks age, fail and get repaired
  --no-world         no simulated portal and no telemetry
  --sign-up          anybody may sign up with a new fleet
  --rate-limit 100   requests a minute for one user
  --state .truckiq   where data, secrets and logs are kept`;

/** Parses `argv` (without node and script); throws OptionError with a sentence for a person. */
export function parseStartOptions(argv: string[], root: string): StartOptions {
  let values;
  try {
    ({ values } = parseArgs({
      args: argv,
      allowNegative: true,
      options: {
        port: { type: 'string', default: '8787' },
        fresh: { type: 'boolean', default: false },
        speed: { type: 'string', default: '20' },
        world: { type: 'boolean', default: true },
        'sign-up': { type: 'boolean', default: false },
        'rate-limit': { type: 'string', default: '100' },
        state: { type: 'string', default: '.truckiq' },
        help: { type: 'boolean', default: false },
      },
    }));
  } catch (cause) {
    throw new OptionError(`${cause instanceof Error ? cause.message : String(cause)}\n\n${usage}`);
  }
  if (values.help) throw new OptionError(usage);
  const port = wholeNumber('port', values.port, 1, 65_535 - neighbours);
  const speed = Number(values.speed);
  if (!Number.isFinite(speed) || speed <= 0 || speed > 10_000) {
    throw new OptionError(`--speed must be a number above 0 and up to 10000, not "${values.speed}".`);
  }
  const stateFolder = resolve(root, values.state);
  if (stateFolder === root || root.startsWith(join(stateFolder, '/'))) {
    throw new OptionError('--state must be a folder of its own: --fresh empties it.');
  }
  return {
    port,
    worldPort: port + 1,
    mailPort: port + 2,
    identityPort: port + 3,
    fresh: values.fresh,
    speed,
    world: values.world,
    signUp: values['sign-up'],
    requestsPerMinute: wholeNumber('rate-limit', values['rate-limit'], 1, 1_000_000),
    stateFolder,
    syncEverySeconds: syncEverySeconds(speed),
  };
}
