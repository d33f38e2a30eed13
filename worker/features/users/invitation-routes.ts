/** Invitations: send (again), list, revoke. Their paths come before `/users/{id}`. */
import { oneOf, pageOf } from '#contracts/primitives';
import {
  invitationListQuerySchema,
  invitationSchema,
  inTenantQuerySchema,
  inviteUserInputSchema,
} from '#contracts/users';
import { tenantScopeOf, userOf } from '../../http/authenticate.ts';
import { jsonBody } from '../../http/body.ts';
import { AppError, notFound } from '../../http/errors.ts';
import { idempotent } from '../../http/idempotency.ts';
import { pathResource } from '../../http/path-resource.ts';
import { answer, body, errors, idParam, pageMeta, router, signedInErrors, signedInRoute } from '../../http/routes.ts';
import { actingIn, ownTenantOnly } from '../../http/tenant-scope.ts';
import { sendSoon } from '../../mail/outbox.ts';
import { peopleScopeOf, requireAllowed } from './actions.ts';
import { getInvitation, listInvitations, revokeInvitation } from './invitations-store.ts';
import { addressInUse, invite } from './invite.ts';
import { toInvitation, toUser } from './present.ts';
import { refuseGrant } from './rules.ts';
import { findAddress, getHome } from './store.ts';

const tags = ['People'];
const access = { permission: 'users:manage', callers: 'people' } as const;

const invitationInPath = pathResource(async (c, id) => {
  const scope = await peopleScopeOf(c, c.req.query('tenantId'));
  const invitation = await getInvitation(scope, c.get('db'), id);
  const acting = invitation === null ? null : actingIn(scope, invitation.tenantId);
  if (invitation === null || acting === null) throw notFound('invitation');
  return { invitation, acting };
});

export const invitationRoutes = router()
  .openapi(
    signedInRoute(access, {
      method: 'get',
      path: '/users/invitations',
      tags,
      summary: 'Open invitations, newest first',
      request: { query: invitationListQuerySchema },
      responses: { 200: answer(pageOf(invitationSchema), 'The page'), ...errors(...signedInErrors, 'NOT_FOUND') },
    }),
    async (c) => {
      const query = c.req.valid('query');
      const scope = await peopleScopeOf(c, query.tenantId);
      const { rows, total } = await listInvitations(scope, c.get('db'), query);
      return c.json({ data: rows.map(toInvitation), meta: pageMeta(query, total) }, 200);
    },
  )
  .openapi(
    signedInRoute(access, {
      method: 'post',
      path: '/users/invitations',
      tags,
      summary: 'Mail an invitation; for the same address it replaces the open one',
      middleware: [jsonBody(), idempotent],
      request: { query: inTenantQuerySchema, body: body(inviteUserInputSchema) },
      responses: {
        201: answer(oneOf(invitationSchema), 'The invitation'),
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
    }),
    async (c) => {
      const scope = ownTenantOnly(await tenantScopeOf(c, c.req.valid('query').tenantId));
      const { email, role } = c.req.valid('json');
      const inviter = userOf(c);
      const db = c.get('db');
      const tenant = await getHome(scope, db);
      if (tenant === null) throw notFound('organisation');
      requireAllowed(refuseGrant(inviter.permissions, tenant.kind, role));
      const { isTaken, own } = await findAddress(scope, db, email);
      // Somebody who was entered by name and has not signed up yet may be sent another link.
      const awaited = own !== null && !own.isDeactivated && !toUser(own, null).hasSignedUp ? own : null;
      if (isTaken && awaited === null) throw addressInUse();
      if (awaited !== null && awaited.role !== role) {
        throw new AppError('CONFLICT', `They are entered as ${awaited.role}. Change the role there.`);
      }
      const userId = awaited?.id ?? null;
      const invitation = { tenant, email, role, userId, inviter };
      const row = await invite(scope, c.env, db, c.get('audit'), invitation, c.get('now'));
      sendSoon(c);
      return c.json({ data: toInvitation(row) }, 201);
    },
  )
  .openapi(
    signedInRoute(access, {
      method: 'delete',
      path: '/users/invitations/{id}',
      tags,
      summary: 'Revoke an open invitation: its link leads nowhere',
      middleware: [invitationInPath.middleware],
      request: { params: idParam, query: inTenantQuerySchema },
      responses: { 204: { description: 'Revoked' }, ...errors(...signedInErrors, 'NOT_FOUND') },
    }),
    async (c) => {
      const { invitation, acting } = invitationInPath.of(c);
      // Accepted a moment ago, it is no longer open: there is nothing to revoke.
      const revoked = await revokeInvitation(acting, c.get('db'), c.get('audit'), invitation, c.get('now'));
      if (!revoked) throw notFound('invitation');
      return c.body(null, 204);
    },
  );
