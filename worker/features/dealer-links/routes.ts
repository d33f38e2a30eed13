/** Dealer links: asked for by either side, accepted by the other, ended by either, and kept as history. */
import {
  createDealerLinkInputSchema,
  dealerLinkListQuerySchema,
  dealerLinkQuerySchema,
  dealerLinkSchema,
} from '#contracts/dealer-links';
import { oneOf, pageOf } from '#contracts/primitives';
import { readScopeOf, tenantScopeOf } from '../../http/authenticate.ts';
import { jsonBody } from '../../http/body.ts';
import type { AppContext } from '../../http/context.ts';
import { AppError, notFound } from '../../http/errors.ts';
import { idempotent } from '../../http/idempotency.ts';
import { pathResource } from '../../http/path-resource.ts';
import { answer, body, errors, idParam, pageMeta, router, signedInErrors, signedInRoute } from '../../http/routes.ts';
import { ownTenantOnly, type ReadScope } from '../../http/tenant-scope.ts';
import { linkTo, mailWriter, sendSoon, type MailEntry } from '../../mail/outbox.ts';
import { listAddressesOf } from '../users/addresses.ts';
import { toDealerLink } from './present.ts';
import { dropFromRoom, showInRoom } from './rooms.ts';
import { pairOf, refuseAccept } from './rules.ts';
import {
  acceptLink,
  askedSideOf,
  askForLink,
  endLink,
  getAskableTenant,
  getLink,
  getLiveLink,
  listLinks,
  type LinkRow,
} from './store.ts';

const tags = ['Dealer links'];
const access = { permission: 'links:manage', callers: 'people' } as const;
/** A request nobody has answered for this long is not worth a mail any more; it stays in the list. */
const mailLivesMs = 7 * 86_400_000;

/** Links of the own tenant on either side; the operator sees everybody's, or one tenant's. */
const linksScope = async (c: AppContext, tenantId?: string): Promise<ReadScope> =>
  c.get('caller').tenant === null ? readScopeOf(c, tenantId) : ownTenantOnly(await tenantScopeOf(c, tenantId));

const linkInPath = pathResource(async (c, id) => {
  const scope = await linksScope(c, c.req.query('tenantId'));
  const row = await getLink(scope, c.get('db'), id);
  if (row === null) throw notFound('dealer link');
  return { scope, row };
});

/** For which side the caller acts; null for the operator who has named none. */
const actingSide = (c: AppContext, tenantId: string | undefined): string | null =>
  c.get('caller').tenant?.id ?? tenantId ?? null;

const wrongTenant = (why: string): AppError =>
  new AppError('VALIDATION_FAILED', `tenantId: ${why}.`, { details: { issues: [{ path: 'tenantId', message: why }] } });

const livesAlready = (link: { id: string; status: string } | null): AppError =>
  new AppError('CONFLICT', `There is a link between the two already; it is ${link?.status ?? 'live'}.`, {
    details: { id: link?.id ?? null, status: link?.status ?? null },
  });

/** The link as it stands after a change, or as somebody else has left it meanwhile. */
async function readAgain(c: AppContext, scope: ReadScope, row: LinkRow): Promise<LinkRow> {
  return (await getLink(scope, c.get('db'), row.id)) ?? row;
}

const wrongState = ({ id, status }: LinkRow): AppError =>
  new AppError('CONFLICT', `The link is ${status} by now.`, { details: { id, status } });

export const dealerLinkRoutes = router()
  .openapi(
    signedInRoute(access, {
      method: 'get',
      path: '/dealer-links',
      tags,
      summary: 'A page of links, newest first; ended ones stay as history',
      request: { query: dealerLinkListQuerySchema },
      responses: { 200: answer(pageOf(dealerLinkSchema), 'The page'), ...errors(...signedInErrors, 'NOT_FOUND') },
    }),
    async (c) => {
      const query = c.req.valid('query');
      const { rows, total } = await listLinks(await linksScope(c, query.tenantId), c.get('db'), query);
      return c.json({ data: rows.map(toDealerLink), meta: pageMeta(query, total) }, 200);
    },
  )
  .openapi(
    signedInRoute(access, {
      method: 'post',
      path: '/dealer-links',
      tags,
      summary: 'Ask a dealer, or a fleet, for a link',
      middleware: [jsonBody(), idempotent],
      request: { query: dealerLinkQuerySchema, body: body(createDealerLinkInputSchema) },
      responses: {
        201: answer(oneOf(dealerLinkSchema), 'The link, waiting for the other side'),
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
      const now = c.get('now');
      const db = c.get('db');
      const scope = ownTenantOnly(await tenantScopeOf(c, c.req.valid('query').tenantId));
      const asked = await getAskableTenant(db, c.req.valid('json').tenantId);
      if (asked === null) throw notFound('organisation');
      const asking = c.get('caller').tenant ?? (await getAskableTenant(db, scope.tenantId));
      if (asking === null) throw notFound('organisation');
      const pair = pairOf(asking, asked);
      if ('refusal' in pair) throw wrongTenant(pair.refusal);
      const known = await getLiveLink(db, pair);
      if (known !== null) throw livesAlready(known);
      const message = {
        tenantId: asked.id,
        template: 'dealer_link_requested' as const,
        data: { fromTenantName: asking.name, link: linkTo(c.env, '/settings/links') },
        expiresAt: new Date(now.getTime() + mailLivesMs),
      };
      const told = await listAddressesOf(db, asked.id, 'links:manage');
      const write = await mailWriter(c.env, db, now);
      const mail: MailEntry[] = [];
      for (const to of told) mail.push(await write({ ...message, to }));
      const row = await askForLink(scope, db, c.get('audit'), { pair, mail }, now);
      if (row === null) throw livesAlready(await getLiveLink(db, pair));
      sendSoon(c);
      return c.json({ data: toDealerLink(row) }, 201);
    },
  )
  .openapi(
    signedInRoute(access, {
      method: 'post',
      path: '/dealer-links/{id}/accept',
      tags,
      summary: 'Accept what the other side has asked for: the dealer sees the fleet’s vehicles from now on',
      middleware: [linkInPath.middleware],
      request: { params: idParam, query: dealerLinkQuerySchema },
      responses: {
        200: answer(oneOf(dealerLinkSchema), 'The link, active'),
        ...errors(...signedInErrors, 'NOT_FOUND', 'CONFLICT'),
      },
    }),
    async (c) => {
      const { row, scope } = linkInPath.of(c);
      const side = actingSide(c, c.req.valid('query').tenantId);
      const refusal = refuseAccept(row, side ?? askedSideOf(row));
      if (refusal === 'wrong_state') throw wrongState(row);
      if (refusal === 'own_request') {
        throw new AppError('FORBIDDEN', 'You asked for this link; the other side accepts it.', {
          details: { required: 'links:manage' },
        });
      }
      const isAccepted = await acceptLink(scope, c.get('db'), c.get('audit'), row, side, c.get('now'));
      const after = await readAgain(c, scope, row);
      if (!isAccepted) throw wrongState(after);
      await showInRoom(c.env, c.get('db'), row.dealerTenantId);
      return c.json({ data: toDealerLink(after) }, 200);
    },
  )
  .openapi(
    signedInRoute(access, {
      method: 'delete',
      path: '/dealer-links/{id}',
      tags,
      summary: 'End a link, decline a request or take it back: either side may, at any time',
      middleware: [linkInPath.middleware],
      request: { params: idParam, query: dealerLinkQuerySchema },
      responses: { 204: { description: 'Ended' }, ...errors(...signedInErrors, 'NOT_FOUND', 'CONFLICT') },
    }),
    async (c) => {
      const { row, scope } = linkInPath.of(c);
      const side = actingSide(c, c.req.valid('query').tenantId);
      const isEnded = await endLink(scope, c.get('db'), c.get('audit'), row, side, c.get('now'));
      if (!isEnded) throw wrongState(await readAgain(c, scope, row));
      await dropFromRoom(c.env, row);
      return c.body(null, 204);
    },
  );
