/** `*.workers.test.ts` run inside workerd with real D1, Durable Objects, queues and workflows. */
import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-plugin';
import { defineConfig } from 'vitest/config';
import { closedMailProvider } from './test/workers/closed-mail-provider.ts';
import { nameServer } from './test/workers/name-server.ts';
import { testSecrets } from './test/secrets.ts';

export default defineConfig(async () => {
  const migrations = await readD1Migrations('./migrations');
  return {
    plugins: [
      cloudflareTest({
        wrangler: { configPath: './wrangler.toml' },
        miniflare: {
          bindings: {
            TEST_MIGRATIONS: migrations,
            ENVIRONMENT: 'development',
            ALLOW_LOCAL_TARGETS: 'true',
            PUBLIC_URL: 'http://truckiq.test',
            SIGN_UP: 'true',
            MAIL_API_URL: await closedMailProvider(),
            DNS_API_URL: await nameServer(),
            ...testSecrets,
          },
        },
      }),
    ],
    test: {
      name: 'workers',
      // What is slow here is a busy machine, not the code: a test that hangs is still found.
      testTimeout: 20_000,
      include: ['{durable-objects,worker,test}/**/*.workers.test.ts'],
      globalSetup: ['./test/workers/start-identity-provider.ts'],
      setupFiles: ['./test/workers/apply-migrations.ts'],
      // itty-durable ships bare ESM imports that only the optimizer resolves inside workerd.
      deps: { optimizer: { ssr: { enabled: true, include: ['itty-durable'] } } },
    },
  };
});
