/** Components and what they are made of, in happy-dom; `vitest run --project web` from the repository's root. */
import path from 'node:path';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { svelteTesting } from '@testing-library/svelte/vite';
import { defineConfig } from 'vitest/config';
import { baseMap } from './base-map/base-map.ts';

export default defineConfig({
  root: import.meta.dirname,
  plugins: [baseMap, svelte({ configFile: false, compilerOptions: { runes: true } }), svelteTesting()],
  resolve: {
    // Addresses, and where one is and goes, are all that is asked of SvelteKit here; the router is tested end to end.
    alias: Object.fromEntries(
      ['paths', 'navigation', 'state'].map((name) => [
        `$app/${name}`,
        path.resolve(import.meta.dirname, `test/app-${name}.ts`),
      ]),
    ),
  },
  test: {
    name: 'web',
    environment: 'happy-dom',
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    restoreMocks: true,
  },
});
