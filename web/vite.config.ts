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
import { baseMap } from './base-map/base-map.ts';
import { chunkBudget } from './chunk-budget.ts';
import { displayFilesPlugin } from './display-files.ts';
import { announcerWithoutInlineStyle, withoutInlineScripts } from './strict-csp.ts';

const pages = path.resolve(import.meta.dirname, 'build');
const fallback = 'index.html';

export default defineConfig({
  root: import.meta.dirname,
  plugins: [
    apiDocs,
    baseMap,
    chunkBudget,
    displayFilesPlugin,
    announcerWithoutInlineStyle,
    tailwindcss(),
    sveltekit({
      adapter: withoutInlineScripts(adapterStatic({ pages, fallback }), pages, fallback),
      compilerOptions: { runes: true },
      // Absolute addresses: one page answers for every path.
      paths: { relative: false },
      version: { pollInterval: 0 },
      // The wall display registers it, for itself alone.
      serviceWorker: { register: false },
    }),
  ],
  // The map's engine is the one chunk over 400 kB: chunk-budget.ts keeps the others below, and it out of every other page.
  build: { target: 'es2022', chunkSizeWarningLimit: 1200 },
  server: { proxy: { '/api': { target: process.env['TRUCKIQ_API'] ?? 'http://localhost:8787', ws: true } } },
});
