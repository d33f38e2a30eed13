/** Keys for machines, managed by people: made, rotated with an overlap, revoked. The secret is in one answer only. */
import {
  apiKeyListQuerySchema,
  apiKeyQuerySchema,
  apiKeySchema,
  createApiKeyInputSchema,
  issuedApiKeySchema,
  rotateApiKeyInputSchema,
} from '#contracts/api-keys';
import { oneOf, pageOf } from '#contracts/primitives';
import { firstLacking } from '#contracts/roles';
import { readScopeOf, tenantScopeOf } from '../../http/authenticate.ts';
import { jsonBody } from '../../http/body.ts';
import type { AppContext } from '../../http/context.ts';
import { entityTag } from '../../http/entity-tag.ts';
import { AppError, notFound } from '../../http/errors.ts';
import { idempotent } from '../../http/idempotency.ts';
import { pathResource } from '../../http/path-resource.ts';
import {
  answer,
  body,
  bodyErrors,
  errors,
  idParam,
  pageMeta,
  router,
  signedInErrors,
  signedInRoute,
} from '../../http/routes.ts';
import { actingIn, ownTenantOnly, type ReadScope } from '../../http/tenant-scope.ts';
import { closeSockets } from '../auth/revocation.ts';
import { toApiKey } from './present.ts';
import { judgeInput, maxKeysPerTenant } from './rules.ts';
import { createApiKey, getApiKey, listApiKeys, revokeApiKey, rotateApiKey } from './store.ts';

const tags = ['API keys'];
const access = { permission: 'settings:manage', callers: 'people' } as const;

/** Keys are their tenant's own affair: links open none. The operator sees every tenant's, or one's. */
const keysScope = async (c: AppContext, tenantId?: string): Promise<ReadScope> =>
  c.get('caller').tenant === null ? readScopeOf(c, tenantId) : ownTenantOnly(await tenantScopeOf(c, tenantId));

const keyInPath = pathResource(async (c, id) => {
  const scope = await keysScope(c, c.req.query('tenantId'));
  const row = await getApiKey(scope, c.get('db'), id);
  const acting = row === null ? null : actingIn(scope, row.tenantId);
  if (row === null || acting === null) throw notFound('API key');
  return { row, acting };
});

const creationErrors = [...bodyErrors, 'CONFLICT', 'IDEMPOTENCY_MISMATCH'] as const;

export const apiKeyRoutes = router()
  .openapi(
    signedInRoute(access, {
      method: 'get',
      path: '/api-keys',
      tags,
      summary: 'A page of keys, newest first; their secrets are never shown again',
      request: { query: apiKeyListQuerySchema },
      responses: { 200: answer(pageOf(apiKeySchema), 'The page'), ...errors(...signedInErrors, 'NOT_FOUND') },
    }),
    async (c) => {
      const query = c.req.valid('query');
      const { rows, total } = await listApiKeys(await keysScope(c, query.tenantId), c.get('db'), query);
      return c.json({ data: rows.map((row) => toApiKey(row, c.get('now'))), meta: pageMeta(query, total) }, 200);
    },
  )
  .openapi(
    signedInRoute(access, {
      method: 'post',
      path: '/api-keys',
      tags,
      summary: 'Make a key; the answer is the only place that shows it',
      middleware: [jsonBody(), idempotent],
      request: { query: apiKeyQuerySchema, body: body(createApiKeyInputSchema) },
      responses: {
        201: answer(oneOf(issuedApiKeySchema), 'The key'),
        ...errors(...signedInErrors, 'NOT_FOUND', ...creationErrors),
      },
    }),
    async (c) => {
      const now = c.get('now');
      const input = c.req.valid('json');
      const scope = ownTenantOnly(await tenantScopeOf(c, c.req.valid('query').tenantId));
      const judged = judgeInput(input, now);
      if ('issues' in judged) {
        const [first] = judged.issues;
        throw new AppError('VALIDATION_FAILED', `${first?.path ?? ''}: ${first?.message ?? 'is not valid'}.`, {
          details: { issues: judged.issues },
        });
      }
      const { id: createdBy, permissions } = c.get('caller');
      const required = firstLacking(permissions, judged.key.scopes);
      if (required !== null) {
        throw new AppError('FORBIDDEN', `A key may do no more than whoever makes it: you lack ${required}.`, {
          details: { required },
        });
      }
      const { name, requestsPerMinute = null } = input;
      const fields = { ...judged.key, name, requestsPerMinute, createdBy };
      const made = await createApiKey(scope, c.get('db'), c.get('audit'), fields, now);
      if (made === null) {
        throw new AppError('CONFLICT', `There are ${maxKeysPerTenant} keys already: revoke one that is not needed.`);
      }
      return c.json({ data: { ...toApiKey(made.row, now), key: made.key } }, 201);
    },
  )
  .openapi(
    signedInRoute(access, {
      method: 'get',
      path: '/api-keys/{id}',
      tags,
      summary: 'One key',
      middleware: [entityTag(), keyInPath.middleware],
      request: { params: idParam, query: apiKeyQuerySchema },
      responses: { 200: answer(oneOf(apiKeySchema), 'The key'), ...errors(...signedInErrors, 'NOT_FOUND') },
    }),
    (c) => c.json({ data: toApiKey(keyInPath.of(c).row, c.get('now')) }, 200),
  )
  .openapi(
    signedInRoute(access, {
      method: 'post',
      path: '/api-keys/{id}/rotate',
      tags,
      summary: 'Give a key a new secret; the one before it works on for a while',
      middleware: [keyInPath.middleware, jsonBody(), idempotent],
      request: { params: idParam, query: apiKeyQuerySchema, body: body(rotateApiKeyInputSchema, false) },
      responses: {
        201: answer(oneOf(issuedApiKeySchema), 'The key with its new secret'),
        ...errors(...signedInErrors, 'NOT_FOUND', ...creationErrors),
      },
    }),
    async (c) => {
      const now = c.get('now');
      const { row, acting } = keyInPath.of(c);
      // A body that is left out is not judged, so its default is applied here.
      const { overlapHours } = rotateApiKeyInputSchema.parse(c.req.valid('json'));
      const rotated = await rotateApiKey(acting, c.get('db'), c.get('audit'), row, overlapHours, now);
      if (rotated === null) throw notFound('API key');
      // What it streams was opened with the secret before: it opens again, with either.
      await closeSockets(c.env, acting.tenantId, { outdated: [{ userId: row.id, accessAsOf: now.toISOString() }] });
      return c.json({ data: { ...toApiKey(rotated.row, now), key: rotated.key } }, 201);
    },
  )
  .openapi(
    signedInRoute(access, {
      method: 'delete',
      path: '/api-keys/{id}',
      tags,
      summary: 'Revoke a key: its next request is refused',
      middleware: [keyInPath.middleware],
      request: { params: idParam, query: apiKeyQuerySchema },
      responses: { 204: { description: 'Revoked' }, ...errors(...signedInErrors, 'NOT_FOUND') },
    }),
    async (c) => {
      const { row, acting } = keyInPath.of(c);
      const isRevoked = await revokeApiKey(acting, c.get('db'), c.get('audit'), row, c.get('now'));
      if (!isRevoked) throw notFound('API key');
      await closeSockets(c.env, acting.tenantId, { userIds: [row.id], endedSessionIds: [row.id] });
      return c.body(null, 204);
    },
  );
