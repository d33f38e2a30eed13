/**
 * Fails the build when a page becomes heavy: no chunk over 400 kB except the map's engine, and that one only where a page
 * asks for it while it runs, so that nobody pays for it who does not open a map.
 */
import type { Plugin } from 'vite';

const limitBytes = 400_000;
/** One module that cannot be cut; about 300 kB on the wire. */
const mapEngine = /node_modules\/maplibre-gl\/dist\/maplibre-gl\.mjs$/;

interface Chunk {
  fileName: string;
  code: string;
  isEntry: boolean;
  imports: string[];
  moduleIds: string[];
}

/** What is wrong with some chunks, in words; empty when nothing is. */
export function overBudget(chunks: readonly Chunk[]): string[] {
  const byName = new Map(chunks.map((chunk) => [chunk.fileName, chunk]));
  const loadedAtOnce = new Set<string>();
  const visit = (name: string): void => {
    if (loadedAtOnce.has(name)) return;
    loadedAtOnce.add(name);
    byName.get(name)?.imports.forEach(visit);
  };
  for (const { isEntry, fileName } of chunks) if (isEntry) visit(fileName);
  return chunks.flatMap(({ fileName, code, moduleIds }) => {
    const isMapEngine = moduleIds.some((id) => mapEngine.test(id));
    if (isMapEngine && loadedAtOnce.has(fileName)) return [`${fileName}: the map's engine is loaded with the app`];
    return !isMapEngine && code.length > limitBytes
      ? [`${fileName}: ${Math.round(code.length / 1000)} kB, ${limitBytes / 1000} are allowed`]
      : [];
  });
}

export const chunkBudget: Plugin = {
  name: 'chunk-budget',
  apply: 'build',
  applyToEnvironment: ({ name }) => name === 'client',
  generateBundle(_options, bundle) {
    const wrong = overBudget(Object.values(bundle).filter((output) => output.type === 'chunk'));
    if (wrong.length > 0) this.error(wrong.join('\n'));
  },
};
