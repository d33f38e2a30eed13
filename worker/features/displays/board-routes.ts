/** What a paired screen asks for itself: its own settings, and what its board shows besides the live picture. */
import { ownBoardSchema } from '#contracts/displays';
import { oneOf } from '#contracts/primitives';
import { readScopeOf } from '../../http/authenticate.ts';
import { entityTag } from '../../http/entity-tag.ts';
import { AppError } from '../../http/errors.ts';
import { answer, errors, noQuery, router, signedInErrors, signedInRoute } from '../../http/routes.ts';
import { readReasons } from './board-store.ts';
import { toOwnDisplay } from './present.ts';
import { getDisplay } from './store.ts';

export const displayBoardRoutes = router().openapi(
  signedInRoute(
    { permission: null, callers: 'displays' },
    {
      method: 'get',
      path: '/displays/me',
      tags: ['Displays'],
      summary: 'What the asking display is, and what its board needs besides the live picture',
      middleware: [entityTag()],
      request: { query: noQuery },
      responses: { 200: answer(oneOf(ownBoardSchema), 'The board'), ...errors(...signedInErrors) },
    },
  ),
  async (c) => {
    const { id, tenant, linkedTenants } = c.get('caller');
    const scope = await readScopeOf(c);
    const [row, reasons] = await Promise.all([getDisplay(scope, c.get('db'), id), readReasons(scope, c.get('db'))]);
    // Unpaired between the door and here.
    if (row === null || tenant === null) throw new AppError('TOKEN_REVOKED', 'This display was unpaired.');
    const { timeZone, units } = tenant.settings;
    const data = {
      display: { ...toOwnDisplay(row), isAsleep: row.isAsleep },
      tenant: { id: tenant.id, name: tenant.name, timeZone, units },
      linkedTenants: linkedTenants.map((linked) => ({ id: linked.id, name: linked.name })),
      reasons,
      // Repair orders and sites are not known yet.
      inbound: [],
    };
    return c.json({ data }, 200);
  },
);
