/**
 * Writes docs/openapi.json from the routes and the client's types from it; with --check compares instead, so that
 * neither can drift from the code.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { dirname, join } from 'node:path';
import openapiTS, { astToString } from 'openapi-typescript';

const root = join(import.meta.dirname, '..');
const documentFile = join(root, 'docs', 'openapi.json');
const typesFile = join(root, 'web', 'src', 'lib', 'api', 'generated', 'schema.d.ts');

registerHooks({
  // The routes reach modules that exist only inside workerd; describing them needs none of what these do.
  resolve: (specifier, context, next) =>
    specifier.startsWith('cloudflare:') || specifier === '@cloudflare/puppeteer' || specifier === 'itty-durable'
      ? { url: `data:text/javascript,${encodeURIComponent(workerdStandIn)}`, shortCircuit: true }
      : next(specifier, context),
});
const workerdStandIn = `
  export class DurableObject {} export class WorkflowEntrypoint {} export class WorkerEntrypoint {}
  export const env = {}; export const createDurable = () => class {}; export const proxyDurable = () => ({});
  export default {};`;

const { createApp } = await import('#worker/app');
const { openApiDocument } = await import('#worker/openapi');

const documentText = `${JSON.stringify(openApiDocument(createApp()), null, 2)}\n`;
const typesText = `// Made from docs/openapi.json by \`npm run openapi\`. Do not edit.\n${astToString(
  await openapiTS(documentText),
)}`;

const read = (file: string): string => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
};

if (process.argv.includes('--check')) {
  const stale = [
    ...(read(documentFile) === documentText ? [] : ['docs/openapi.json']),
    ...(read(typesFile) === typesText ? [] : ['web/src/lib/api/generated/schema.d.ts']),
  ];
  if (stale.length > 0) {
    console.error(`${stale.join(' and ')} no longer match the routes. Run: npm run openapi`);
    process.exit(1);
  }
} else {
  mkdirSync(dirname(typesFile), { recursive: true });
  writeFileSync(documentFile, documentText);
  writeFileSync(typesFile, typesText);
  console.log('docs/openapi.json and the client types are written.');
}
