/**
 * Where in the sign-in a page stands, read off its HTML and address. Pure: the steps only act on the answer.
 */
import { attribute, parsePage, select, selectFirst, textOf, type PageElement, type PageTree } from '../html.ts';
import { cleanText } from '../text.ts';

export type SignInPage =
  | { at: 'signed_in' }
  /** The sign-in form with no complaint. */
  | { at: 'login' }
  /** The sign-in form with the portal's own sentence of refusal. */
  | { at: 'refused'; message: string }
  | { at: 'policies' }
  | { at: 'mfa' }
  | { at: 'unknown' };

export const userNameSelector = '#auth_key';
export const passwordSelector = 'input[type=password]';
export const submitSelector = 'button[type=submit], input[type=submit]';
export const errorSelector = '.error, .alert-danger';
export const mfaCodeSelector =
  'input[name=code], input[autocomplete=one-time-code], input[placeholder*=code i], input[name=otp], input[name=totp]';

/** Says what the page asks for. Several marks are looked for each, because portals change one at a time. */
export function classifySignInPage(html: string, url: string): SignInPage {
  const page = parsePage(html);
  if (page.kind !== 'page') return { at: 'unknown' };
  const { tree } = page;
  const path = pathOf(url);
  if (selectFirst(tree, userNameSelector) && selectFirst(tree, passwordSelector)) {
    const message = refusalIn(tree);
    return message === null ? { at: 'login' } : { at: 'refused', message };
  }
  // The dashboard may mention verification or policies in passing; its address settles it.
  if (/^\/(?:dashboard|assets|home)\b/.test(path) && !selectFirst(tree, 'input[name=code]')) return { at: 'signed_in' };
  if (isPolicies(tree, path)) return { at: 'policies' };
  if (isMfa(tree, path)) return { at: 'mfa' };
  const message = refusalIn(tree);
  if (message !== null && /^\/(?:login|sign-?in|auth)\b/.test(path)) return { at: 'refused', message };
  if (selectFirst(tree, 'a[href*="logout"], a[href*="sign-out"], form[action*="logout"]')) return { at: 'signed_in' };
  return { at: 'unknown' };
}

/** True when a page that should show data is the sign-in form instead: the session has ended. */
export const isSignInForm = (html: string, url: string): boolean => {
  if (/^\/(?:login|sign-?in)\b/.test(pathOf(url))) return true;
  const page = html.includes('auth_key') ? parsePage(html) : null;
  return page?.kind === 'page' && selectFirst(page.tree, userNameSelector) !== null;
};

const pathOf = (url: string): string => {
  try {
    return new URL(url).pathname.toLowerCase();
  } catch {
    return '';
  }
};

function refusalIn(tree: PageTree): string | null {
  for (const element of select(tree, errorSelector)) {
    if (isHidden(element)) continue;
    const message = cleanText(textOf(element), 300);
    if (message !== '') return message;
  }
  return null;
}

const isHidden = (element: PageElement): boolean =>
  attribute(element, 'hidden') !== null || /display\s*:\s*none/i.test(attribute(element, 'style') ?? '');

function isPolicies(tree: PageTree, path: string): boolean {
  if (/polic(?:y|ies)|agreement|terms/.test(path)) return true;
  const headings = select(tree, 'h1, h2, h3, legend, title').map(textOf).join(' ');
  return (
    /polic(?:y|ies)\s*(?:&|and)\s*agreements?|terms (?:of|and)/i.test(headings) && acceptButtonSelector(tree) !== null
  );
}

function isMfa(tree: PageTree, path: string): boolean {
  if (selectFirst(tree, mfaCodeSelector)) return true;
  if (/mfa|two-?factor|verif(?:y|ication)|2fa/.test(path)) return true;
  return /\bverification\b|\btwo-?factor\b/i.test(textOf(tree));
}

/** Selector of the button that accepts the policies, as precise as the page allows; null when there is none. */
export function acceptButton(html: string): string | null {
  const page = parsePage(html);
  return page.kind === 'page' ? acceptButtonSelector(page.tree) : null;
}

function acceptButtonSelector(tree: PageTree): string | null {
  const fixed = [
    'button#accept',
    'button[name=accept]',
    'input[name=accept][type=submit]',
    'button.accept',
    'button[value=accept]',
  ];
  for (const selector of fixed) if (selectFirst(tree, selector)) return selector;
  // A selector from the page's own words would let the page choose; only the button's kind is used.
  const buttons = select(tree, 'form button, form input[type=submit]');
  const accepts = buttons.filter((button) =>
    /accept|agree|continue/i.test(textOf(button) || (attribute(button, 'value') ?? '')),
  );
  if (accepts.length === 0) return null;
  return select(tree, 'button[type=submit]').length > 0
    ? 'form button[type=submit]'
    : 'form button, form input[type=submit]';
}

/** Boxes that must be ticked before the policies can be accepted. */
export const policyBoxSelector = 'form input[type=checkbox]:not(:checked)';

/** How many boxes the policies page wants ticked. */
export function policyBoxCount(html: string): number {
  const page = parsePage(html);
  if (page.kind !== 'page') return 0;
  return select(page.tree, 'form input[type=checkbox]').filter((box) => attribute(box, 'checked') === null).length;
}
