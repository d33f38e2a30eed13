/** The portal's back door for tests and the start command: personas, injected faults, the clock, the counters. */
import { Hono, type Context } from 'hono';
import { z } from 'zod';
import { demoTenants } from '../world/demo.ts';
import { faultKey } from '../world/faults/fault-state.ts';
import type { World } from '../world/world.ts';
import { personaNames, personaSettingsSchema } from './personas.ts';
import {
  faultOverrideSchema,
  freshAccount,
  type AccountState,
  type FaultOverride,
  type PortalCounters,
} from './portal-state.ts';

const accountInputSchema = z.strictObject({
  persona: z.enum(personaNames),
  // Absent settings take the persona's own value, so no defaults here.
  afterRequests: personaSettingsSchema.shape.afterRequests.unwrap().optional(),
  isRepeated: z.boolean().optional(),
  retryAfterSeconds: personaSettingsSchema.shape.retryAfterSeconds.unwrap().optional(),
  latencyMs: personaSettingsSchema.shape.latencyMs.unwrap().optional(),
  hangVin: personaSettingsSchema.shape.hangVin.unwrap().optional(),
});

const clockInputSchema = z.strictObject({ frozen: z.boolean() });

export interface ControlOptions {
  world: World;
  accounts: Map<string, AccountState>;
  overrides: FaultOverride[];
  counters: () => PortalCounters;
  resetCounters: () => void;
  sessionCount: () => number;
  endSessionsOf: (username: string) => void;
  /** Address the request came from; null refuses. */
  remoteAddressOf: (c: Context) => string | null;
}

const isLoopback = (address: string | null) =>
  address === '127.0.0.1' || address === '::1' || address === '::ffff:127.0.0.1';

const refusal = (c: Context, status: 400 | 403 | 404, message: string, details?: unknown) =>
  c.json({ error: { message, details } }, status);

async function bodyOf<T extends z.ZodType>(c: Context, schema: T): Promise<z.ZodSafeParseResult<z.output<T>>> {
  const body: unknown = await c.req.json().catch(() => undefined);
  return schema.safeParse(body);
}

/** Routes under `/_control`. Loopback only, and never for a page in a browser (which would send an Origin). */
export function controlRoutes(options: ControlOptions): Hono {
  const { world, accounts, overrides } = options;
  const app = new Hono();

  app.use('*', async (c, next) => {
    if (!isLoopback(options.remoteAddressOf(c)) || c.req.header('Origin') !== undefined) {
      return refusal(c, 403, 'control is for local processes only');
    }
    await next();
  });

  const clockState = () => ({
    frozen: world.clock.isFrozen(),
    realMs: world.clock.realMs(),
    worldMs: world.clock.worldMs(),
    anchorMs: world.clock.anchorMs,
    speed: world.clock.speed,
  });
  const accountState = (state: AccountState) => ({
    username: state.account.username,
    fleetName: state.account.fleetName,
    persona: state.personaName,
    settings: state.settings,
    pages: state.pages,
  });

  app.get('/state', (c) =>
    c.json({ seed: world.seed, clock: clockState(), accounts: [...accounts.values()].map(accountState), overrides }),
  );

  app.put('/accounts/:username', async (c) => {
    const state = accounts.get(c.req.param('username'));
    if (state === undefined) return refusal(c, 404, 'no such account');
    const input = await bodyOf(c, accountInputSchema);
    if (!input.success) return refusal(c, 400, 'not an account setting', input.error.issues);
    const { persona, ...settings } = input.data;
    const chosen = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
    const next = freshAccount(state.account, persona, chosen);
    accounts.set(state.account.username, next);
    options.endSessionsOf(state.account.username);
    return c.json(accountState(next));
  });

  const isKnownVin = (vin: string) =>
    [
      ...demoTenants.map((tenant) => tenant.name),
      ...[...accounts.values()].map(({ account }) => account.fleetName),
    ].some((fleetName) => world.trucksOf(fleetName).some((truck) => truck.vin === vin));

  app.post('/faults', async (c) => {
    const input = await bodyOf(c, faultOverrideSchema);
    if (!input.success) return refusal(c, 400, 'not a fault', input.error.issues);
    if (!isKnownVin(input.data.vin)) return refusal(c, 404, 'no truck has this VIN');
    const key = `${input.data.vin} ${faultKey(input.data)}`;
    const at = overrides.findIndex((known) => `${known.vin} ${faultKey(known)}` === key);
    if (at < 0) overrides.push(input.data);
    else overrides[at] = input.data;
    return c.json(input.data, 201);
  });

  app.delete('/faults', (c) => {
    const cleared = overrides.length;
    overrides.length = 0;
    return c.json({ cleared });
  });

  app.put('/clock', async (c) => {
    const input = await bodyOf(c, clockInputSchema);
    if (!input.success) return refusal(c, 400, 'not a clock setting', input.error.issues);
    world.clock.setFrozen(input.data.frozen);
    return c.json(clockState());
  });

  app.get('/stats', (c) => c.json({ ...options.counters(), sessions: options.sessionCount() }));

  app.delete('/stats', (c) => {
    options.resetCounters();
    return c.json(options.counters());
  });

  app.all('*', (c) => refusal(c, 404, 'no such control'));
  return app;
}
