/** Which web pages are ours: only a browser names its page's origin, and what it names there cannot be forged by a page. */
import { configOf } from '../env.ts';
import type { AppContext } from './context.ts';

/** True for the Worker's own origin and for those of ALLOWED_ORIGINS. */
export const isOwnOrigin = (c: AppContext, origin: string): boolean =>
  origin === new URL(c.req.url).origin || configOf(c.env).allowedOrigins.includes(origin);
