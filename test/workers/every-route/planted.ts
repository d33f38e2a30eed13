/** A tenant full of things whose every name, number and id is a canary: none may ever reach another tenant. */
import { env } from 'cloudflare:workers';
import type { Role } from '#contracts/roles';
import { exampleFeatures, exampleModels, scoreVehicle } from '#scoring';
import {
  apiKeys,
  apiKeySecrets,
  auditOutbox,
  dealerLinks,
  geofenceEvents,
  invitations,
  oidcProviders,
  predictions,
  syncCredentials,
  syncRuns,
  trackDays,
} from '#worker/db/schema/index';
import { seedRoom } from '#worker/features/live/publish';
import { newId } from '#worker/ids';
import { display } from '../display-builders.ts';
import { geofence } from '../fence-builders.ts';
import { alert, db, fault, person, tenant, truck, type TestTenant } from '../harness.ts';
import { serviceEvent } from '../service-builders.ts';
import { scoringModel, trainingRun } from '../training-builders.ts';

export interface Planted {
  tenant: TestTenant;
  ids: Record<PlantedId, string>;
  /** Strings that no other tenant may ever be sent. */
  canaries: string[];
}

export type PlantedId =
  | 'tenant'
  | 'vehicle'
  | 'fault'
  | 'alert'
  | 'user'
  | 'session'
  | 'invitation'
  | 'apiKey'
  | 'dealerLink'
  | 'oidcProvider'
  | 'syncRun'
  | 'serviceEvent'
  | 'scoringModel'
  | 'trainingRun'
  | 'geofence'
  | 'display';

const farFuture = '2099-01-01T00:00:00.000Z';
const canary = (): string => `cnry${crypto.randomUUID().replaceAll('-', '').slice(0, 12)}`;

const wordNames = [
  ...(['unit', 'make', 'title', 'key', 'provider', 'user', 'invited', 'description', 'portal'] as const),
  'screen' as const,
  'fence' as const,
];

/** Plants one of everything. `kind` is the tenant's own; its link goes to a partner that nobody else knows. */
export async function plant(kind: 'dealer' | 'fleet', adminRole: Role): Promise<Planted> {
  const words = Object.fromEntries(wordNames.map((name) => [name, canary()])) as Record<
    (typeof wordNames)[number],
    string
  >;
  const at = new Date().toISOString();
  const owner = await tenant(kind, {}, canary());
  const partner = await tenant(kind === 'dealer' ? 'fleet' : 'dealer', {}, canary());
  const { userId, sessionId, email } = await person(owner, adminRole, { name: words.user });
  const vehicle = await truck(owner, { unitNumber: words.unit, make: words.make, assignedDriverId: userId });
  const ids = {
    tenant: owner.id,
    vehicle,
    fault: await fault(owner, vehicle, { description: words.description }),
    alert: await alert(owner, vehicle, { title: words.title }),
    user: userId,
    session: sessionId,
    invitation: newId(),
    apiKey: newId(),
    dealerLink: newId(),
    oidcProvider: newId(),
    syncRun: newId(),
    serviceEvent: await serviceEvent(owner, vehicle, { description: words.description }),
    scoringModel: newId(),
    trainingRun: newId(),
    geofence: await geofence(owner, { name: words.fence }),
    display: (await display(owner, { name: words.screen, locationName: words.screen })).id,
  };
  const score = scoreVehicle(exampleFeatures(), exampleModels(), new Date(at));
  await db.insert(predictions).values({
    id: newId(),
    tenantId: owner.id,
    vehicleId: vehicle,
    createdAt: at,
    modelVersion: score.modelVersion,
    riskScore: score.riskScore,
    riskLevel: score.riskLevel,
    score,
  });
  await db.insert(invitations).values({
    id: ids.invitation,
    tenantId: owner.id,
    email: `${words.invited}@planted.example`,
    role: 'viewer',
    tokenHash: canary(),
    invitedBy: userId,
    createdAt: at,
    expiresAt: farFuture,
  });
  await db.insert(apiKeys).values({
    id: ids.apiKey,
    tenantId: owner.id,
    name: words.key,
    scopes: ['vehicles:read'],
    lifetimeSeconds: 90 * 86_400,
    createdBy: userId,
    createdAt: at,
  });
  await db
    .insert(apiKeySecrets)
    .values({ secretHash: canary(), apiKeyId: ids.apiKey, hint: 'abcd', createdAt: at, expiresAt: farFuture });
  await db.insert(dealerLinks).values({
    id: ids.dealerLink,
    dealerTenantId: kind === 'dealer' ? owner.id : partner.id,
    fleetTenantId: kind === 'dealer' ? partner.id : owner.id,
    status: 'active',
    requestedByTenantId: owner.id,
    createdAt: at,
    acceptedAt: at,
  });
  await db.insert(oidcProviders).values({
    id: ids.oidcProvider,
    tenantId: owner.id,
    name: words.provider,
    preset: 'oidc',
    issuer: 'https://login.planted.example',
    clientId: words.provider,
    allowedDomains: ['planted.example'],
    createdAt: at,
    updatedAt: at,
  });
  await db.insert(syncCredentials).values({
    id: newId(),
    tenantId: owner.id,
    provider: 'paccar',
    baseUrl: `https://${words.portal}.example`,
    username: words.portal,
    consentedAt: at,
    createdAt: at,
    updatedAt: at,
  });
  await db.insert(syncRuns).values({
    id: ids.syncRun,
    tenantId: owner.id,
    provider: 'paccar',
    status: 'failed',
    trigger: 'manual',
    startedAt: at,
    heartbeatAt: at,
    finishedAt: at,
    counts: {
      vehiclesSeen: 0,
      vehiclesCreated: 0,
      vehiclesChanged: 0,
      faultsOpened: 0,
      faultsSeen: 0,
      faultsCleared: 0,
      alertsOpened: 0,
    },
    errorCode: 'LOGIN_FAILED',
    errorMessage: words.portal,
  });
  await scoringModel(owner, { id: ids.scoringModel, reason: words.description });
  await db.insert(geofenceEvents).values({
    ...{ id: newId(), tenantId: owner.id, geofenceId: ids.geofence, vehicleId: vehicle, kind: 'entry' },
    ...{ at, lat: 40, lon: -105 },
  });
  const fixes = 4_000_000_000 + Math.floor(Math.random() * 1e9);
  await db.insert(trackDays).values({
    ...{ tenantId: owner.id, day: '2020-01-05', state: 'archived', files: [], fixes, bytes: 0, updatedAt: at },
  });
  await trainingRun(owner, { id: ids.trainingRun, error: words.description });
  await db.insert(auditOutbox).values({
    id: newId(),
    chain: owner.id,
    at,
    actorType: 'user',
    actorId: userId,
    action: 'user.update',
    resourceType: 'user',
    resourceId: userId,
    outcome: 'success',
    after: JSON.stringify({ name: words.user }),
  });
  await seedRoom(env, db, owner.id, owner.id);
  return {
    tenant: owner,
    ids,
    canaries: [
      ...Object.values(words),
      ...Object.values(ids),
      ...[owner.name, partner.name, partner.id, email, String(fixes)],
    ],
  };
}
