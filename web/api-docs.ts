/** Puts Swagger UI among the static files: `/api/docs` shows the API without asking any other site for anything. */
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { Plugin } from 'vite';

const start = `SwaggerUIBundle({ url: '/api/openapi.json', dom_id: '#docs', deepLinking: true, validatorUrl: null });\n`;

export const apiDocs: Plugin = {
  name: 'api-docs',
  apply: 'build',
  buildStart() {
    const source = path.dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
    const target = path.resolve(import.meta.dirname, 'static', 'api-docs');
    mkdirSync(target, { recursive: true });
    for (const file of ['swagger-ui.css', 'swagger-ui-bundle.js']) {
      copyFileSync(path.join(source, file), path.join(target, file));
    }
    writeFileSync(path.join(target, 'start.js'), start);
  },
};
