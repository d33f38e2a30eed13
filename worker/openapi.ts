/** The OpenAPI document, made from the same schemas that validate; and the page that shows it. */
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { AppEnv } from './http/context.ts';

export const apiVersion = '0.1.0';

/** The document as `/api/openapi.json` serves it and docs/openapi.json holds it. */
export function openApiDocument(app: OpenAPIHono<AppEnv>) {
  return app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'TruckIQ',
      version: apiVersion,
      description:
        'Fleet intelligence for heavy trucks. JSON in and out, UTC RFC 3339 times, UUIDv7 ids, units in field names.',
    },
    servers: [{ url: '/' }],
  });
}

/** Swagger UI from our own static files; no request leaves the site. */
export const docsPage = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>TruckIQ API</title>
    <link rel="stylesheet" href="/api-docs/swagger-ui.css" />
  </head>
  <body>
    <div id="docs"></div>
    <script src="/api-docs/swagger-ui-bundle.js"></script>
    <script src="/api-docs/start.js"></script>
  </body>
</html>
`;
