/**
 * Builds the dashboard: a single-page app in `web/build`, served by the Worker's static assets.
 * `vite build web` from the repository's root does it.
 */
import path from 'node:path';
import adapterStatic from '@sveltejs/adapter-static';
import { sveltekit } from '@sveltejs/kit/vite';
import tailwindcss from '@tailwindcss/vite';
import { defineConfig } from 'vite';
import { apiDocs } from './api-docs.ts';
import { announcerWithoutInlineStyle, withoutInlineScripts } from './strict-csp.ts';

const pages = path.resolve(import.meta.dirname, 'build');
const fallback = 'index.html';

export default defineConfig({
  root: import.meta.dirname,
  plugins: [
    apiDocs,
    announcerWithoutInlineStyle,
    tailwindcss(),
    sveltekit({
      adapter: withoutInlineScripts(adapterStatic({ pages, fallback }), pages, fallback),
      compilerOptions: { runes: true },
      // Absolute addresses: one page answers for every path.
      paths: { relative: false },
      version: { pollInterval: 0 },
    }),
  ],
  build: { target: 'es2022', chunkSizeWarningLimit: 400 },
  server: { proxy: { '/api': { target: process.env['TRUCKIQ_API'] ?? 'http://localhost:8787', ws: true } } },
});
