/** Sign-in forms and sessions of the portal. */
import { randomUUID } from 'node:crypto';

/** How far a sign-in has come; only `full` sees the fleet. */
export type SessionStage = 'code' | 'policies' | 'full';

export interface PortalSession {
  id: string;
  username: string;
  stage: SessionStage;
  expiresMs: number;
  wrongCodes: number;
  /** Starts of the requests of the last second, oldest first. */
  recentMs: number[];
}

export const sessionCookie = 'TTSESSION';
export const formCookie = 'TTFORM';
export const sessionLifetimeMs = 24 * 3_600_000;
const formLifetimeMs = 3_600_000;
/** Forms fetched and never sent must not grow the memory for ever. */
const mostForms = 10_000;

export class SessionStore {
  private readonly sessions = new Map<string, PortalSession>();
  private readonly forms = new Map<string, { token: string; expiresMs: number }>();
  private readonly now: () => number;
  private readonly lifetimeMs: number;

  constructor(now: () => number, lifetimeMs: number) {
    this.now = now;
    this.lifetimeMs = lifetimeMs;
  }

  /** A new form: its id goes into a cookie, its token into the page. */
  openForm(): { id: string; token: string } {
    const form = { id: randomUUID(), token: randomUUID() };
    this.forms.set(form.id, { token: form.token, expiresMs: this.now() + formLifetimeMs });
    for (const id of this.forms.keys()) {
      if (this.forms.size <= mostForms) break;
      this.forms.delete(id);
    }
    return form;
  }

  /** Whether the token belongs to the form of the cookie; a form can be sent once. */
  takeForm(id: string | undefined, token: unknown): boolean {
    const form = id === undefined ? undefined : this.forms.get(id);
    if (id === undefined || form === undefined) return false;
    this.forms.delete(id);
    return form.token === token && form.expiresMs > this.now();
  }

  create(username: string, stage: SessionStage): PortalSession {
    const id = `${randomUUID()}${randomUUID()}`.replaceAll('-', '');
    const session: PortalSession = {
      id,
      username,
      stage,
      expiresMs: this.now() + this.lifetimeMs,
      wrongCodes: 0,
      recentMs: [],
    };
    this.sessions.set(id, session);
    return session;
  }

  /** The live session of a cookie, or null when there is none or its day is over. */
  get(id: string | undefined): PortalSession | null {
    const session = id === undefined ? undefined : this.sessions.get(id);
    if (session === undefined) return null;
    if (session.expiresMs > this.now()) return session;
    this.sessions.delete(session.id);
    return null;
  }

  end(session: PortalSession): void {
    this.sessions.delete(session.id);
  }

  /** Ends every session of an account, as when its persona changes. */
  endAllOf(username: string): void {
    for (const session of this.sessions.values()) {
      if (session.username === username) this.sessions.delete(session.id);
    }
  }

  count(): number {
    return this.sessions.size;
  }
}

/** Counts a request against the session's second; false when there were already `perSecond`. */
export function admits(session: PortalSession, nowMs: number, perSecond: number): boolean {
  const oldest = session.recentMs.findIndex((atMs) => atMs > nowMs - 1000);
  session.recentMs.splice(0, oldest < 0 ? session.recentMs.length : oldest);
  if (session.recentMs.length >= perSecond) return false;
  session.recentMs.push(nowMs);
  return true;
}
