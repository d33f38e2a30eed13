/**
 * The portal: a strict stand-in for PACCAR Solutions. It checks what the real one checks (cookie, form token, method,
 * pace) and, persona by persona, goes wrong in the ways the real one does.
 */
import { Hono, type Context, type MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { getCookie } from 'hono/cookie';
import { unit } from '../world/random.ts';
import type { World } from '../world/world.ts';
import type { PortalAccount } from './accounts.ts';
import { casesOf } from './cases-view.ts';
import { controlRoutes } from './control.ts';
import { Holds } from './holds.ts';
import { assetPage, faultRows, findTruck, listedAsset, listedTrucks } from './fleet-view.ts';
import { assetsPerPage, dashboardPage, listPage, oneAssetPage, redesignedPage } from './pages/assets.ts';
import { casesPage } from './pages/cases.ts';
import { diagnosticsPage } from './pages/diagnostics.ts';
import { messagePage } from './pages/frame.ts';
import {
  emptyCounters,
  freshAccount,
  judgePage,
  personaOf,
  type FaultOverride,
  type PortalCounters,
} from './portal-state.ts';
import { admits, sessionCookie, sessionLifetimeMs, SessionStore } from './sessions.ts';
import { pageOfStage, signInRoutes, toLogin, type PortalEnv } from './sign-in-routes.ts';

export interface PortalOptions {
  world: World;
  accounts: readonly PortalAccount[];
  /** Real time, epoch milliseconds: sessions and pacing go by it even while the world is frozen. */
  now: () => number;
  /** Requests per second and session above which the portal answers 429. */
  requestsPerSecond?: number;
  sessionLifetimeMs?: number;
  /** Where a request comes from; needed for the control routes, which refuse when it is not known. */
  remoteAddressOf?: (c: Context) => string | null;
}

export interface Portal {
  app: Hono<PortalEnv>;
  counters(): PortalCounters;
  /** Lets go of every request that a persona keeps hanging. */
  release(): void;
}

const defaultRequestsPerSecond = 40;
const slowestScriptMs = 400;

function kindOfPath(path: string): string {
  if (path.startsWith('/_control')) return 'control';
  if (path.startsWith('/login')) return 'login';
  if (path === '/assets') return 'assets';
  if (/^\/assets\/[^/]+\/diagnostics$/.test(path)) return 'diagnostics';
  if (/^\/assets\/[^/]+\/cases$/.test(path)) return 'cases';
  if (/^\/assets\/[^/]+$/.test(path)) return 'asset';
  if (path === '/dashboard' || path === '/policies') return path.slice(1);
  return 'other';
}

/** Builds the portal's app over a world. Nothing listens yet. */
export function createPortal(options: PortalOptions): Portal {
  const { world, now } = options;
  const perSecond = options.requestsPerSecond ?? defaultRequestsPerSecond;
  const lifetimeMs = options.sessionLifetimeMs ?? sessionLifetimeMs;
  const sessions = new SessionStore(now, lifetimeMs);
  const accounts = new Map(options.accounts.map((account) => [account.username, freshAccount(account)]));
  const overrides: FaultOverride[] = [];
  const holds = new Holds();
  let counters = emptyCounters();

  const tooMany = (c: Context, seconds: number) => {
    c.header('Retry-After', String(seconds));
    return c.html(messagePage('Too many requests', 'Please slow down and try again later.'), 429);
  };
  const notFound = (c: Context) => c.html(messagePage('Not found', 'This page does not exist.'), 404);
  const app = new Hono<PortalEnv>();

  app.use('*', async (c, next) => {
    const kind = kindOfPath(c.req.path);
    if (kind === 'control') return next();
    counters.requestsByKind[kind] = (counters.requestsByKind[kind] ?? 0) + 1;
    counters.concurrentNow += 1;
    counters.maxConcurrent = Math.max(counters.maxConcurrent, counters.concurrentNow);
    const mine = counters;
    try {
      await next();
    } finally {
      mine.concurrentNow -= 1;
      mine.answersByStatus[c.res.status] = (mine.answersByStatus[c.res.status] ?? 0) + 1;
    }
    c.header('Cache-Control', 'no-store');
    c.header('X-Content-Type-Options', 'nosniff');
  });
  app.onError((error, c) => {
    console.error('portal simulator:', error);
    return c.html(messagePage('Server error', 'Something went wrong.'), 500);
  });
  app.notFound((c) => notFound(c));

  app.route(
    '/_control',
    controlRoutes({
      world,
      accounts,
      overrides,
      counters: () => counters,
      resetCounters: () => {
        counters = { ...emptyCounters(), concurrentNow: 0 };
      },
      sessionCount: () => sessions.count(),
      endSessionsOf: (username) => sessions.endAllOf(username),
      remoteAddressOf: options.remoteAddressOf ?? (() => null),
    }),
  );

  /** Only these methods exist on a path; HEAD comes with GET. */
  const onlyMethods =
    (...methods: readonly ('GET' | 'POST')[]): MiddlewareHandler =>
    async (c, next) => {
      const isAllowed = methods.some(
        (method) => method === c.req.method || (method === 'GET' && c.req.method === 'HEAD'),
      );
      if (isAllowed) return next();
      c.header('Allow', methods.join(', '));
      return c.html(messagePage('Method not allowed', `This page answers ${methods.join(' and ')} only.`), 405);
    };
  for (const path of ['/login', '/login/verify', '/policies']) app.use(path, onlyMethods('GET', 'POST'));
  for (const path of [
    '/',
    '/dashboard',
    '/assets',
    '/assets/:vin',
    '/assets/:vin/diagnostics',
    '/assets/:vin/cases',
    '/logout',
  ]) {
    app.use(path, onlyMethods('GET'));
  }
  app.use(
    '*',
    bodyLimit({ maxSize: 64 * 1024, onError: (c) => c.html(messagePage('Too large', 'The form is too large.'), 413) }),
  );

  app.get('/', (c) => c.redirect('/dashboard'));
  /** Everything below needs a session; pages of the fleet need a complete one. */
  const needsSession: MiddlewareHandler<PortalEnv> = async (c, next) => {
    const session = sessions.get(getCookie(c, sessionCookie));
    const state = session === null ? undefined : accounts.get(session.username);
    if (session === null || state === undefined) return toLogin(c);
    if (!admits(session, now(), perSecond)) return tooMany(c, 1);
    c.set('session', session);
    c.set('state', state);
    return next();
  };
  const needsFleetAccess: MiddlewareHandler<PortalEnv> = async (c, next) => {
    const { session, state } = c.var;
    if (session.stage !== 'full') return c.redirect(pageOfStage(session));
    const judgement = judgePage(state, now());
    if (judgement === 'refuse') return tooMany(c, Math.max(1, Math.ceil((state.refusesUntilMs - now()) / 1000)));
    if (judgement === 'fail') return c.html(messagePage('Server error', 'Something went wrong on our side.'), 500);
    if (judgement === 'end_session') {
      sessions.end(session);
      return toLogin(c);
    }
    await holds.pause(state.settings.latencyMs, c.req.raw.signal);
    return next();
  };

  app.use('/login/verify', needsSession);
  app.use('/policies', needsSession);
  signInRoutes(app, { sessions, accounts, counters: () => counters, holds, now, lifetimeMs });

  // '/assets/*' covers '/assets' too; naming both would count every page of the list twice.
  for (const path of ['/dashboard', '/assets/*']) app.use(path, needsSession, needsFleetAccess);
  app.get('/dashboard', (c) =>
    c.html(dashboardPage(c.var.state.account.fleetName, listedTrucks(world, c.var.state).length)),
  );
  app.get('/assets', (c) => {
    const { state } = c.var;
    const { account } = state;
    const { list, markup } = personaOf(state);
    const trucks = listedTrucks(world, state);
    const pageCount = Math.max(1, Math.ceil(trucks.length / assetsPerPage));
    const asked = c.req.query('page') ?? '1';
    const page = /^[1-9]\d{0,5}$/.test(asked) ? Number(asked) : 0;
    if (page < 1 || page > pageCount) return notFound(c);
    if (markup === 'changed') return c.html(redesignedPage(account.fleetName, trucks.length));
    const shown = trucks.slice((page - 1) * assetsPerPage, page * assetsPerPage);
    return c.html(
      listPage({
        company: account.fleetName,
        layout: list === 'asset_list' ? 'asset_list' : list === 'shuffled_columns' ? 'table' : account.layout.list,
        columns:
          list === 'shuffled_columns' ? ['status', 'customer', 'vehicle', 'vin', 'unit'] : account.layout.columns,
        assets: shown.map((truck) => listedAsset(world, state, truck)),
        page,
        pageCount,
        total: trucks.length,
      }),
    );
  });
  app.get('/assets/:vin', (c) => {
    const { state } = c.var;
    const truck = findTruck(world, state, c.req.param('vin'));
    if (truck === null) return notFound(c);
    if (personaOf(state).markup === 'changed') return c.html(redesignedPage(state.account.fleetName, 4));
    return c.html(oneAssetPage(state.account.fleetName, assetPage(world, state, truck)));
  });
  app.get('/assets/:vin/diagnostics', async (c) => {
    const { state } = c.var;
    const truck = findTruck(world, state, c.req.param('vin'));
    if (truck === null) return notFound(c);
    const hangVin = state.settings.hangVin ?? listedTrucks(world, state)[0]?.vin;
    if (personaOf(state).hangsOnDiagnostics === true && truck.vin === hangVin) await holds.forever(c.req.raw.signal);
    if (personaOf(state).markup === 'changed') return c.html(redesignedPage(state.account.fleetName, 3));
    return c.html(
      diagnosticsPage({
        company: state.account.fleetName,
        vin: truck.vin,
        rows: faultRows(world, state, truck, overrides),
        layout: state.account.layout,
        delayMs: Math.round(80 + (slowestScriptMs - 80) * unit(truck.seed, truck.vin, 'script')),
      }),
    );
  });

  app.get('/assets/:vin/cases', (c) => {
    const { state } = c.var;
    const { cases, list, markup } = personaOf(state);
    const truck = findTruck(world, state, c.req.param('vin'));
    if (truck === null || cases === 'absent') return notFound(c);
    if (markup === 'changed' || cases === 'changed') return c.html(redesignedPage(state.account.fleetName, 5));
    return c.html(
      casesPage({
        company: state.account.fleetName,
        vin: truck.vin,
        cases: casesOf(world, state, truck),
        layout: list === 'asset_list' || state.account.layout.list === 'asset_list' ? 'cards' : 'table',
        isReversed: list === 'shuffled_columns',
      }),
    );
  });

  return {
    app,
    counters: () => counters,
    release: () => holds.release(),
  };
}
