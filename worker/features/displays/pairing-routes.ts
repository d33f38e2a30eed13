/**
 * Pairing as a screen sees it (RFC 8628): it asks for a pair of codes, shows one, and asks with the other until somebody
 * has claimed it. Nobody is signed in here; the device code is 32 random bytes and nothing else opens anything.
 */
import { createRoute } from '@hono/zod-openapi';
import { createMiddleware } from 'hono/factory';
import {
  deviceCodeSchema,
  displayLimits,
  displayTokenInputSchema,
  displayTokenPrefix,
  displayTokenSchema,
} from '#contracts/displays';
import { oneOf } from '#contracts/primitives';
import { configOf } from '../../env.ts';
import { jsonBody } from '../../http/body.ts';
import { clientOf, limitSubjectOf } from '../../http/client-address.ts';
import type { AppContext, AppEnv } from '../../http/context.ts';
import { AppError } from '../../http/errors.ts';
import { countRequest } from '../../http/rate-limit.ts';
import { answer, body, bodyErrors, errors, noQuery, router } from '../../http/routes.ts';
import { hashToken, newOpaqueToken } from '../../http/tokens.ts';
import { createCode, getCode, handOutToken, noteAsked } from './codes-store.ts';
import { toOwnDisplay } from './present.ts';
import { judgeAsk, newUserCode } from './rules.ts';

const tags = ['Displays'];
const deviceCodePrefix = 'dc_';

/** Codes an address may ask for in a minute, at the default of 100 requests: a whole hall that is switched on at once. */
const codesPer100 = 30;
/** Questions an address may ask in a minute, at the default: fifty screens that wait at the pace they were given. */
const questionsPer100 = 600;

const limitedTo = (kind: string, per100: number) =>
  createMiddleware<AppEnv>(async (c, next) => {
    const limit = Math.max(1, Math.floor((configOf(c.env).requestsPerMinute * per100) / 100));
    await countRequest(c, `${kind}:${limitSubjectOf(clientOf(c).ip)}`, limit);
    await next();
  });

/** So many of the 387 million codes are never taken at once that a third draw would be a marvel. */
const drawsAtMost = 5;

async function newCode(c: AppContext): Promise<{ deviceCode: string; userCode: string }> {
  const deviceCode = newOpaqueToken(deviceCodePrefix);
  const deviceCodeHash = await hashToken(deviceCode);
  for (let draw = 1; draw <= drawsAtMost; draw += 1) {
    const userCode = newUserCode((count) => crypto.getRandomValues(new Uint8Array(count)));
    const made = await createCode(c.get('db'), { deviceCodeHash, userCode }, c.get('now'));
    if (made === 'made') return { deviceCode, userCode };
    if (made === 'full') break;
  }
  throw new AppError('UNAVAILABLE', 'Too many screens wait to be paired right now. Try again in a minute.', {
    retryAfterSeconds: 60,
  });
}

const pending = (intervalSeconds: number) =>
  new AppError('AUTHORIZATION_PENDING', 'Nobody has claimed the code on the screen yet.', {
    details: { interval: intervalSeconds },
  });
const slowDown = (intervalSeconds: number) =>
  new AppError('SLOW_DOWN', `Too soon. Wait ${intervalSeconds} s between two questions from now on.`, {
    details: { interval: intervalSeconds },
    retryAfterSeconds: intervalSeconds,
  });
const askErrors = ['AUTHORIZATION_PENDING', 'SLOW_DOWN', 'EXPIRED_TOKEN', 'ACCESS_DENIED'] as const;
const expired = () => new AppError('EXPIRED_TOKEN', 'This code has run out or was used. Ask for a new one.');
const denied = () => new AppError('ACCESS_DENIED', 'Somebody has refused this display.');

export const displayPairingRoutes = router()
  .openapi(
    createRoute({
      method: 'post',
      path: '/displays/device-code',
      tags,
      summary: 'A screen asks to be paired: one code to show, one to ask with',
      middleware: [limitedTo('device_code', codesPer100)],
      request: { query: noQuery },
      responses: {
        200: answer(oneOf(deviceCodeSchema), 'The codes'),
        ...errors('VALIDATION_FAILED', 'RATE_LIMITED', 'UNAVAILABLE'),
      },
    }),
    async (c) => {
      const { deviceCode, userCode } = await newCode(c);
      const confirmAt = new URL('/settings/displays', configOf(c.env).publicUrl);
      confirmAt.searchParams.set('code', userCode);
      const data = {
        ...{ deviceCode, userCode, verificationUri: confirmAt.href },
        expiresIn: displayLimits.deviceCodeSeconds,
        interval: displayLimits.pollEverySeconds,
      };
      return c.json({ data }, 200);
    },
  )
  .openapi(
    createRoute({
      method: 'post',
      path: '/displays/token',
      tags,
      summary: 'A screen asks whether it has been claimed; the token is handed out once',
      middleware: [limitedTo('display_token', questionsPer100), jsonBody()],
      request: { query: noQuery, body: body(displayTokenInputSchema) },
      responses: {
        200: answer(oneOf(displayTokenSchema), 'The token: this answer is the only place that shows it'),
        ...errors(...askErrors, ...bodyErrors, 'RATE_LIMITED', 'UNAVAILABLE'),
      },
    }),
    async (c) => {
      const [db, now] = [c.get('db'), c.get('now')];
      const code = await getCode(db, await hashToken(c.req.valid('json').deviceCode));
      // One that never was is told what one that is long over is told: begin again (RFC 6749 calls both invalid_grant).
      if (code === null) throw expired();
      const outcome = judgeAsk(code, now.getTime());
      if (outcome.kind === 'denied') throw denied();
      if (outcome.kind === 'expired') throw expired();
      if (outcome.kind === 'pending') {
        const { isTooSoon, intervalSeconds } = outcome;
        // Somebody asked with the same code at the same moment: that is too soon, too.
        const isNoted = await noteAsked(db, code, intervalSeconds, now);
        throw isTooSoon || !isNoted ? slowDown(intervalSeconds) : pending(intervalSeconds);
      }
      const { display } = code;
      if (display === null) throw new Error('a claimed code names no display');
      c.get('audit').actAs('display', display.id, display.tenantId);
      const displayToken = newOpaqueToken(displayTokenPrefix);
      const row = await handOutToken(db, c.get('audit'), { ...code, display }, await hashToken(displayToken), now);
      if (row === null) throw expired();
      return c.json({ data: { displayToken, display: toOwnDisplay(row) } }, 200);
    },
  );
