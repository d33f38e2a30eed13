/**
 * The portal simulator and a reader of plain pages in front of it, for tests inside workerd, where no browser runs: real
 * sign-in, real sessions, real pages; only scripts do nothing.
 */
import { portalAccounts } from '#simulators/portal/accounts';
import type { PersonaName } from '#simulators/portal/personas';
import { createPortal, type Portal } from '#simulators/portal/portal';
import { Visitor } from '#simulators/portal/visitor';
import { createClock } from '#simulators/world/clock';
import { createWorld, type World } from '#simulators/world/world';
import { attribute, parsePage, select, selectFirst } from '#worker/scrapes/html';
import type { PortalContext, PortalPage, PortalResponse, WithPortalContext } from '#worker/scrapes/page';

/** Local addresses alone may be spoken to without TLS. */
export const portalOrigin = 'http://127.0.0.1:1';

export interface PlainPortal {
  portal: Portal;
  world: World;
  /** Paths of the pages opened so far. */
  opened: string[];
  withContext: WithPortalContext;
  control(method: string, path: string, body?: unknown): Promise<void>;
  become(username: string, persona: PersonaName): Promise<void>;
}

class PlainPage implements PortalPage {
  private html = '';
  private at = 'about:blank';
  private readonly typed = new Map<string, string>();
  private navigated: ((response: PortalResponse) => void) | null = null;
  private readonly visitor: Visitor;
  private readonly opened: string[];

  constructor(visitor: Visitor, opened: string[]) {
    this.visitor = visitor;
    this.opened = opened;
  }

  goto(url: string): Promise<PortalResponse> {
    return this.follow(this.visitor.ask(url.slice(portalOrigin.length)), url);
  }

  private async follow(first: Promise<Response>, url: string): Promise<PortalResponse> {
    let response = await first;
    this.at = url;
    for (let hop = 0; response.status === 302 && hop < 10; hop++) {
      const to = response.headers.get('location') ?? '/';
      this.at = `${portalOrigin}${to}`;
      response = await this.visitor.ask(to);
    }
    this.opened.push(new URL(this.at).pathname);
    this.html = await response.text();
    this.typed.clear();
    return { status: () => response.status, headers: () => Object.fromEntries(response.headers) };
  }

  waitForNavigation(): Promise<PortalResponse> {
    return new Promise((resolve) => (this.navigated = resolve));
  }

  /** Nothing appears by itself on a page without scripts. */
  waitForSelector(): Promise<never> {
    return new Promise(() => undefined);
  }

  private tree() {
    const page = parsePage(this.html);
    if (page.kind !== 'page') throw new Error(page.reason);
    return page.tree;
  }

  async type(selector: string, text: string): Promise<void> {
    const field = selectFirst(this.tree(), selector);
    if (field === null) throw new Error(`no ${selector}`);
    this.typed.set(attribute(field, 'name') ?? '', text);
  }

  /** The one expression that the sign-in writes: a click, which here sends the page's form. */
  async evaluate(): Promise<boolean> {
    const form = selectFirst(this.tree(), 'form');
    if (form === null) return false;
    const hidden = select(form, 'input[type=hidden]').map((input) => [attribute(input, 'name') ?? '', attribute(input, 'value') ?? ''] as const); // prettier-ignore
    const action = attribute(form, 'action') ?? '/';
    const sent = this.visitor.post(action, { ...Object.fromEntries(hidden), ...Object.fromEntries(this.typed) });
    const response = await this.follow(sent, `${portalOrigin}${action}`);
    this.navigated?.(response);
    return true;
  }

  content = async (): Promise<string> => this.html;
  url = (): string => this.at;
  screenshot = async (): Promise<Uint8Array> => new Uint8Array([1]);
  close = async (): Promise<void> => undefined;
}

/** A portal over a world that begins at `anchorMs` and goes by `now`. */
export function plainPortal({ anchorMs, now }: { anchorMs: number; now: () => number }): PlainPortal {
  const world = createWorld({ seed: 2026, clock: createClock({ anchorMs, speed: 1, now }) });
  const portal = createPortal({
    world,
    accounts: portalAccounts,
    now,
    requestsPerSecond: 100_000,
    remoteAddressOf: () => '127.0.0.1',
  });
  const opened: string[] = [];
  const operator = new Visitor(portal);
  const control = async (method: string, path: string, body?: unknown): Promise<void> => {
    const answer = await operator.control(method, path, body);
    if (!answer.ok) throw new Error(`control ${path}: ${answer.status} ${await answer.text()}`);
  };
  const newContext = (): PortalContext => {
    const visitor = new Visitor(portal);
    return {
      newPage: async () => new PlainPage(visitor, opened),
      cookies: async () =>
        [...visitor.cookies].map(([name, value]) => ({
          ...{ name, value, domain: 'portal.test', path: '/', expires: -1, httpOnly: true, secure: false },
        })),
      setCookies: async (cookies) => cookies.forEach(({ name, value }) => visitor.cookies.set(name, value)),
    };
  };
  return {
    portal,
    world,
    opened,
    withContext: (work) => work(newContext()),
    control,
    become: (username, persona) => control('PUT', `/accounts/${username}`, { persona }),
  };
}
