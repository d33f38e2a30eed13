/** End to end: the real start command on its own port and state folder, a real Chromium, the simulated world. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    name: 'e2e',
    include: ['test/e2e/**/*.e2e.ts'],
    globalSetup: ['test/e2e/start-platform.ts'],
    // One platform, one world: files take turns, in the order of their names.
    fileParallelism: false,
    sequence: { shuffle: false },
    testTimeout: 90_000,
    hookTimeout: 120_000,
  },
});
