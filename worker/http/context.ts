/** What middleware leaves behind for handlers. */
import type { Context } from 'hono';
import type { Permission, Role } from '#contracts/roles';
import type { TenantSettings } from '#contracts/tenants';
import type { Database } from '../db/client.ts';
import type { Env } from '../env.ts';

/** The signed-in caller, as one indexed read of D1 found them on this very request. */
export interface Caller {
  userId: string;
  sessionId: string;
  email: string;
  name: string;
  role: Role;
  permissions: readonly Permission[];
  /** null for a super admin. */
  tenant: { id: string; name: string; kind: 'dealer' | 'fleet'; settings: TenantSettings; createdAt: string } | null;
  /** Customers that share their vehicles through an active dealer link. */
  linkedTenants: readonly { id: string; name: string }[];
}

export interface AppVariables {
  requestId: string;
  db: Database;
  now: Date;
  caller: Caller;
}

export interface AppEnv {
  Bindings: Env;
  Variables: AppVariables;
}

export type AppContext = Context<AppEnv>;
