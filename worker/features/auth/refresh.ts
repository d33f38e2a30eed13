/** What becomes of a refresh token that somebody sends. */
import type { Delivery } from '#contracts/auth';
import type { AppContext } from '../../http/context.ts';
import { AppError } from '../../http/errors.ts';
import { closeSockets } from './revocation.ts';
import { forgetRefreshCookie } from './sign-in-result.ts';
import { rotateRefreshToken, type RotationResult } from './store.ts';

type Rotated = Extract<RotationResult, { kind: 'rotated' }>;

const refusals: Record<Exclude<RotationResult['kind'], 'rotated'>, () => AppError> = {
  unknown: () => new AppError('UNAUTHENTICATED', 'The refresh token is not known.'),
  ended: () => new AppError('TOKEN_REVOKED', 'This session has ended. Sign in again.'),
  expired: () => new AppError('TOKEN_EXPIRED', 'The refresh token has expired. Sign in again.'),
  suspended: () => new AppError('USER_TOKENS_REVOKED', 'This account has been suspended.'),
  reused: () => new AppError('TOKEN_REUSED', 'This refresh token was used before; its session has been ended.'),
};

/** The next pair for a right token; throws for every other, and closes the sockets of a family that was ended by reuse. */
export async function refresh(c: AppContext, token: string, delivery: Delivery): Promise<Rotated> {
  const result = await rotateRefreshToken(c.get('db'), c.get('audit'), token, c.get('now'));
  if (result.kind === 'rotated') return result;
  if (delivery === 'cookie') forgetRefreshCookie(c);
  if (result.kind === 'reused') {
    const { tenantId, sessionId } = result;
    c.get('audit').actorTenantId = tenantId;
    await closeSockets(c.env, tenantId, { endedSessionIds: [sessionId] });
  }
  throw refusals[result.kind]();
}
