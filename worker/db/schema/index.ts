/** All tables in one place, for drizzle and for drizzle-kit. */
export * from './alerts.ts';
export * from './api-keys.ts';
export * from './audit.ts';
export * from './displays.ts';
export * from './geofences.ts';
export * from './idempotency.ts';
export * from './oidc.ts';
export * from './platform.ts';
export * from './predictions.ts';
export * from './scoring-models.ts';
export * from './service-events.ts';
export * from './signals.ts';
export * from './sync.ts';
export * from './tenants.ts';
export * from './tracks.ts';
export * from './users.ts';
export * from './vehicles.ts';
