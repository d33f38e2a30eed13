/**
 * The simulators as a process of their own:
 * node simulators/main.ts --port 8790 --api http://127.0.0.1:8787 --seed 1 --anchor 1763600000000 --speed 60 [--no-gateway]
 *   --stream (positions over a WebSocket instead of by POST)
 *   --keys .truckiq/gateway-keys.json (the gateway's API keys, by the name of the fleet)
 *   --mail-port 8791 --mail-folder .truckiq/mail [--no-world]
 *   --identity-port 8792 --identity-provider <id> (the product's own id of the provider that signs in here)
 *
 * Mail and identity provider always run; `--no-world` leaves out the world with its portal and gateway.
 * Prints one line when ready. Ends on SIGINT, SIGTERM, or when the parent that forked it goes away.
 */
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { demoClientAt } from './identity/demo-client.ts';
import { startIdentityProvider } from './identity/start.ts';
import { startMail } from './mail/start.ts';
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
  stream: z.boolean().default(false),
  keys: z.string().min(1).optional(),
  world: z.boolean().default(true),
  'mail-port': wholeNumber.pipe(z.number().max(65_535)).default(8791),
  'mail-folder': z.string().min(1).default('.truckiq/mail'),
  'identity-port': wholeNumber.pipe(z.number().max(65_535)).default(8792),
  'identity-provider': z.string().min(1).optional(),
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
      stream: { type: 'boolean' },
      keys: { type: 'string' },
      world: { type: 'boolean' },
      'mail-port': { type: 'string' },
      'mail-folder': { type: 'string' },
      'identity-port': { type: 'string' },
      'identity-provider': { type: 'string' },
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
  const log = (line: string): void => console.error(line);
  const mail = await startMail({ port: options['mail-port'], folder: options['mail-folder'], log });
  const identity = await startIdentityProvider({
    port: options['identity-port'],
    clients:
      options['identity-provider'] === undefined ? [] : [demoClientAt(options.api, options['identity-provider'])],
    log,
  });
  const world = options.world
    ? await startSimulators({
        portalPort: options.port,
        apiBaseUrl: options.api,
        seed: options.seed,
        anchorMs: options.anchor ?? Date.now(),
        speed: options.speed,
        gateway: options.gateway,
        streams: options.stream,
        keysFile: options.keys,
        requestsPerSecond: options['requests-per-second'],
        log,
      })
    : null;
  let isStopping = false;
  const stop = () => {
    if (isStopping) return;
    isStopping = true;
    void Promise.all([mail.stop(), identity.stop(), world?.stop()]).then(() => process.exit(0));
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  process.once('disconnect', stop);
  const portalUrl = world?.portalUrl ?? null;
  console.log(`simulators ready: mail ${mail.url}, identity provider ${identity.url}, portal ${portalUrl ?? 'none'}`);
  process.send?.({ kind: 'ready', portalUrl, mailUrl: mail.url });
} catch (error) {
  console.error(`simulators: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}
