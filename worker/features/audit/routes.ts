/** The audit log: reading it, and having it proven. */
import { auditEntrySchema, auditListQuerySchema, auditVerificationSchema } from '#contracts/audit';
import { feedOf, oneOf } from '#contracts/primitives';
import { chainEverything, chainPending } from '../../audit/chain.ts';
import { configOf } from '../../env.ts';
import { readScopeOf, tenantScopeOf } from '../../http/authenticate.ts';
import type { AppContext } from '../../http/context.ts';
import { AppError, unknownCursor } from '../../http/errors.ts';
import { countRequest } from '../../http/rate-limit.ts';
import { answer, errors, router, signedInErrors, signedInRoute, tenantQuerySchema } from '../../http/routes.ts';
import { ownTenantOnly, type ReadScope } from '../../http/tenant-scope.ts';
import { toAuditEntry } from './present.ts';
import { chainToList, listEntries, namesOfActors } from './store.ts';
import { LogTooLong, verifyChain } from './verification.ts';

const tags = ['Audit'];

/** Verifications a minute of one person, at the default of 100 requests: each reads the whole log. */
const verificationsPer100 = 6;

/** The own tenant's log, which no link opens; the operator reads every tenant's, or one's. */
const auditScope = async (c: AppContext, tenantId?: string): Promise<ReadScope> =>
  c.get('caller').tenant === null ? readScopeOf(c, tenantId) : ownTenantOnly(await tenantScopeOf(c, tenantId));

/** What needs the chain's object, D1 and R2 at once; when one of them does not answer, nothing is said in its place. */
async function orUnavailable<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    if (cause instanceof LogTooLong) {
      throw new AppError(
        'UNAVAILABLE',
        'The log is too long to be verified in one go before more nights have done their part.',
        {
          cause,
        },
      );
    }
    throw new AppError('UNAVAILABLE', 'The audit log cannot be brought up to date right now. Try again in a moment.', {
      cause,
    });
  }
}

export const auditRoutes = router()
  .openapi(
    signedInRoute(
      { permission: 'audit:read' },
      {
        method: 'get',
        path: '/audit',
        tags,
        summary: 'Who did, or was refused, what; newest first',
        request: { query: auditListQuerySchema },
        responses: {
          200: answer(feedOf(auditEntrySchema), 'A part of the log'),
          ...errors(...signedInErrors, 'NOT_FOUND'),
        },
      },
    ),
    async (c) => {
      const query = c.req.valid('query');
      const scope = await auditScope(c, query.tenantId);
      // Later pages lie in the past: only the first has to know what was committed a moment ago.
      if (query.cursor === undefined) {
        const chain = chainToList(scope, query.tenantId);
        await orUnavailable<unknown>(chain === null ? chainEverything(c.env) : chainPending(c.env, chain));
      }
      const page = await listEntries(scope, c.get('db'), query);
      if (page === null) {
        throw unknownCursor();
      }
      const names = await namesOfActors(scope, c.get('db'), page.rows);
      const data = page.rows.map((row) => toAuditEntry(row, names));
      return c.json({ data, meta: { nextCursor: page.nextCursor } }, 200);
    },
  )
  .openapi(
    signedInRoute(
      { permission: 'audit:read', callers: 'people' },
      {
        method: 'get',
        path: '/audit/verify',
        tags,
        summary: 'Is the log what was once written',
        description:
          'Computes every hash again and holds the log against the object that numbered it and the daily heads. Of a log of more than 300,000 entries, what the nights have verified is left out, and `reason` says so. At most six a minute. For the operator: the log of `tenantId`, or that of the platform.',
        request: { query: tenantQuerySchema },
        responses: {
          200: answer(oneOf(auditVerificationSchema), 'The verdict'),
          ...errors(...signedInErrors, 'NOT_FOUND'),
        },
      },
    ),
    async (c) => {
      const { tenantId } = c.req.valid('query');
      const scope = await auditScope(c, tenantId);
      const { requestsPerMinute } = configOf(c.env);
      const limit = Math.max(1, Math.floor((requestsPerMinute * verificationsPer100) / 100));
      await countRequest(c, `verify:${c.get('caller').id}`, limit);
      const data = await orUnavailable(verifyChain(scope, c.env, c.get('db'), tenantId));
      const { ok, checked, brokenAt, reason } = data;
      await c.get('audit').record(c.get('db'), {
        tenantId: chainToList(scope, tenantId),
        action: 'audit.verify',
        resourceType: 'audit_log',
        resourceId: chainToList(scope, tenantId),
        outcome: ok ? 'success' : 'failed',
        after: {
          ok,
          checked,
          ...(brokenAt === undefined ? {} : { brokenAt }),
          ...(reason === undefined ? {} : { reason }),
        },
      });
      return c.json({ data }, 200);
    },
  );
