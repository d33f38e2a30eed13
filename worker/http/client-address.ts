/** Where a request came from, as Cloudflare says; a header that clients write themselves is never believed. */
import type { AppContext } from './context.ts';

export interface Client {
  ip: string | null;
  userAgent: string | null;
}

const userAgentKept = 500;

export const clientOf = (c: AppContext): Client => ({
  ip: c.req.header('cf-connecting-ip') ?? null,
  userAgent: c.req.header('user-agent')?.slice(0, userAgentKept) ?? null,
});
