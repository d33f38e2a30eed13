/** Three projects: pure logic in Node, the Worker inside workerd, Svelte components. End-to-end runs on its own config. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // A workflow or a waitUntil may outlive the file that started it; what it asks of a runner that has closed is no failure.
    onUnhandledError: (error) => error.name !== 'EnvironmentTeardownError',
    projects: [
      {
        test: {
          name: 'pure',
          environment: 'node',
          setupFiles: ['./test/pure/property-seed.ts'],
          include: ['{contracts,scoring,durable-objects,worker,simulators,scripts,bench,test}/**/*.test.ts'],
          exclude: ['**/*.workers.test.ts', 'test/e2e/**', 'node_modules/**'],
        },
      },
      './vitest.workers.config.ts',
      './web/vitest.config.ts',
    ],
  },
});
