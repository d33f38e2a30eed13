/** A person's own sessions: ending them in D1, in the audit log and on the sockets together. */
import type { Session } from '#contracts/auth';
import type { PageMeta } from '#contracts/primitives';
import type { AppContext, UserCaller } from '../../http/context.ts';
import { notFound } from '../../http/errors.ts';
import { pageMeta, pageWindow } from '../../http/routes.ts';
import { closeSockets, type EndReason } from './revocation.ts';
import { endAllSessionsOf, endSessionOf, listSessions, type SessionRow } from './store.ts';

const toSession = (row: SessionRow, current: string): Session => ({
  id: row.id,
  createdAt: row.createdAt,
  lastUsedAt: row.lastUsedAt,
  ip: row.ip,
  userAgent: row.userAgent,
  method: row.method,
  isCurrent: row.id === current,
});

/** One page of the sessions that still live, last used first. */
export async function listOwn(
  c: AppContext,
  { id: userId, sessionId }: UserCaller,
  query: { page?: number | undefined; pageSize?: number | undefined },
): Promise<{ data: Session[]; meta: PageMeta }> {
  const { rows, total } = await listSessions(c.get('db'), userId, c.get('now'), pageWindow(query));
  return { data: rows.map((row) => toSession(row, sessionId)), meta: pageMeta(query, total) };
}

/** Ends one of the caller's sessions; NOT_FOUND when it is not theirs, or over. */
export async function endOne(
  c: AppContext,
  { id: userId, tenant }: UserCaller,
  sessionId: string,
  reason: EndReason,
): Promise<void> {
  const tenantId = tenant?.id ?? null;
  const now = c.get('now');
  if (!(await endSessionOf(c.get('db'), c.get('audit'), { userId, tenantId }, sessionId, reason, now))) {
    throw notFound('session');
  }
  await closeSockets(c.env, tenantId, { endedSessionIds: [sessionId] });
}

/** Ends every session of the caller, this one with them. */
export async function endAll(c: AppContext, { id: userId, tenant }: UserCaller): Promise<void> {
  const tenantId = tenant?.id ?? null;
  const endedSessionIds = await endAllSessionsOf(
    c.get('db'),
    c.get('audit'),
    { userId, tenantId },
    'logout_all',
    c.get('now'),
  );
  await closeSockets(c.env, tenantId, { userIds: [userId], endedSessionIds });
}
