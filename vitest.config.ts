/** Three projects: pure logic in Node, the Worker inside workerd, Svelte components. End-to-end runs on its own config. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
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
