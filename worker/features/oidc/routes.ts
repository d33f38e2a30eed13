/** The identity providers of a tenant: entered, changed, tried and removed by whoever manages its settings. */
import { z } from '@hono/zod-openapi';
import {
  createOidcProviderInputSchema,
  oidcProviderSchema,
  oidcTestSchema,
  updateOidcProviderInputSchema,
  verifyOidcDomainInputSchema,
  type CreateOidcProviderInput,
} from '#contracts/oidc';
import { oneOf, pageOf, pageQueryShape } from '#contracts/primitives';
import type { Role } from '#contracts/roles';
import { configOf } from '../../env.ts';
import { readScopeOf, tenantScopeOf } from '../../http/authenticate.ts';
import { jsonBody } from '../../http/body.ts';
import type { AppContext } from '../../http/context.ts';
import { entityTag, requireMatch } from '../../http/entity-tag.ts';
import { AppError, notFound } from '../../http/errors.ts';
import { idempotent } from '../../http/idempotency.ts';
import { canonicalEntry } from '../../http/ip-allow-list.ts';
import { pathResource } from '../../http/path-resource.ts';
import {
  answer,
  body,
  bodyErrors,
  errors,
  idParam,
  noQuery,
  pageMeta,
  router,
  signedInErrors,
  signedInRoute,
  tenantQuerySchema,
} from '../../http/routes.ts';
import { actingIn, ownTenantOnly, type TenantScope } from '../../http/tenant-scope.ts';
import { refuseTarget } from '../../outbound/outbound-target.ts';
import { openVault } from '../../secrets/vault.ts';
import { checkProvider } from './check-provider.ts';
import { lookForProof } from './domains.ts';
import { toOidcProvider } from './present.ts';
import { entraIssuer, refuseDefaultRole } from './rules.ts';
import {
  createProvider,
  deleteProvider,
  domainAction,
  getProvider,
  listProviders,
  readTenantKind,
  updateProvider,
  verifyDomain,
  type OidcProviderRow,
} from './store.ts';

const tags = ['Identity providers'];
const access = { permission: 'settings:manage', callers: 'people' } as const;
const ownScope = async (c: AppContext, tenantId?: string): Promise<TenantScope> =>
  ownTenantOnly(await tenantScopeOf(c, tenantId));

/** The provider in the path, with the scope to change it. */
const providerInPath = pathResource(async (c, id) => {
  const scope = c.get('caller').tenant === null ? await readScopeOf(c) : await ownScope(c);
  const provider = await getProvider(scope, c.get('db'), id);
  const acting = provider === null ? null : actingIn(scope, provider.tenantId);
  if (provider === null || acting === null) throw notFound('identity provider');
  return { provider, acting };
});

/** One of the provider's domains; any other is unknown, whoever's it is. */
const domainInPath = pathResource(async (c) => {
  const domain = c.req.param('domain')?.toLowerCase() ?? '';
  if (!providerInPath.of(c).provider.allowedDomains.includes(domain)) throw notFound('domain');
  return domain;
});

const presented = (c: AppContext, row: OidcProviderRow) => toOidcProvider(row, configOf(c.env));

const refuseField = (path: string, message: string): AppError =>
  new AppError('VALIDATION_FAILED', `${path}: ${message}.`, { details: { issues: [{ path, message }] } });

/** The issuer that the input means: Entra's follows from the directory, any other is an address that we may call. */
function checkedIssuer(c: AppContext, { preset, issuer, directoryId }: CreateOidcProviderInput): string {
  if (preset === 'entra') {
    if (issuer !== undefined) throw refuseField('issuer', 'follows from directoryId with the preset "entra"');
    if (directoryId === undefined) throw refuseField('directoryId', 'is needed with the preset "entra"');
    return entraIssuer(directoryId);
  }
  if (directoryId !== undefined) throw refuseField('directoryId', 'belongs to the preset "entra"');
  if (issuer === undefined) throw refuseField('issuer', 'is needed');
  const refusal = refuseTarget(issuer, { allowLocal: configOf(c.env).allowLocalTargets });
  if (refusal !== null) throw refuseField('issuer', refusal);
  const { search, hash } = new URL(issuer);
  if (search !== '' || hash !== '') throw refuseField('issuer', 'must have neither query nor fragment');
  return issuer;
}

/** Every entry in one spelling, once. */
function checkedAllowList(list: readonly string[] | null): string[] | null {
  if (list === null) return null;
  const entries = list.map((entry, at) => {
    const canonical = canonicalEntry(entry);
    if (canonical !== null) return canonical;
    throw refuseField(`logoutIpAllowList.${at}`, `"${entry}" is neither an IP address nor a CIDR block`);
  });
  return [...new Set(entries)];
}

async function requireDefaultRole(c: AppContext, scope: TenantScope, role: Role | null | undefined): Promise<void> {
  const kind = await readTenantKind(scope, c.get('db'));
  const refusal = refuseDefaultRole(role, kind, c.get('caller').permissions);
  if (refusal?.kind === 'not_here') throw refuseField('defaultRole', `is no role of a ${kind}`);
  if (refusal?.kind === 'more_than_held') {
    throw new AppError('FORBIDDEN', 'Nobody hands out more than they hold.', {
      details: { required: refusal.missing },
    });
  }
}

const writing = async (c: AppContext, scope: TenantScope) => ({
  vault: await openVault(c.get('db'), configOf(c.env), scope.tenantId),
  trail: c.get('audit'),
  nowIso: c.get('now').toISOString(),
});

/** Why a domain is not proven, for a person. */
const unproven = {
  missing: () =>
    new AppError('CONFLICT', 'The record is not there yet. DNS can take an hour to show a change; try again then.'),
  taken: () =>
    new AppError('CONFLICT', 'This domain has been proven by another organisation. Ask the operator if it is yours.'),
  unavailable: () =>
    new AppError('UPSTREAM_FAILED', 'The domain’s records cannot be read right now. Try again in a moment.'),
};

/** Takes a domain for proven by its record, or by the operator's word; throws why not, which the log keeps. */
async function proveDomain(
  c: AppContext,
  scope: TenantScope,
  { id, domain, isApproved }: { id: string; domain: string; isApproved: boolean },
): Promise<OidcProviderRow> {
  const [db, trail] = [c.get('db'), c.get('audit')];
  const proof = isApproved ? 'proven' : await lookForProof(configOf(c.env), scope.tenantId, domain);
  const by = isApproved ? 'operator' : 'dns';
  const result =
    proof === 'proven' ? await verifyDomain(scope, db, trail, { id, domain, by }, c.get('now').toISOString()) : proof;
  if (result === null) throw notFound('domain');
  if (typeof result === 'object') return result;
  await trail.record(db, { ...domainAction(scope, id, { domain, by, why: result }), outcome: 'failed' });
  throw unproven[result]();
}

export const oidcProviderRoutes = router()
  .openapi(
    signedInRoute(access, {
      method: 'get',
      path: '/oidc-providers',
      tags,
      summary: 'The identity providers people of this tenant may sign in with',
      request: { query: tenantQuerySchema.extend(pageQueryShape) },
      responses: { 200: answer(pageOf(oidcProviderSchema), 'The page'), ...errors(...signedInErrors, 'NOT_FOUND') },
    }),
    async (c) => {
      const query = c.req.valid('query');
      const { rows, total } = await listProviders(await ownScope(c, query.tenantId), c.get('db'), query);
      return c.json(
        { data: await Promise.all(rows.map((row) => presented(c, row))), meta: pageMeta(query, total) },
        200,
      );
    },
  )
  .openapi(
    signedInRoute(access, {
      method: 'post',
      path: '/oidc-providers',
      tags,
      summary: 'Enter an identity provider',
      middleware: [jsonBody(), idempotent],
      request: { query: tenantQuerySchema, body: body(createOidcProviderInputSchema) },
      responses: {
        201: answer(oneOf(oidcProviderSchema), 'The provider, with the addresses to register there'),
        ...errors(...signedInErrors, ...bodyErrors, 'NOT_FOUND', 'CONFLICT', 'IDEMPOTENCY_MISMATCH'),
      },
    }),
    async (c) => {
      const scope = await ownScope(c, c.req.valid('query').tenantId);
      const input = c.req.valid('json');
      const issuer = checkedIssuer(c, input);
      await requireDefaultRole(c, scope, input.defaultRole);
      const { directoryId: _directoryId, ...rest } = input;
      const allowedDomains = [...new Set(input.allowedDomains)];
      const logoutIpAllowList = checkedAllowList(input.logoutIpAllowList);
      const fields = { ...rest, clientSecret: input.clientSecret, issuer, allowedDomains, logoutIpAllowList };
      const row = await createProvider(scope, c.get('db'), await writing(c, scope), fields);
      return c.json({ data: await presented(c, row) }, 201);
    },
  )
  .openapi(
    signedInRoute(access, {
      method: 'get',
      path: '/oidc-providers/{id}',
      tags,
      summary: 'One identity provider; its client secret is never returned',
      middleware: [entityTag(), providerInPath.middleware],
      request: { params: idParam, query: noQuery },
      responses: { 200: answer(oneOf(oidcProviderSchema), 'The provider'), ...errors(...signedInErrors, 'NOT_FOUND') },
    }),
    async (c) => c.json({ data: await presented(c, providerInPath.of(c).provider) }, 200),
  )
  .openapi(
    signedInRoute(access, {
      method: 'patch',
      path: '/oidc-providers/{id}',
      tags,
      summary: 'Change an identity provider; what is not mentioned is kept',
      middleware: [providerInPath.middleware, jsonBody()],
      request: { params: idParam, query: noQuery, body: body(updateOidcProviderInputSchema) },
      responses: {
        200: answer(oneOf(oidcProviderSchema), 'The provider as it is now'),
        ...errors(...signedInErrors, ...bodyErrors, 'NOT_FOUND', 'PRECONDITION_FAILED'),
      },
    }),
    async (c) => {
      const { provider, acting } = providerInPath.of(c);
      await requireMatch(c, await presented(c, provider));
      const { allowedDomains, logoutIpAllowList, ...input } = c.req.valid('json');
      await requireDefaultRole(c, acting, input.defaultRole);
      const changes = {
        ...input,
        ...(allowedDomains && { allowedDomains: [...new Set(allowedDomains)] }),
        ...(logoutIpAllowList !== undefined && { logoutIpAllowList: checkedAllowList(logoutIpAllowList) }),
      };
      const row = await updateProvider(acting, c.get('db'), await writing(c, acting), provider, changes);
      if (row === null) throw notFound('identity provider');
      return c.json({ data: await presented(c, row) }, 200);
    },
  )
  .openapi(
    signedInRoute(access, {
      method: 'delete',
      path: '/oidc-providers/{id}',
      tags,
      summary: 'Remove an identity provider; who is signed in stays so',
      middleware: [providerInPath.middleware],
      request: { params: idParam, query: noQuery },
      responses: {
        204: { description: 'Removed' },
        ...errors(...signedInErrors, 'NOT_FOUND', 'PRECONDITION_FAILED'),
      },
    }),
    async (c) => {
      const { provider, acting } = providerInPath.of(c);
      await requireMatch(c, await presented(c, provider));
      const removed = await deleteProvider(acting, c.get('db'), c.get('audit'), provider);
      if (!removed) throw notFound('identity provider');
      return c.body(null, 204);
    },
  )
  .openapi(
    signedInRoute(access, {
      method: 'post',
      path: '/oidc-providers/{id}/test',
      tags,
      summary: 'Look at a provider the way a sign-in would',
      middleware: [providerInPath.middleware],
      request: { params: idParam, query: noQuery },
      responses: {
        200: answer(oneOf(oidcTestSchema), 'What was looked at, up to the first that failed'),
        ...errors(...signedInErrors, 'NOT_FOUND'),
      },
    }),
    async (c) => {
      const { issuer } = providerInPath.of(c).provider;
      return c.json({ data: await checkProvider(issuer, { allowLocal: configOf(c.env).allowLocalTargets }) }, 200);
    },
  )
  .openapi(
    signedInRoute(access, {
      method: 'post',
      path: '/oidc-providers/{id}/domains/{domain}/verify',
      tags,
      summary: 'Look for the record that proves a domain; the operator may approve it without',
      middleware: [providerInPath.middleware, domainInPath.middleware, jsonBody()],
      request: {
        params: idParam.extend({ domain: z.string() }),
        query: tenantQuerySchema,
        body: body(verifyOidcDomainInputSchema, false),
      },
      responses: {
        200: answer(oneOf(oidcProviderSchema), 'The provider as it is now, the domain proven'),
        ...errors(...signedInErrors, ...bodyErrors, 'NOT_FOUND', 'CONFLICT', 'UPSTREAM_FAILED'),
      },
    }),
    async (c) => {
      const { provider, acting } = providerInPath.of(c);
      const { tenantId = provider.tenantId } = c.req.valid('query');
      if (tenantId !== provider.tenantId) throw notFound('identity provider');
      const domain = domainInPath.of(c);
      const isApproved = c.req.valid('json').approve === true;
      if (isApproved && !c.get('caller').permissions.includes('admin:manage')) {
        throw new AppError('FORBIDDEN', 'Only the operator approves a domain without a record.', {
          details: { required: 'admin:manage' },
        });
      }
      const isProven = provider.proofs[domain] !== undefined;
      const row = isProven ? provider : await proveDomain(c, acting, { id: provider.id, domain, isApproved });
      return c.json({ data: await presented(c, row) }, 200);
    },
  );
