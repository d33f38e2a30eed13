/** The mail simulator: a provider's API on one side, an inbox page on the other, a mailbox between them. */
import { Hono, type Context } from 'hono';
import { inboxCss, inboxJs } from './assets.ts';
import { mailControl } from './control.ts';
import { emailApi, localApiKey } from './email-api.ts';
import type { Mailbox } from './mailbox.ts';
import { emptyCounters, well, type MailCounters } from './moods.ts';
import { inboxPage, listFragment, messagePane, type InboxView } from './pages.ts';

export interface MailOptions {
  mailbox: Mailbox;
  /** Epoch milliseconds. */
  now?: () => number;
  apiKey?: string;
  /** Above this the API answers 429. */
  requestsPerSecond?: number;
  /** Where a request comes from; needed for the control routes, which refuse when it is not known. */
  remoteAddressOf?: (c: Context) => string | null;
}

export interface MailSimulator {
  app: Hono;
  counters(): MailCounters;
}

const defaultRequestsPerSecond = 20;

/** Names by which this machine is called; another one means that a foreign page points its name here. */
const ownNames = /^(?:127\.0\.0\.1|localhost|\[::1\])(?::\d{1,5})?$/;

/** `style-src` lets the message's own inline styles through, which a framed document inherits. */
const pagePolicy =
  "default-src 'none'; style-src 'self' 'unsafe-inline'; script-src 'self'; connect-src 'self'; img-src data:; " +
  "form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const hang = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));

/** Builds the simulator over a mailbox. Nothing listens yet. */
export function createMailSimulator(options: MailOptions): MailSimulator {
  const { mailbox, now = Date.now } = options;
  let counters = emptyCounters();
  let mood = well;
  const app = new Hono();

  app.use('*', async (c, next) => {
    if (!ownNames.test(c.req.header('host') ?? new URL(c.req.url).host)) return c.text('Not this host.', 421);
    await next();
    c.header('Cache-Control', 'no-store');
    c.header('X-Content-Type-Options', 'nosniff');
    c.header('Referrer-Policy', 'no-referrer');
    c.header('Content-Security-Policy', pagePolicy);
  });
  app.onError((error, c) => {
    console.error('mail simulator:', error);
    return c.json({ statusCode: 500, name: 'application_error', message: 'An unexpected error occurred.' }, 500);
  });

  app.route(
    '/',
    emailApi({
      mailbox,
      now,
      counters: () => counters,
      apiKey: options.apiKey ?? localApiKey,
      requestsPerSecond: options.requestsPerSecond ?? defaultRequestsPerSecond,
      hang,
      nextMood: () => {
        const current = mood;
        if (current.times !== undefined) mood = current.times > 1 ? { ...current, times: current.times - 1 } : well;
        return current;
      },
    }),
  );
  app.route(
    '/_control',
    mailControl({
      mailbox,
      mood: () => mood,
      setMood: (next) => {
        mood = next;
      },
      counters: () => counters,
      resetCounters: () => {
        counters = emptyCounters();
      },
      remoteAddressOf: options.remoteAddressOf ?? (() => null),
    }),
  );

  const viewOf = (c: Context, selectedId: string | null): InboxView => {
    const filter = (c.req.query('q') ?? '').trim().slice(0, 200);
    const all = mailbox.list();
    const wanted = filter.toLowerCase();
    const mails = all.filter(({ to, subject }) => `${to}\n${subject}`.toLowerCase().includes(wanted));
    return { mails, total: all.length, filter, selectedId };
  };
  const countOf = ({ total }: InboxView): string => (total === 1 ? '1 message' : `${total} messages`);

  app.get('/', (c) => c.html(inboxPage(viewOf(c, null), null)));
  app.get('/list', (c) => {
    const view = viewOf(c, c.req.query('selected') ?? null);
    c.header('X-Messages', countOf(view));
    return c.html(listFragment(view));
  });
  app.get('/messages/:id', (c) => {
    const mail = mailbox.get(c.req.param('id'));
    if (mail === null) return c.html(inboxPage(viewOf(c, null), null), 404);
    const view = viewOf(c, mail.id);
    return c.html(inboxPage(view, messagePane(mail, view, c.req.query('view') === 'text' ? 'text' : 'message')));
  });
  app.get('/inbox.css', (c) => c.body(inboxCss, 200, { 'Content-Type': 'text/css; charset=utf-8' }));
  app.get('/inbox.js', (c) => c.body(inboxJs, 200, { 'Content-Type': 'text/javascript; charset=utf-8' }));
  app.notFound((c) => c.json({ statusCode: 404, name: 'not_found', message: 'There is nothing here.' }, 404));

  return { app, counters: () => counters };
}
