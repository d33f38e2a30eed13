/** Components and what they are made of, in happy-dom; `vitest run --project web` from the repository's root. */
import path from 'node:path';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { svelteTesting } from '@testing-library/svelte/vite';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: import.meta.dirname,
  plugins: [svelte({ configFile: false, compilerOptions: { runes: true } }), svelteTesting()],
  resolve: {
    // Only addresses are asked of SvelteKit by what is tested here; the router itself is tested end to end.
    alias: { '$app/paths': path.resolve(import.meta.dirname, 'test/app-paths.ts') },
  },
  test: {
    name: 'web',
    environment: 'happy-dom',
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    restoreMocks: true,
  },
});
