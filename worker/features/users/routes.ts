/** The people of a tenant: list, enter, change, suspend, let in again, delete. */
import { oneOf, pageOf } from '#contracts/primitives';
import {
  createUserInputSchema,
  inTenantQuerySchema,
  updateUserInputSchema,
  userListQuerySchema,
  userSchema,
} from '#contracts/users';
import { tenantScopeOf, userOf } from '../../http/authenticate.ts';
import { jsonBody } from '../../http/body.ts';
import type { AppContext } from '../../http/context.ts';
import { entityTag, hasChanged, requireMatch } from '../../http/entity-tag.ts';
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
import { ownTenantOnly } from '../../http/tenant-scope.ts';
import { sendSoon } from '../../mail/outbox.ts';
import { publishChange } from '../live/publish.ts';
import {
  activate,
  closeSocketsOf,
  peopleScopeOf,
  presentPeople,
  presentPerson,
  requireAllowed,
  requireDone,
  resetMfa,
  suspend,
} from './actions.ts';
import { deletePerson, updatePerson } from './change.ts';
import { addressInUse, createPerson } from './invite.ts';
import { refuseGrant, refuseOneself, refuseTouch } from './rules.ts';
import { findAddress, getHome, getPerson, homeOf, listPeople } from './store.ts';

const tags = ['People'];
const access = { permission: 'users:manage', callers: 'people' } as const;
/** The person in the path, with the scope they were found in. */
const personInPath = pathResource(async (c, id) => {
  const scope = await peopleScopeOf(c, c.req.query('tenantId'));
  const person = await getPerson(scope, c.get('db'), id);
  if (person === null) throw notFound('user');
  return { scope, person };
});

/** The person in the path, whom the caller may change in the way asked for. */
function touchable(c: AppContext) {
  const found = personInPath.of(c);
  requireAllowed(refuseTouch(userOf(c).permissions, found.person.role));
  return found;
}

function touchableOther(c: AppContext) {
  const found = touchable(c);
  requireAllowed(refuseOneself(userOf(c).id, found.person.id));
  return found;
}

export const userRoutes = router()
  .openapi(
    signedInRoute(access, {
      method: 'get',
      path: '/users',
      tags,
      summary: 'A page of people, by name',
      request: { query: userListQuerySchema },
      responses: { 200: answer(pageOf(userSchema), 'The page'), ...errors(...signedInErrors, 'NOT_FOUND') },
    }),
    async (c) => {
      const query = c.req.valid('query');
      const scope = await peopleScopeOf(c, query.tenantId);
      const { rows, total } = await listPeople(scope, c.get('db'), query);
      return c.json({ data: await presentPeople(c, rows), meta: pageMeta(query, total) }, 200);
    },
  )
  .openapi(
    signedInRoute(access, {
      method: 'post',
      path: '/users',
      tags,
      summary: 'Enter somebody; without a password they are mailed an invitation',
      middleware: [jsonBody(), idempotent],
      request: { query: inTenantQuerySchema, body: body(createUserInputSchema) },
      responses: {
        201: answer(oneOf(userSchema), 'The person'),
        ...errors(...signedInErrors, 'NOT_FOUND', 'CONFLICT', 'IDEMPOTENCY_MISMATCH', ...bodyErrors),
      },
    }),
    async (c) => {
      const scope = ownTenantOnly(await tenantScopeOf(c, c.req.valid('query').tenantId));
      const { email, name, role, password } = c.req.valid('json');
      const inviter = userOf(c);
      const db = c.get('db');
      const tenant = await getHome(scope, db);
      if (tenant === null) throw notFound('organisation');
      requireAllowed(refuseGrant(inviter.permissions, tenant.kind, role));
      if ((await findAddress(scope, db, email)).isTaken) throw addressInUse();
      const person = { tenant, email, name, role, password, inviter };
      const id = await createPerson(scope, c.env, db, c.get('audit'), person, c.get('now'));
      sendSoon(c);
      const row = await getPerson(scope, db, id);
      if (row === null) throw new AppError('CONFLICT', 'They have been deleted at the same moment.');
      return c.json({ data: await presentPerson(c, row) }, 201);
    },
  )
  .openapi(
    signedInRoute(access, {
      method: 'get',
      path: '/users/{id}',
      tags,
      summary: 'One person',
      middleware: [personInPath.middleware, entityTag()],
      request: { params: idParam, query: inTenantQuerySchema },
      responses: { 200: answer(oneOf(userSchema), 'The person'), ...errors(...signedInErrors, 'NOT_FOUND') },
    }),
    async (c) => c.json({ data: await presentPerson(c, personInPath.of(c).person) }, 200),
  )
  .openapi(
    signedInRoute(access, {
      method: 'patch',
      path: '/users/{id}',
      tags,
      summary: 'Change name or role; a role holds from the next request on',
      middleware: [personInPath.middleware, jsonBody()],
      request: { params: idParam, query: inTenantQuerySchema, body: body(updateUserInputSchema) },
      responses: {
        200: answer(oneOf(userSchema), 'The person, changed'),
        ...errors(...signedInErrors, 'NOT_FOUND', 'CONFLICT', 'PRECONDITION_FAILED', ...bodyErrors),
      },
    }),
    async (c) => {
      const { scope, person } = touchable(c);
      const { name = person.name, role = person.role } = c.req.valid('json');
      const caller = userOf(c);
      const db = c.get('db');
      const changesRole = role !== person.role;
      if (changesRole) {
        const kind = await homeOf(scope, db, person);
        requireAllowed(refuseOneself(caller.id, person.id), refuseGrant(caller.permissions, kind, role));
      }
      await requireMatch(c, await presentPerson(c, person));
      const unchangedSince = c.req.header('if-match') === undefined ? null : person.updatedAt;
      const options = { now: c.get('now'), unchangedSince };
      const result = await updatePerson(scope, db, c.get('audit'), person, { name, role }, options);
      // Somebody was quicker with the state that this client named.
      if (result.kind === 'stale' && unchangedSince !== null) throw hasChanged();
      const { row } = requireDone(result);
      if (changesRole) await closeSocketsOf(c, row);
      return c.json({ data: await presentPerson(c, row) }, 200);
    },
  )
  .openapi(
    signedInRoute(access, {
      method: 'delete',
      path: '/users/{id}',
      tags,
      summary: 'Delete somebody; what they did keeps their id, and the address is free again',
      middleware: [personInPath.middleware],
      request: { params: idParam, query: inTenantQuerySchema },
      responses: { 204: { description: 'Deleted' }, ...errors(...signedInErrors, 'NOT_FOUND', 'CONFLICT') },
    }),
    async (c) => {
      const { scope, person } = touchableOther(c);
      const result = await deletePerson(scope, c.get('db'), c.get('audit'), person, c.get('now'));
      const { endedSessionIds, counters, freedVehicleIds } = requireDone(result);
      await closeSocketsOf(c, person, endedSessionIds);
      if (person.tenantId !== null) {
        const change = { tenantId: person.tenantId, counters, vehicleIds: freedVehicleIds, alertIds: [] };
        await publishChange(c.env, c.get('db'), change);
      }
      return c.body(null, 204);
    },
  )
  .openapi(
    signedInRoute(access, {
      method: 'post',
      path: '/users/{id}/suspend',
      tags,
      summary: 'Keep somebody out: every session and live socket ends now',
      middleware: [personInPath.middleware],
      request: { params: idParam, query: inTenantQuerySchema },
      responses: {
        200: answer(oneOf(userSchema), 'The person, suspended'),
        ...errors(...signedInErrors, 'NOT_FOUND', 'CONFLICT'),
      },
    }),
    async (c) => {
      const { scope, person } = touchableOther(c);
      return c.json({ data: await suspend(c, scope, person, { mayBeLast: false }) }, 200);
    },
  )
  .openapi(
    signedInRoute(access, {
      method: 'post',
      path: '/users/{id}/activate',
      tags,
      summary: 'Let somebody in again: after a suspension, or after too many wrong passwords',
      middleware: [personInPath.middleware],
      request: { params: idParam, query: inTenantQuerySchema },
      responses: {
        200: answer(oneOf(userSchema), 'The person, active'),
        ...errors(...signedInErrors, 'NOT_FOUND', 'CONFLICT'),
      },
    }),
    async (c) => {
      const { scope, person } = touchable(c);
      return c.json({ data: await activate(c, scope, person) }, 200);
    },
  )
  .openapi(
    signedInRoute(access, {
      method: 'delete',
      path: '/users/{id}/mfa',
      tags,
      summary: 'Take away a second factor that was lost: every session ends, the password alone lets in again',
      middleware: [personInPath.middleware],
      request: { params: idParam, query: inTenantQuerySchema },
      responses: { 204: { description: 'Taken away' }, ...errors(...signedInErrors, 'NOT_FOUND', 'CONFLICT') },
    }),
    async (c) => {
      const { scope, person } = touchableOther(c);
      await resetMfa(c, scope, person);
      return c.body(null, 204);
    },
  );
