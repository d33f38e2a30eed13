/**
 * The simulators as a process of their own:
 * node simulators/main.ts --port 8790 --api http://127.0.0.1:8787 --seed 1 --anchor 1763600000000 --speed 60 [--no-gateway]
 *
 * Prints one line when ready. Ends on SIGINT, SIGTERM, or when the parent that forked it goes away.
 */
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { startSimulators } from './start.ts';

const wholeNumber = z
  .string()
  .regex(/^\d{1,15}$/, 'must be a whole number')
  .transform(Number);
const argumentsSchema = z.object({
  port: wholeNumber.pipe(z.number().max(65_535)).default(8790),
  api: z
    .url()
    .transform((url) => url.replace(/\/+$/, ''))
    .default('http://127.0.0.1:8787'),
  seed: wholeNumber.default(1),
  anchor: wholeNumber.optional(),
  speed: z.coerce.number().positive().max(100_000).default(1),
  gateway: z.boolean().default(true),
  'requests-per-second': wholeNumber.pipe(z.number().min(1)).optional(),
});

function readArguments() {
  const { values } = parseArgs({
    options: {
      port: { type: 'string' },
      api: { type: 'string' },
      seed: { type: 'string' },
      anchor: { type: 'string' },
      speed: { type: 'string' },
      gateway: { type: 'boolean' },
      'requests-per-second': { type: 'string' },
    },
    allowNegative: true,
  });
  const parsed = argumentsSchema.safeParse(values);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `--${issue.path.join('.')} ${issue.message}`);
  throw new Error(problems.join('; '));
}

try {
  const options = readArguments();
  const simulators = await startSimulators({
    portalPort: options.port,
    apiBaseUrl: options.api,
    seed: options.seed,
    anchorMs: options.anchor ?? Date.now(),
    speed: options.speed,
    gateway: options.gateway,
    requestsPerSecond: options['requests-per-second'],
    log: (line) => console.error(line),
  });
  let isStopping = false;
  const stop = () => {
    if (isStopping) return;
    isStopping = true;
    void simulators.stop().then(() => process.exit(0));
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  process.once('disconnect', stop);
  console.log(`simulators ready: portal ${simulators.portalUrl}`);
  process.send?.({ kind: 'ready', portalUrl: simulators.portalUrl });
} catch (error) {
  console.error(`simulators: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}
