/** A small visitor for the portal's tests: keeps cookies as a browser does and fills in forms. */
import type { Portal } from './portal.ts';

const origin = 'http://portal.test';

export class Visitor {
  readonly cookies = new Map<string, string>();
  private readonly portal: Portal;

  constructor(portal: Portal) {
    this.portal = portal;
  }

  /** One request, redirects not followed. */
  async ask(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    if (this.cookies.size > 0) {
      headers.set('Cookie', [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; '));
    }
    const response = await this.portal.app.request(`${origin}${path}`, { ...init, headers });
    for (const line of response.headers.getSetCookie()) {
      const [pair = '', ...attributes] = line.split('; ');
      const [name = '', value = ''] = pair.split('=');
      if (attributes.some((attribute) => attribute.toLowerCase() === 'max-age=0')) this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    return response;
  }

  async text(path: string): Promise<string> {
    return (await this.ask(path)).text();
  }

  /** Opens the page of a form and posts it with its token. */
  async send(path: string, fields: Record<string, string>): Promise<Response> {
    const token = /name="_csrf"\s+value="([^"]+)"/.exec(await this.text(path))?.[1] ?? '';
    return this.post(path, { _csrf: token, ...fields });
  }

  post(path: string, fields: Record<string, string>, headers: Record<string, string> = {}): Promise<Response> {
    return this.ask(path, { method: 'POST', body: new URLSearchParams(fields), headers });
  }

  signIn(username: string, password = 'Portal-Demo-2026!'): Promise<Response> {
    return this.send('/login', { auth_key: username, password });
  }

  control(method: string, path: string, body?: unknown): Promise<Response> {
    return this.ask(`/_control${path}`, { method, body: body === undefined ? undefined : JSON.stringify(body) });
  }
}
