/** Writes docs/permissions.md from docs/openapi.json and the table of roles; with --check compares instead. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { permissionsPage } from './permission-matrix.ts';

const docs = join(import.meta.dirname, '..', 'docs');
const file = join(docs, 'permissions.md');

const fail = (words: string): never => {
  console.error(words);
  process.exit(1);
};

function page(): string {
  try {
    return permissionsPage(JSON.parse(readFileSync(join(docs, 'openapi.json'), 'utf8')));
  } catch (cause) {
    return fail(cause instanceof Error ? cause.message : String(cause));
  }
}

function written(): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

const current = page();
if (!process.argv.includes('--check')) {
  writeFileSync(file, current);
  console.log('docs/permissions.md is written.');
} else if (written() !== current) {
  fail('docs/permissions.md no longer matches the API document and the roles. Run: npm run permissions');
}
