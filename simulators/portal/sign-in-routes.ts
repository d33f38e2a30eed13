/** Signing in to the portal: user name and password, the code after it, the agreement, and signing out. */
import type { Context, Hono } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import type { Holds } from './holds.ts';
import type { Html } from './pages/frame.ts';
import { codePage, loginPage, policiesPage } from './pages/sign-in.ts';
import { personaOf, type AccountState, type PortalCounters } from './portal-state.ts';
import { formCookie, sessionCookie, type PortalSession, type SessionStore } from './sessions.ts';
import { matchingStep } from './totp.ts';

export type PortalEnv = { Variables: { session: PortalSession; state: AccountState } };

export interface SignInOptions {
  sessions: SessionStore;
  accounts: ReadonlyMap<string, AccountState>;
  counters: () => PortalCounters;
  holds: Holds;
  now: () => number;
  lifetimeMs: number;
}

const wrongCodesAllowed = 5;
const staleForm = 'This form is no longer valid. Please try again.';

/** Where a session belongs that has come this far. */
export const pageOfStage = (session: PortalSession): string =>
  ({ code: '/login/verify', policies: '/policies', full: '/dashboard' })[session.stage];

/** Sends the client to the sign-in form; one whose cookie is no longer good is told so there. */
export function toLogin(c: Context): Response {
  const hadCookie = getCookie(c, sessionCookie) !== undefined;
  deleteCookie(c, sessionCookie, { path: '/' });
  return c.redirect(hadCookie ? '/login?expired=1' : '/login');
}

const afterCode = (state: AccountState) =>
  personaOf(state).mustAcceptPolicies === true && !state.hasAcceptedPolicies ? 'policies' : 'full';

/** Adds the sign-in routes. `/login/verify` and `/policies` expect the session middleware in front of them. */
export function signInRoutes(app: Hono<PortalEnv>, options: SignInOptions): void {
  const { sessions, accounts, counters, holds, now, lifetimeMs } = options;
  const withForm = (c: Context, page: (token: string) => Html, status: 200 | 403 = 200) => {
    const form = sessions.openForm();
    setCookie(c, formCookie, form.id, { path: '/', httpOnly: true, sameSite: 'Lax' });
    return c.html(page(form.token), status);
  };
  const showLogin = (c: Context, error: string | null, status: 200 | 403 = 200) =>
    withForm(c, (token) => loginPage({ token, error, isExpired: c.req.query('expired') === '1' }), status);
  const startSession = (c: Context, session: PortalSession) => {
    setCookie(c, sessionCookie, session.id, {
      path: '/',
      httpOnly: true,
      sameSite: 'Lax',
      maxAge: Math.floor(lifetimeMs / 1000),
    });
    deleteCookie(c, formCookie, { path: '/' });
    return c.redirect(pageOfStage(session));
  };
  const formFields = async (c: Context) => {
    const body = await c.req.parseBody();
    return (name: string) => (typeof body[name] === 'string' ? body[name] : '');
  };

  /** A posted form: from this site, with the token of the page it came from. */
  const checksForm = async (c: Context) => {
    const origin = c.req.header('Origin');
    if (origin !== undefined && origin !== new URL(c.req.url).origin) return null;
    const field = await formFields(c);
    return sessions.takeForm(getCookie(c, formCookie), field('_csrf')) ? field : null;
  };

  app.get('/login', (c) => {
    const session = sessions.get(getCookie(c, sessionCookie));
    return session === null ? showLogin(c, null) : c.redirect(pageOfStage(session));
  });
  app.post('/login', async (c) => {
    const field = await checksForm(c);
    if (field === null) return showLogin(c, staleForm, 403);
    const state = accounts.get(field('auth_key').trim());
    if (state !== undefined && personaOf(state).hangsOnLogin === true) await holds.forever(c.req.raw.signal);
    if (state === undefined || state.account.password !== field('password')) {
      counters().wrongLogins += 1;
      return showLogin(c, 'Invalid user name or password.');
    }
    counters().logins += 1;
    await holds.pause(state.settings.latencyMs, c.req.raw.signal);
    const { asksForCode } = personaOf(state);
    return startSession(c, sessions.create(state.account.username, asksForCode === true ? 'code' : afterCode(state)));
  });
  app.get('/logout', (c) => {
    const session = sessions.get(getCookie(c, sessionCookie));
    if (session !== null) sessions.end(session);
    deleteCookie(c, sessionCookie, { path: '/' });
    return c.redirect('/login');
  });

  app.get('/login/verify', (c) =>
    c.var.session.stage === 'code'
      ? withForm(c, (token) => codePage({ token, error: null }))
      : c.redirect(pageOfStage(c.var.session)),
  );
  app.post('/login/verify', async (c) => {
    const { session, state } = c.var;
    if (session.stage !== 'code') return c.redirect(pageOfStage(session));
    const field = await checksForm(c);
    if (field === null) return withForm(c, (token) => codePage({ token, error: staleForm }), 403);
    const step = matchingStep(state.account.totpSecret, field('code').trim(), now());
    if (step === null || state.usedSteps.has(step)) {
      session.wrongCodes += 1;
      if (session.wrongCodes >= wrongCodesAllowed) {
        sessions.end(session);
        return toLogin(c);
      }
      return withForm(c, (token) => codePage({ token, error: 'This verification code is not valid.' }));
    }
    state.usedSteps.add(step);
    session.stage = afterCode(state);
    return c.redirect(pageOfStage(session));
  });
  app.get('/policies', (c) =>
    c.var.session.stage === 'policies'
      ? withForm(c, (token) => policiesPage({ token, error: null }))
      : c.redirect(pageOfStage(c.var.session)),
  );
  app.post('/policies', async (c) => {
    const { session, state } = c.var;
    if (session.stage !== 'policies') return c.redirect(pageOfStage(session));
    const field = await checksForm(c);
    if (field === null) return withForm(c, (token) => policiesPage({ token, error: staleForm }), 403);
    if (field('accept') !== 'yes') {
      return withForm(c, (token) => policiesPage({ token, error: 'Please tick the box to accept.' }));
    }
    state.hasAcceptedPolicies = true;
    session.stage = 'full';
    return c.redirect('/dashboard');
  });
}
