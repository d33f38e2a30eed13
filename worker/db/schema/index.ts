/** All tables in one place, for drizzle and for drizzle-kit. */
export * from './alerts.ts';
export * from './idempotency.ts';
export * from './predictions.ts';
export * from './sync.ts';
export * from './tenants.ts';
export * from './users.ts';
export * from './vehicles.ts';
