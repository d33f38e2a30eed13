/**
 * Signing in to the portal as the tenant, honestly: its own user name and password, its own policies, its own code.
 * A session that still holds is used again, so that the tenant's account does not sign in every quarter of an hour.
 */
import {
  acceptButton,
  classifySignInPage,
  errorSelector,
  mfaCodeSelector,
  passwordSelector,
  policyBoxCount,
  policyBoxSelector,
  submitSelector,
  userNameSelector,
  type SignInPage,
} from './classify.ts';
import { totpCode } from './totp.ts';
import { addressOf, refuseTrouble, type Surroundings } from './visit.ts';
import { ScrapeError, toScrapeError } from '../errors.ts';
import type { PortalContext, PortalCookie, PortalPage } from '../page.ts';
import type { PortalAccess } from '../portal-terms.ts';

/** Form, policies, code, dashboard, and one of each again; more is a circle. */
const maxHops = 8;

/**
 * Leaves `context` signed in and returns its cookies; null when the stored ones still held, so that nothing is new.
 * Throws LOGIN_FAILED with the portal's own sentence, MFA_REQUIRED, MARKUP_CHANGED, or what the portal's trouble means.
 */
export async function ensureSignedIn(
  context: PortalContext,
  access: PortalAccess,
  stored: PortalCookie[],
  around: Surroundings,
): Promise<PortalCookie[] | null> {
  const page = await context.newPage();
  try {
    if (stored.length > 0) {
      await context.setCookies(stored);
      if (await sessionHolds(page, around)) return null;
    }
    await signIn(page, access, around);
    return await context.cookies();
  } finally {
    await page.close().catch(() => undefined);
  }
}

async function sessionHolds(page: PortalPage, around: Surroundings): Promise<boolean> {
  const response = await page.goto(addressOf(around.baseUrl, '/dashboard'), {
    waitUntil: 'domcontentloaded',
    timeout: around.terms.pageTimeoutMs,
  });
  refuseTrouble(response, around.clock);
  if ((response?.status() ?? 200) >= 400) return false;
  return classifySignInPage(await page.content(), page.url()).at === 'signed_in';
}

async function signIn(page: PortalPage, access: PortalAccess, around: Surroundings): Promise<void> {
  const response = await page.goto(addressOf(around.baseUrl, '/login'), {
    waitUntil: 'domcontentloaded',
    timeout: around.terms.pageTimeoutMs,
  });
  refuseTrouble(response, around.clock);
  const done = { password: 0, policies: 0, code: 0 };
  for (let hop = 0; hop < maxHops; hop++) {
    const html = await page.content();
    const state = classifySignInPage(html, page.url());
    if (state.at === 'signed_in') return;
    if (state.at === 'login' || state.at === 'refused') {
      // A complaint shown before anything was typed is about an older session, not about this password.
      if (done.password > 0) throw refusal(state);
      done.password += 1;
      await page.type(userNameSelector, access.username);
      await page.type(passwordSelector, access.password);
      await submit(page, () => clickElement(page, submitSelector), state, around);
    } else if (state.at === 'policies') {
      const button = acceptButton(html);
      if (button === null || done.policies >= 2) throw await unrecognised(page, 'policies', around);
      done.policies += 1;
      // Each click ticks the first box that is not ticked yet.
      for (let box = Math.min(policyBoxCount(html), 10); box > 0; box--) await clickElement(page, policyBoxSelector);
      await submit(page, () => clickElement(page, button), state, around);
    } else if (state.at === 'mfa') {
      if (access.totpSecret === null || done.code > 0) throw mfaRequired(done.code > 0);
      done.code += 1;
      await page.type(mfaCodeSelector, await totpCode(access.totpSecret, around.clock.now()));
      await submit(page, () => clickElement(page, submitSelector), state, around);
    } else {
      throw await unrecognised(page, 'sign-in', around);
    }
  }
  throw await unrecognised(page, 'sign-in', around);
}

const refusal = (state: SignInPage): ScrapeError =>
  new ScrapeError(
    'LOGIN_FAILED',
    state.at === 'refused'
      ? `The portal refused the sign-in: ${state.message}`
      : 'The portal asked for the password again without saying why.',
  );

const mfaRequired = (tried: boolean): ScrapeError =>
  new ScrapeError(
    'MFA_REQUIRED',
    tried
      ? 'The portal did not accept the one-time code.'
      : 'The portal asks for a one-time code and no authenticator secret is stored.',
  );

async function unrecognised(page: PortalPage, what: string, around: Surroundings): Promise<ScrapeError> {
  const error = new ScrapeError('MARKUP_CHANGED', `The portal's ${what} page was not recognised.`);
  error.evidenceKey = await around.saveEvidence(page, what);
  return error;
}

/**
 * Clicks an element itself, not a place on the screen: right after loading, and without style sheets, places move.
 * The click is put off a moment, so that the page it leads to does not cut off our own call.
 */
async function clickElement(page: PortalPage, selector: string): Promise<void> {
  const element = `document.querySelector(${JSON.stringify(selector)})`;
  await page.evaluate(
    `new Promise((done) => { const e = ${element}; setTimeout(() => e?.click(), 0); done(e !== null); })`,
  );
}

/** Clicks and waits for the next page, or for a complaint that a script writes into this one. */
async function submit(
  page: PortalPage,
  click: () => Promise<void>,
  before: SignInPage,
  around: Surroundings,
): Promise<void> {
  const timeout = around.terms.pageTimeoutMs;
  const navigation = page.waitForNavigation({ waitUntil: 'domcontentloaded', timeout }).then(
    (response) => ({ response, error: null }),
    (error: unknown) => ({ response: null, error: toScrapeError(error) }),
  );
  await click();
  const complaint =
    before.at === 'refused'
      ? null
      : page
          .waitForSelector(complaintSelector, { timeout })
          .then(() => ({ response: null, error: null }))
          // Navigation ends this wait with an error of its own; the navigation is what counts then.
          .catch(() => navigation);
  const outcome = await (complaint ? Promise.race([navigation, complaint]) : navigation);
  if (outcome.error) throw outcome.error;
  refuseTrouble(outcome.response, around.clock);
}

const complaintSelector = errorSelector
  .split(', ')
  .map((selector) => `${selector}:not(:empty)`)
  .join(', ');
