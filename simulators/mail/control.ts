/** The mail simulator's back door for tests: its mood, what it counted, what it holds. Never for a page in a browser. */
import { Hono, type Context } from 'hono';
import type { Mailbox } from './mailbox.ts';
import { moodSchema, type MailCounters, type Mood } from './moods.ts';

export interface MailControlOptions {
  mailbox: Mailbox;
  mood: () => Mood;
  setMood: (mood: Mood) => void;
  counters: () => MailCounters;
  resetCounters: () => void;
  /** Address the request came from; null refuses. */
  remoteAddressOf: (c: Context) => string | null;
}

const loopback: readonly (string | null)[] = ['127.0.0.1', '::1', '::ffff:127.0.0.1'];

/** Routes under `/_control`. */
export function mailControl(options: MailControlOptions): Hono {
  const { mailbox } = options;
  const app = new Hono();
  const state = () => ({ mood: options.mood(), counters: options.counters(), messages: mailbox.list().length });

  app.use('*', async (c, next) => {
    if (!loopback.includes(options.remoteAddressOf(c)) || c.req.header('Origin') !== undefined) {
      return c.json({ error: { message: 'control is for local processes only' } }, 403);
    }
    await next();
  });
  app.get('/state', (c) => c.json(state()));
  app.put('/mood', async (c) => {
    const input = moodSchema.safeParse(await c.req.json().catch(() => undefined));
    if (!input.success) return c.json({ error: { message: 'not a mood', details: input.error.issues } }, 400);
    options.setMood(input.data);
    return c.json(state());
  });
  app.get('/messages', (c) => {
    const to = c.req.query('to');
    const wanted = mailbox.list().filter((mail) => to === undefined || mail.to === to);
    return c.json(wanted.flatMap(({ id }) => mailbox.get(id) ?? []));
  });
  app.delete('/messages', (c) => {
    mailbox.clear();
    return c.json(state());
  });
  app.delete('/counters', (c) => {
    options.resetCounters();
    return c.json(state());
  });
  app.all('*', (c) => c.json({ error: { message: 'no such control' } }, 404));
  return app;
}
