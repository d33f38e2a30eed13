/** One person comes back from a provider: walk, code, claims, decision, session; and one word of why not. */
import { recordStranger } from '../../audit/strangers.ts';
import type { AuditedAction } from '../../audit/trail.ts';
import type { Database } from '../../db/client.ts';
import type { SsoFailure } from '#contracts/oidc';
import { configOf } from '../../env.ts';
import { clientOf } from '../../http/client-address.ts';
import type { AppContext } from '../../http/context.ts';
import { newId } from '../../ids.ts';
import { logFailure } from '../../log.ts';
import { openVault, platformOwner } from '../../secrets/vault.ts';
import { setRefreshCookie } from '../auth/sign-in-result.ts';
import { provenDomains } from './domains.ts';
import { arrive, openWalk, type Walk } from './flow.ts';
import { admit, readSituation } from './people-store.ts';
import { redirectUri } from './present.ts';
import { SsoRefusal, toSsoRefusal } from './refusal.ts';
import { decidePerson, judgeClaims, type Claims, type VouchedPerson } from './rules.ts';
import { openClientSecret, type ProviderAtTheDoor } from './store.ts';

export type SsoOutcome = { kind: 'done'; next: string } | { kind: 'failed'; reason: SsoFailure; next: string | null };

/** Two of the same person's tabs may be the first at once; the second finds what the first has made. */
const admissionTries = 2;

async function letIn(c: AppContext, door: ProviderAtTheDoor, person: VouchedPerson, claims: Claims): Promise<void> {
  const db: Database = c.get('db');
  const now = c.get('now');
  for (let attempt = 1; ; attempt += 1) {
    const decision = decidePerson(await readSituation(db, door, person, now.toISOString()));
    if (decision.kind === 'refuse') throw new SsoRefusal(decision.reason, decision.why);
    const isNew = decision.kind === 'create';
    const sid = claims['sid'];
    const admission = {
      userId: isNew ? newId() : decision.userId,
      create: isNew ? { role: decision.role } : null,
      isNewIdentity: isNew || decision.isNewIdentity,
      providerSession: typeof sid === 'string' && sid !== '' ? sid : undefined,
    };
    const isLastTry = attempt === admissionTries;
    try {
      const circumstances = { client: clientOf(c), now };
      const opened = await admit(db, c.get('audit'), door, person, admission, circumstances);
      if (opened !== null) return setRefreshCookie(c, opened.refreshToken);
    } catch (cause) {
      if (!isNew || isLastTry) throw cause;
    }
    c.get('audit').actAsStranger();
    // Suspended, deleted or switched off in this very moment: the next look says which, as far as it looks.
    if (isLastTry) throw new SsoRefusal('deactivated', 'switched_off');
  }
}

/** A sign-in that got as far as a walk of ours is worth remembering when it is refused. */
async function remember(
  c: AppContext,
  { provider, tenant }: ProviderAtTheDoor,
  refusal: SsoRefusal,
  email: string | null,
) {
  if (refusal.reason === 'cancelled') return;
  const refused: AuditedAction = {
    tenantId: tenant.id,
    action: 'sign_in',
    resourceType: 'oidc_provider',
    resourceId: provider.id,
    outcome: refusal.reason === 'provider_unavailable' ? 'failed' : 'denied',
    after: { method: 'oidc', reason: refusal.reason, why: refusal.why, email },
  };
  await recordStranger(c.env, c.get('db'), c.get('audit'), refused, { name: provider.id, isKnown: true });
}

/**
 * Judges the answer that a browser brings back in `parameters`, with the sealed cookie of its walk. Opens a session and sets
 * the refresh cookie, or says in one word why not; throws only what is our own fault.
 */
export async function comeBack(
  c: AppContext,
  door: ProviderAtTheDoor,
  { parameters, state, cookie }: { parameters: URLSearchParams; state: string; cookie: string | undefined },
): Promise<SsoOutcome> {
  const { provider, tenant } = door;
  const db = c.get('db');
  const now = c.get('now');
  const config = configOf(c.env);
  let walk: Walk | null = null;
  let vouched: VouchedPerson | null = null;
  try {
    if (cookie === undefined) throw new SsoRefusal('expired', 'no_cookie');
    const platformVault = await openVault(db, config, platformOwner);
    walk = await openWalk(platformVault, { providerId: provider.id, state, cookie, now });
    if (!provider.isActive || !tenant.isActive) throw new SsoRefusal('deactivated', 'switched_off');
    const claims = await arrive(provider, {
      walk,
      parameters,
      state,
      redirectUri: redirectUri(config.publicUrl, provider.id),
      clientSecret: await openClientSecret(await openVault(db, config, tenant.id), provider),
      allowLocal: config.allowLocalTargets,
      now,
    });
    const judged = judgeClaims({ ...provider, provenDomains: provenDomains(provider) }, claims);
    if (!judged.ok) throw new SsoRefusal('not_allowed', judged.refusal);
    vouched = judged.person;
    await letIn(c, door, vouched, claims);
    return { kind: 'done', next: walk.next };
  } catch (cause) {
    const refusal = toSsoRefusal(cause);
    if (refusal === null) throw cause;
    const { reason, why } = refusal;
    console.log(JSON.stringify({ level: 'info', event: 'sso_refused', providerId: provider.id, reason, why }));
    if (walk !== null) await remember(c, door, refusal, vouched?.email ?? null);
    return { kind: 'failed', reason, next: walk?.next ?? null };
  }
}

/** What the browser is told when something of ours failed in the middle of a sign-in: it must not end on raw JSON. */
export function ownFault(c: AppContext, cause: unknown): SsoOutcome {
  logFailure('sso_failed', cause, { requestId: c.get('requestId'), path: c.req.path });
  return { kind: 'failed', reason: 'failed', next: null };
}
