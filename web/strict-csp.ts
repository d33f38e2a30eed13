/**
 * Makes the built page fit a policy of `script-src 'self'; style-src 'self'`, with no hash that changes with every build:
 * SvelteKit's start script moves to a file of its own, and its one inline style becomes a class.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Adapter } from '@sveltejs/kit';
import type { Plugin } from 'vite';

const inlineScript = /<script>([\s\S]*?)<\/script>/g;

/** Wraps `adapter`; `pagesDirectory` is where it writes `fallback`. Fails the build when an inline script is left. */
export function withoutInlineScripts(adapter: Adapter, pagesDirectory: string, fallback: string): Adapter {
  return {
    ...adapter,
    async adapt(builder) {
      await adapter.adapt(builder);
      const page = path.join(pagesDirectory, fallback);
      const html = await readFile(page, 'utf8');
      const files: { name: string; body: string }[] = [];
      const moved = html.replace(inlineScript, (_whole, body: string) => {
        const name = `_app/immutable/start.${createHash('sha256').update(body).digest('base64url').slice(0, 10)}.js`;
        files.push({ name, body: body.trim() });
        return `<script src="/${name}"></script>`;
      });
      if (files.length === 0 || /<script(?![^>]*\ssrc=)[^>]*>/.test(moved)) {
        throw new Error(
          `${fallback}: expected every script to be movable to a file; look at what SvelteKit now writes`,
        );
      }
      for (const file of files) {
        const target = path.join(pagesDirectory, file.name);
        await mkdir(path.dirname(target), { recursive: true });
        await writeFile(target, `${file.body}\n`);
      }
      await writeFile(page, moved);
      builder.log.minor(`Moved ${files.length} inline script out of ${fallback}`);
    },
  };
}

/** SvelteKit hides its route announcer with a style attribute, which the policy refuses; `sr-only` hides it as well. */
export const announcerWithoutInlineStyle: Plugin = {
  name: 'announcer-without-inline-style',
  enforce: 'pre',
  transform: {
    filter: { id: /kit\/src\/runtime\/components\/root\.svelte$/ },
    handler(code) {
      const changed = code.replace(/(id="svelte-announcer"[^>]*?)\sstyle="[^"]*"/, '$1 class="sr-only"');
      if (changed === code && code.includes('style=')) {
        throw new Error('root.svelte: the announcer no longer looks as expected; its inline style would be refused');
      }
      return { code: changed, map: null };
    },
  },
};
