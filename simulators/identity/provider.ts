/** The real provider (oidc-provider), set up as a small directory: PKCE required, logout announced, anybody may register. */
import { randomUUID } from 'node:crypto';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import Provider, {
  interactionPolicy,
  type AdapterFactory,
  type ClientMetadata,
  type Configuration,
  type KoaContextWithOIDC,
} from 'oidc-provider';

import { choosePage, homePage, messagePage, signOutPage } from './pages.ts';
import type { IdentityPerson } from './people.ts';
import { tamperedIdToken, type SigningKey } from './tampering.ts';

export interface ProviderSettings {
  issuer: string;
  clients: readonly ClientMetadata[];
  people: readonly IdentityPerson[];
  key: SigningKey;
  memory: AdapterFactory;
  /** How long the slow persona keeps a client waiting. */
  slowMs: number;
}

/** A new RSA key pair with a name of its own. */
export async function newSigningKey(): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true });
  const named = { kid: randomUUID(), alg: 'RS256', use: 'sig' };
  return {
    privateJwk: { ...(await exportJWK(privateKey)), ...named },
    publicJwk: { ...(await exportJWK(publicKey)), ...named },
  };
}

const cookieKeys = [`${randomUUID()}${randomUUID()}`];
const scope = 'openid profile email';
const endlessBytes = 2_000_000;

const claimsOf = ({ id, name, email, isEmailVerified }: IdentityPerson) => ({
  sub: id,
  name,
  ...(email === null ? {} : { email, email_verified: isEmailVerified, preferred_username: email }),
});

/** Whoever signs in chooses anew each time: a demo is about being several people. */
function alwaysAsk() {
  const policy = interactionPolicy.base();
  policy
    .get('login')
    ?.checks.add(
      new interactionPolicy.Check('choose', 'a person has to be chosen', (ctx) =>
        ctx.oidc.result?.login === undefined
          ? interactionPolicy.Check.REQUEST_PROMPT
          : interactionPolicy.Check.NO_NEED_TO_PROMPT,
      ),
    );
  return policy;
}

function configurationOf({ clients, people, key, memory }: ProviderSettings): Configuration {
  return {
    adapter: memory,
    clients: [...clients],
    jwks: { keys: [key.privateJwk as JWK & { kty: 'RSA' }] } as Configuration['jwks'],
    cookies: { keys: cookieKeys },
    // What most providers do: the address stands in the ID token.
    conformIdTokenClaims: false,
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'preferred_username'] },
    pkce: { required: () => true },
    ttl: { Session: 3600, Interaction: 600, Grant: 3600, AccessToken: 600, IdToken: 600, AuthorizationCode: 60 },
    features: {
      devInteractions: { enabled: false },
      registration: { enabled: true },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx, form) => {
          ctx.body = signOutPage(form);
        },
        postLogoutSuccessSource: (ctx) => {
          ctx.body = messagePage('Signed out', 'You are signed out of the simulated identity provider.');
        },
      },
    },
    interactions: { policy: alwaysAsk(), url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_ctx, id) => {
      const person = people.find((known) => known.id === id);
      return person && { accountId: id, claims: () => claimsOf(person) };
    },
    // Consent is the directory's, as in a company: nobody is asked.
    loadExistingGrant: async ({ oidc: { provider, client, session } }) => {
      if (client === undefined || session?.accountId === undefined) return undefined;
      const known = session.grantIdFor(client.clientId);
      const grant =
        (known === undefined ? undefined : await provider.Grant.find(known)) ??
        new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
      grant.addOIDCScope(scope);
      await grant.save();
      return grant;
    },
    // The clients of a demo live on this machine, which the library would refuse to call.
    fetch: (input, init) => {
      const { dispatcher: _guard, ...plain } = (init ?? {}) as RequestInit & { dispatcher?: unknown };
      return globalThis.fetch(input, plain);
    },
    renderError: (ctx, { error }) => {
      ctx.type = 'html';
      ctx.body = messagePage('That did not work', error);
    },
  };
}

async function bodyOf(ctx: Context): Promise<URLSearchParams> {
  const chunks: Buffer[] = [];
  for await (const chunk of ctx.req) chunks.push(chunk as Buffer);
  return new URLSearchParams(Buffer.concat(chunks).toString());
}

/** The page on which a person is chosen, and the choice. */
async function interact(provider: Provider, people: readonly IdentityPerson[], ctx: Context): Promise<void> {
  const details = await provider.interactionDetails(ctx.req, ctx.res);
  if (ctx.method === 'GET') {
    ctx.type = 'html';
    ctx.body = choosePage(people, ctx.path, String(details.params['client_id']));
    return;
  }
  const form = await bodyOf(ctx);
  const person = people.find(({ id }) => id === form.get('person'));
  const result =
    person === undefined
      ? { error: 'access_denied', error_description: 'The person turned back.' }
      : { login: { accountId: person.id } };
  ctx.status = 303;
  ctx.redirect(await provider.interactionResult(ctx.req, ctx.res, result));
  ctx.status = 303;
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** What a persona does to an answer about them, once the real one stands. */
async function tamper(settings: ProviderSettings, ctx: KoaContextWithOIDC): Promise<void> {
  const answer = ctx.body as { id_token?: string } | undefined;
  const id = ctx.oidc.account?.accountId;
  const person = settings.people.find((known) => known.id === id);
  if (person === undefined) return;
  if (ctx.oidc.route === 'userinfo' && person.persona === 'other_subject_in_userinfo') {
    ctx.body = { ...claimsOf(person), sub: 'somebody-else' };
  }
  if (ctx.oidc.route !== 'token' || typeof answer?.id_token !== 'string') return;
  const { persona } = person;
  if (persona === 'slow') await sleep(settings.slowMs);
  else if (persona === 'down') {
    ctx.status = 503;
    ctx.body = 'out of order';
  } else if (persona === 'endless') ctx.body = { ...answer, padding: 'x'.repeat(endlessBytes) };
  else if (persona === 'redirecting') {
    ctx.status = 307;
    ctx.set('location', `${settings.issuer}/token?again`);
    ctx.body = null;
  } else ctx.body = { ...answer, id_token: await tamperedIdToken(settings.key, person, answer.id_token) };
}

type Context = Parameters<Parameters<Provider['use']>[0]>[0];

/** Builds the provider; its middleware shows the pages and plays the personas. */
export function createProvider(settings: ProviderSettings): Provider {
  const provider = new Provider(settings.issuer, configurationOf(settings));
  provider.use(async (ctx, next) => {
    if (ctx.path.startsWith('/interaction/')) return interact(provider, settings.people, ctx);
    if (ctx.path === '/') {
      ctx.type = 'html';
      ctx.body = homePage(settings.issuer);
      return;
    }
    await next();
    // Made by the library for its own routes only.
    const own = ctx as Context & Partial<KoaContextWithOIDC>;
    if (own.oidc !== undefined) await tamper(settings, ctx as KoaContextWithOIDC);
  });
  return provider;
}
