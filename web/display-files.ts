/**
 * `virtual:display-files`: what the wall display's page may load, for its service worker to keep. Read from the manifest of the
 * browser's build, which is there before the worker's own build begins.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Plugin } from 'vite';

const name = 'virtual:display-files';
const kit = path.join(import.meta.dirname, '.svelte-kit');
const page = 'src/routes/display/+page.svelte';

interface ManifestChunk {
  file: string;
  src?: string;
  isEntry?: boolean;
  imports?: string[];
  dynamicImports?: string[];
  css?: string[];
  assets?: string[];
}
type Manifest = Record<string, ManifestChunk>;

/**
 * The files of `roots` and of everything that they import, at once or later. What `stops` names is entered, but what it
 * imports later is not followed: the list of all pages.
 */
export function filesOf(manifest: Manifest, roots: readonly string[], stops: readonly string[] = []): string[] {
  const files = new Set<string>();
  const seen = new Set<string>();
  const visit = (key: string): void => {
    const chunk = manifest[key];
    if (chunk === undefined || seen.has(key)) return;
    seen.add(key);
    for (const file of [chunk.file, ...(chunk.css ?? []), ...(chunk.assets ?? [])]) files.add(`/${file}`);
    chunk.imports?.forEach(visit);
    if (!stops.includes(key)) chunk.dynamicImports?.forEach(visit);
  };
  roots.forEach(visit);
  return [...files].sort();
}

async function displayFiles(): Promise<string[]> {
  const manifest = JSON.parse(await readFile(path.join(kit, 'output/client/.vite/manifest.json'), 'utf8')) as Manifest;
  const keys = Object.keys(manifest);
  const app = keys.find((key) => key.endsWith('/app.js'));
  const nodes: string[] = [];
  for (const key of keys.filter((one) => /\/nodes\/\d+\.js$/.test(one))) {
    const source = await readFile(path.join(import.meta.dirname, key), 'utf8');
    // The page itself, the root layout and the error page.
    if (source.includes(page) || /\/nodes\/[01]\.js$/.test(key)) nodes.push(key);
  }
  const entries = keys.filter((key) => manifest[key]?.isEntry === true && !/\/nodes\/\d+\.js$/.test(key));
  if (app === undefined || nodes.length !== 3) throw new Error(`display-files: ${page} was not found in the build`);
  return filesOf(manifest, [...entries, ...nodes], [app]);
}

export const displayFilesPlugin: Plugin = {
  name: 'display-files',
  resolveId: { filter: { id: /^virtual:display-files$/ }, handler: () => `\0${name}` },
  load: {
    filter: { id: /^\0virtual:display-files$/ },
    async handler() {
      const files = this.environment.mode === 'build' ? await displayFiles() : [];
      return `export default ${JSON.stringify(files)};`;
    },
  },
};
