/** Wall displays as people manage them: claimed by the code on the screen, renamed, sent commands, unpaired. */
import {
  claimDisplayInputSchema,
  deniedDisplaySchema,
  displayCommandInputSchema,
  displayListQuerySchema,
  displaySchema,
  sentCommandSchema,
  updateDisplayInputSchema,
  type Display,
} from '#contracts/displays';
import { oneOf, pageOf } from '#contracts/primitives';
import { configOf } from '../../env.ts';
import { readScopeOf, tenantScopeOf } from '../../http/authenticate.ts';
import { jsonBody } from '../../http/body.ts';
import type { AppContext } from '../../http/context.ts';
import { entityTag, hasChanged } from '../../http/entity-tag.ts';
import { AppError, notFound } from '../../http/errors.ts';
import { idempotent } from '../../http/idempotency.ts';
import { pathResource } from '../../http/path-resource.ts';
import { countRequest } from '../../http/rate-limit.ts';
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
  tenantQuerySchema,
} from '../../http/routes.ts';
import { actingIn, ownTenantOnly, type ReadScope, type TenantScope } from '../../http/tenant-scope.ts';
import { resolveAlertCause } from '../alerts/evaluate.ts';
import { publishChange } from '../live/publish.ts';
import { displayTag, matchesSettings, toDisplay } from './present.ts';
import { closeDisplay, sendToDisplay, statesByTenant, statesOf } from './room.ts';
import { displayCause, maxDisplaysPerTenant, toClaim } from './rules.ts';
import {
  claimDisplay,
  deleteDisplay,
  denyDisplay,
  getDisplay,
  isUnchanged,
  listDisplays,
  recordCommand,
  updateDisplay,
  type DisplayRow,
} from './store.ts';

const tags = ['Displays'];
const access = { permission: 'displays:manage' } as const;

/** Screens hang in their tenant's own halls: links open none. The operator sees every tenant's, or one's. */
const displaysScope = async (c: AppContext, tenantId?: string): Promise<ReadScope> =>
  c.get('caller').tenant === null ? readScopeOf(c, tenantId) : ownTenantOnly(await tenantScopeOf(c, tenantId));

const displayInPath = pathResource(async (c, id) => {
  const scope = await displaysScope(c, c.req.query('tenantId'));
  const row = await getDisplay(scope, c.get('db'), id);
  const acting = row === null ? null : actingIn(scope, row.tenantId);
  if (row === null || acting === null) throw notFound('display');
  return { row, acting };
});

const presented = async (c: AppContext, row: DisplayRow): Promise<Display> =>
  toDisplay(row, await statesOf(c.env, row.tenantId), c.get('now'));

/**
 * Codes a person, and a whole tenant, may try in a minute at the default of 100 requests. Against 387 million codes of
 * which some hundred may be waiting, a tenant that tries all day and all night finds one in half a year.
 */
const triesPer100 = { caller: 10, tenant: 30 };

async function countTry(c: AppContext, tenantId: string): Promise<void> {
  const { requestsPerMinute } = configOf(c.env);
  const scaled = (per100: number): number => Math.max(1, Math.floor((requestsPerMinute * per100) / 100));
  await countRequest(c, `claim_of:${tenantId}`, scaled(triesPer100.tenant));
  await countRequest(c, `claim_by:${c.get('caller').id}`, scaled(triesPer100.caller));
}

/** Wrong codes are written down: whoever guesses is seen. */
async function refuseCode(c: AppContext, { tenantId }: TenantScope): Promise<never> {
  const action = { tenantId, action: 'display.pair', resourceType: 'display', resourceId: null };
  await c.get('audit').record(c.get('db'), { ...action, outcome: 'failed' });
  throw new AppError('NOT_FOUND', 'No screen waits with this code. Read it again: codes run out after 15 minutes.');
}

export const displayRoutes = router()
  .openapi(
    signedInRoute(access, {
      method: 'post',
      path: '/displays/claim',
      tags,
      summary: 'Pair the screen that shows this code, or refuse it',
      middleware: [jsonBody(), idempotent],
      request: { query: tenantQuerySchema, body: body(claimDisplayInputSchema) },
      responses: {
        200: answer(oneOf(deniedDisplaySchema), 'The screen is refused'),
        201: answer(oneOf(displaySchema), 'The display; the screen fetches its token with its next question'),
        ...errors(...signedInErrors, ...bodyErrors, 'NOT_FOUND', 'CONFLICT', 'IDEMPOTENCY_MISMATCH'),
      },
    }),
    async (c) => {
      const [db, trail, now] = [c.get('db'), c.get('audit'), c.get('now')];
      const scope = ownTenantOnly(await tenantScopeOf(c, c.req.valid('query').tenantId));
      const input = c.req.valid('json');
      await countTry(c, scope.tenantId);
      const { userCode } = input;
      const claim = toClaim(input);
      if (claim.kind === 'deny') {
        if (!(await denyDisplay(scope, db, trail, userCode, now))) await refuseCode(c, scope);
        return c.json({ data: { userCode, isDenied: true as const } }, 200);
      }
      const caller = c.get('caller');
      const createdBy = caller.kind === 'user' ? caller.id : null;
      const row = await claimDisplay(scope, db, trail, { userCode, ...claim.fields, createdBy }, now);
      if (row === 'unknown') return refuseCode(c, scope);
      if (row === 'full') {
        throw new AppError('CONFLICT', `There are ${maxDisplaysPerTenant} displays already: unpair one first.`);
      }
      // Nobody has heard of it yet: the room need not be asked.
      const display = toDisplay(row, new Map(), now);
      c.header('ETag', await displayTag(display));
      return c.json({ data: display }, 201);
    },
  )
  .openapi(
    signedInRoute(access, {
      method: 'get',
      path: '/displays',
      tags,
      summary: 'A page of displays by name, with their health',
      request: { query: displayListQuerySchema },
      responses: { 200: answer(pageOf(displaySchema), 'The page'), ...errors(...signedInErrors, 'NOT_FOUND') },
    }),
    async (c) => {
      const query = c.req.valid('query');
      const { rows, total } = await listDisplays(await displaysScope(c, query.tenantId), c.get('db'), query);
      const states = await statesByTenant(
        c.env,
        rows.map((row) => row.tenantId),
      );
      const data = rows.map((row) => toDisplay(row, states.get(row.tenantId) ?? null, c.get('now')));
      return c.json({ data, meta: pageMeta(query, total) }, 200);
    },
  )
  .openapi(
    signedInRoute(access, {
      method: 'get',
      path: '/displays/{id}',
      tags,
      summary: 'One display',
      middleware: [entityTag(), displayInPath.middleware],
      request: { params: idParam, query: tenantQuerySchema },
      responses: { 200: answer(oneOf(displaySchema), 'The display'), ...errors(...signedInErrors, 'NOT_FOUND') },
    }),
    async (c) => {
      const display = await presented(c, displayInPath.of(c).row);
      c.header('ETag', await displayTag(display));
      return c.json({ data: display }, 200);
    },
  )
  .openapi(
    signedInRoute(access, {
      method: 'patch',
      path: '/displays/{id}',
      tags,
      summary: 'Rename or move a display, or change what it shows; a changed layout is told to the screen at once',
      middleware: [displayInPath.middleware, jsonBody()],
      request: { params: idParam, query: tenantQuerySchema, body: body(updateDisplayInputSchema) },
      responses: {
        200: answer(oneOf(displaySchema), 'The display as it is now'),
        ...errors(...signedInErrors, ...bodyErrors, 'NOT_FOUND', 'PRECONDITION_FAILED'),
      },
    }),
    async (c) => {
      const { row: before, acting } = displayInPath.of(c);
      const input = c.req.valid('json');
      const now = c.get('now');
      const ifMatch = c.req.header('if-match');
      if (!(await matchesSettings(ifMatch, toDisplay(before, null, now)))) throw hasChanged();
      let row = before;
      if (!isUnchanged(before, input)) {
        const unchangedSince = ifMatch === undefined || ifMatch.trim() === '*' ? null : before.updatedAt;
        const changed = await updateDisplay(acting, c.get('db'), c.get('audit'), before, input, {
          now,
          unchangedSince,
        });
        if (changed === null) {
          const isGone = (await getDisplay(acting, c.get('db'), before.id)) === null;
          throw isGone ? notFound('display') : hasChanged();
        }
        row = changed;
        if (row.layout !== before.layout) {
          await sendToDisplay(c.env, row, { command: 'layout', layout: row.layout }, now);
        }
      }
      const display = await presented(c, row);
      c.header('ETag', await displayTag(display));
      return c.json({ data: display }, 200);
    },
  )
  .openapi(
    signedInRoute(access, {
      method: 'delete',
      path: '/displays/{id}',
      tags,
      summary: 'Unpair a display: its socket closes at once, its token is refused from the next request on',
      middleware: [displayInPath.middleware],
      request: { params: idParam, query: tenantQuerySchema },
      responses: { 204: { description: 'Unpaired' }, ...errors(...signedInErrors, 'NOT_FOUND') },
    }),
    async (c) => {
      const [db, now] = [c.get('db'), c.get('now')];
      const { row, acting } = displayInPath.of(c);
      if (!(await deleteDisplay(acting, db, c.get('audit'), row, now))) throw notFound('display');
      await closeDisplay(c.env, row);
      const settled = await resolveAlertCause(acting, db, displayCause(row.id), now.toISOString());
      const { counters, resolvedIds: alertIds } = settled;
      await publishChange(c.env, db, { tenantId: row.tenantId, counters, vehicleIds: [], alertIds });
      return c.body(null, 204);
    },
  )
  .openapi(
    signedInRoute(access, {
      method: 'post',
      path: '/displays/{id}/commands',
      tags,
      summary: 'Tell a display to reload, show which one it is, change its layout, sleep or wake',
      middleware: [displayInPath.middleware, jsonBody()],
      request: { params: idParam, query: tenantQuerySchema, body: body(displayCommandInputSchema) },
      responses: {
        202: answer(oneOf(sentCommandSchema), 'Sent, or kept for when the display comes back'),
        ...errors(...signedInErrors, ...bodyErrors, 'NOT_FOUND'),
      },
    }),
    async (c) => {
      const { row, acting } = displayInPath.of(c);
      const { command, args } = c.req.valid('json');
      const now = c.get('now');
      // Only a layout has one: what else came along is not told.
      const given = { command, layout: command === 'layout' ? args?.layout : undefined };
      if (!(await recordCommand(acting, c.get('db'), c.get('audit'), row, given, now))) throw notFound('display');
      const told = command === 'layout' ? { command, layout: given.layout ?? row.layout } : given;
      return c.json({ data: await sendToDisplay(c.env, row, told, now) }, 202);
    },
  );
