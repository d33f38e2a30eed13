/** Connections to outside sources, and the runs that read them. */
import { z } from '@hono/zod-openapi';
import { createMiddleware } from 'hono/factory';
import { feedOf, idSchema, oneOf, pageOf, pageQueryShape } from '#contracts/primitives';
import {
  putSyncCredentialsInputSchema,
  startSyncRunInputSchema,
  syncCredentialsSchema,
  syncProviderSchema,
  syncRunListQuerySchema,
  syncRunSchema,
  syncStatusSchema,
  type PutSyncCredentialsInput,
  type SyncProvider,
} from '#contracts/sync';
import { configOf } from '../../env.ts';
import { readScopeOf, tenantScopeOf } from '../../http/authenticate.ts';
import { jsonBody } from '../../http/body.ts';
import type { AppContext, AppEnv } from '../../http/context.ts';
import { entityTag, requireMatch } from '../../http/entity-tag.ts';
import { AppError, notFound, unknownCursor } from '../../http/errors.ts';
import { idempotent } from '../../http/idempotency.ts';
import {
  answer,
  body,
  bodyErrors,
  errors,
  idParam,
  pageMeta,
  pageWindow,
  router,
  signedInErrors,
  signedInRoute,
  tenantQuerySchema,
} from '../../http/routes.ts';
import { ownTenantOnly, type ReadScope, type TenantScope } from '../../http/tenant-scope.ts';
import { refuseTarget, toBaseUrl } from '../../outbound/outbound-target.ts';
import { openVault } from '../../secrets/vault.ts';
import {
  deleteCredentials,
  getCredentials,
  listCredentials,
  putCredentials,
  secretsToRepeat,
  toProviderOption,
  type SyncCredentialsRow,
} from './credentials-store.ts';
import { toSyncCredentials, toSyncRun, toSyncStatus } from './present.ts';
import { chooseProvider } from './provider.ts';
import { getRun, listRuns, readLastOutcome, readSituation } from './runs-store.ts';
import { startRun } from './start-run.ts';

const tags = ['Sync'];
const defaultLimit = 20;

const ownScope = async (c: AppContext, tenantId?: string): Promise<TenantScope> =>
  ownTenantOnly(await tenantScopeOf(c, tenantId));

/** Runs to read: the own tenant's; the operator sees every tenant's, or one's. */
const runsScope = async (c: AppContext, tenantId?: string): Promise<ReadScope> =>
  c.get('caller').tenant === null ? readScopeOf(c, tenantId) : ownScope(c, tenantId);

/** An unknown provider is not found, like whatever else does not exist. */
const providerParam = z.object({ provider: z.string().max(40) });
function providerOf(name: string): SyncProvider {
  const parsed = syncProviderSchema.safeParse(name);
  if (!parsed.success) throw notFound('sync provider');
  return parsed.data;
}

/** What the path names is judged before the body is. */
const knownProvider = createMiddleware<AppEnv>(async (c, next) => {
  providerOf(c.req.param('provider') ?? '');
  await next();
});

async function presented(c: AppContext, scope: TenantScope, row: SyncCredentialsRow) {
  return toSyncCredentials(row, await readLastOutcome(scope, c.get('db'), row.provider));
}

function checkedBaseUrl(c: AppContext, baseUrl: string | undefined): string | undefined {
  if (baseUrl === undefined) return undefined;
  const refusal = refuseTarget(baseUrl, { allowLocal: configOf(c.env).allowLocalTargets });
  if (refusal === null) return toBaseUrl(baseUrl);
  throw new AppError('VALIDATION_FAILED', `baseUrl: ${refusal}.`, {
    details: { issues: [{ path: 'baseUrl', message: refusal }] },
  });
}

/** Secrets were given for one place: nobody may send them to another by changing the address alone. */
function requireSecretsForNewPlace(known: SyncCredentialsRow | null, input: PutSyncCredentialsInput): void {
  const missing = known === null ? [] : secretsToRepeat(known, input);
  if (missing.length === 0) return;
  throw new AppError('VALIDATION_FAILED', `${missing.join(', ')}: give it again when the address changes.`, {
    details: { issues: missing.map((path) => ({ path, message: 'must be given again when the address changes' })) },
  });
}

export const syncRoutes = router()
  .openapi(
    signedInRoute(
      { permission: 'sync:read' },
      {
        method: 'get',
        path: '/sync/credentials',
        tags,
        summary: 'The stored connections; secrets are never returned',
        request: { query: tenantQuerySchema.extend(pageQueryShape) },
        responses: {
          200: answer(pageOf(syncCredentialsSchema), 'The page'),
          ...errors(...signedInErrors, 'NOT_FOUND'),
        },
      },
    ),
    async (c) => {
      const query = c.req.valid('query');
      const scope = await ownScope(c, query.tenantId);
      const { limit, offset } = pageWindow(query);
      // At most one a provider.
      const rows = await listCredentials(scope, c.get('db'));
      const data = await Promise.all(rows.slice(offset, offset + limit).map((row) => presented(c, scope, row)));
      return c.json({ data, meta: pageMeta(query, rows.length) }, 200);
    },
  )
  .openapi(
    signedInRoute(
      { permission: 'sync:read' },
      {
        method: 'get',
        path: '/sync/credentials/{provider}',
        tags,
        summary: 'One stored connection',
        middleware: [entityTag()],
        request: { params: providerParam, query: tenantQuerySchema },
        responses: {
          200: answer(oneOf(syncCredentialsSchema), 'The connection'),
          ...errors(...signedInErrors, 'NOT_FOUND'),
        },
      },
    ),
    async (c) => {
      const scope = await ownScope(c, c.req.valid('query').tenantId);
      const row = await getCredentials(scope, c.get('db'), providerOf(c.req.valid('param').provider));
      if (row === null) throw notFound('connection');
      return c.json({ data: await presented(c, scope, row) }, 200);
    },
  )
  .openapi(
    signedInRoute(
      { permission: 'sync:manage' },
      {
        method: 'put',
        path: '/sync/credentials/{provider}',
        tags,
        summary: 'Store a connection; what is not mentioned is kept',
        middleware: [knownProvider, jsonBody()],
        request: { params: providerParam, query: tenantQuerySchema, body: body(putSyncCredentialsInputSchema) },
        responses: {
          200: answer(oneOf(syncCredentialsSchema), 'The connection as it is stored'),
          ...errors(...signedInErrors, 'NOT_FOUND', 'PRECONDITION_FAILED', ...bodyErrors),
        },
      },
    ),
    async (c) => {
      const scope = await ownScope(c, c.req.valid('query').tenantId);
      const provider = providerOf(c.req.valid('param').provider);
      const input = c.req.valid('json');
      const baseUrl = checkedBaseUrl(c, input.baseUrl);
      const db = c.get('db');
      const known = await getCredentials(scope, db, provider);
      if (known !== null) await requireMatch(c, await presented(c, scope, known));
      requireSecretsForNewPlace(known, { ...input, baseUrl });
      const vault = await openVault(db, configOf(c.env), scope.tenantId);
      const nowIso = c.get('now').toISOString();
      const row = await putCredentials(scope, db, vault, provider, { ...input, baseUrl }, nowIso, c.get('audit'));
      return c.json({ data: await presented(c, scope, row) }, 200);
    },
  )
  .openapi(
    signedInRoute(
      { permission: 'sync:manage' },
      {
        method: 'delete',
        path: '/sync/credentials/{provider}',
        tags,
        summary: 'Forget a connection and its secrets',
        request: { params: providerParam, query: tenantQuerySchema },
        responses: { 204: { description: 'Forgotten' }, ...errors(...signedInErrors, 'NOT_FOUND') },
      },
    ),
    async (c) => {
      const scope = await ownScope(c, c.req.valid('query').tenantId);
      const provider = providerOf(c.req.valid('param').provider);
      const found = await deleteCredentials(scope, c.get('db'), provider, c.get('audit'));
      if (!found) throw notFound('connection');
      return c.body(null, 204);
    },
  )
  .openapi(
    signedInRoute(
      { permission: 'sync:manage' },
      {
        method: 'post',
        path: '/sync/runs',
        tags,
        summary: 'Start a run now',
        middleware: [jsonBody(), idempotent],
        request: { query: tenantQuerySchema, body: body(startSyncRunInputSchema, false) },
        responses: {
          202: answer(oneOf(z.object({ id: idSchema })), 'The run is on its way'),
          ...errors(
            ...signedInErrors,
            'NOT_FOUND',
            'CONFLICT',
            'INVALID_JSON',
            'IDEMPOTENCY_MISMATCH',
            'PAYLOAD_TOO_LARGE',
            'UNSUPPORTED_MEDIA_TYPE',
          ),
        },
      },
    ),
    async (c) => {
      const scope = await ownScope(c, c.req.valid('query').tenantId);
      const db = c.get('db');
      const options = (await listCredentials(scope, db)).map(toProviderOption);
      const choice = chooseProvider(options, c.req.valid('json').provider);
      if (choice.kind === 'none') throw new AppError('CONFLICT', choice.reason);
      const { created, row } = await startRun(scope, c.env, db, {
        provider: choice.provider,
        trigger: 'manual',
        nowIso: c.get('now').toISOString(),
        trail: c.get('audit'),
      });
      if (!created) {
        throw new AppError('CONFLICT', 'A run is already on its way.', { details: { id: row.id, status: row.status } });
      }
      return c.json({ data: { id: row.id } }, 202);
    },
  )
  .openapi(
    signedInRoute(
      { permission: 'sync:read' },
      {
        method: 'get',
        path: '/sync/runs',
        tags,
        summary: 'Runs, newest first',
        request: { query: syncRunListQuerySchema },
        responses: {
          200: answer(feedOf(syncRunSchema), 'A part of the log'),
          ...errors(...signedInErrors, 'NOT_FOUND'),
        },
      },
    ),
    async (c) => {
      const { tenantId, cursor, limit = defaultLimit } = c.req.valid('query');
      const page = await listRuns(await runsScope(c, tenantId), c.get('db'), { cursor, limit });
      if (page === null) {
        throw unknownCursor();
      }
      return c.json({ data: page.rows.map(toSyncRun), meta: { nextCursor: page.nextCursor } }, 200);
    },
  )
  .openapi(
    signedInRoute(
      { permission: 'sync:read' },
      {
        method: 'get',
        path: '/sync/runs/{id}',
        tags,
        summary: 'One run',
        middleware: [entityTag()],
        request: { params: idParam, query: tenantQuerySchema },
        responses: { 200: answer(oneOf(syncRunSchema), 'The run'), ...errors(...signedInErrors, 'NOT_FOUND') },
      },
    ),
    async (c) => {
      const scope = await runsScope(c, c.req.valid('query').tenantId);
      const row = await getRun(scope, c.get('db'), c.req.valid('param').id);
      if (row === null) throw notFound('sync run');
      return c.json({ data: toSyncRun(row) }, 200);
    },
  )
  .openapi(
    signedInRoute(
      { permission: 'sync:read' },
      {
        method: 'get',
        path: '/sync/status',
        tags,
        summary: 'How fresh the data is',
        request: { query: tenantQuerySchema },
        responses: { 200: answer(oneOf(syncStatusSchema), 'The status'), ...errors(...signedInErrors, 'NOT_FOUND') },
      },
    ),
    async (c) => {
      const scope = await ownScope(c, c.req.valid('query').tenantId);
      const db = c.get('db');
      const now = c.get('now');
      const choice = chooseProvider((await listCredentials(scope, db)).map(toProviderOption));
      const situation = await readSituation(scope, db, now.toISOString());
      const provider = choice.kind === 'chosen' ? choice.provider : null;
      return c.json({ data: toSyncStatus(scope.tenantId, provider, situation, now.getTime()) }, 200);
    },
  );
