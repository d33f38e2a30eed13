/** `*.workers.test.ts` run inside workerd with real D1, Durable Objects, queues and workflows. */
import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-plugin';
import { defineConfig } from 'vitest/config';
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
            ...testSecrets,
          },
        },
      }),
    ],
    test: {
      name: 'workers',
      include: ['{durable-objects,worker,test}/**/*.workers.test.ts'],
      setupFiles: ['./test/workers/apply-migrations.ts'],
      // itty-durable ships bare ESM imports that only the optimizer resolves inside workerd.
      deps: { optimizer: { ssr: { enabled: true, include: ['itty-durable'] } } },
    },
  };
});
