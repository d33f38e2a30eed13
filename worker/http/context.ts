/** What middleware leaves behind for handlers. */
import type { Context } from 'hono';
import type { Permission, Role } from '#contracts/roles';
import type { TenantSettings } from '#contracts/tenants';
import type { AuditTrail } from '../audit/trail.ts';
import type { Database } from '../db/client.ts';
import type { Env } from '../env.ts';

interface CallerTenant {
  id: string;
  name: string;
  kind: 'dealer' | 'fleet';
  settings: TenantSettings;
  createdAt: string;
  /** Gate objects in front of its live room. */
  ingestGates: number;
}

interface AnyCaller {
  /** The user's, the key's or the display's id: who did it. */
  id: string;
  name: string;
  /** What this caller may do right now; empty while a required second factor is missing. */
  permissions: readonly Permission[];
  /** Customers that share their vehicles through an active dealer link. */
  linkedTenants: readonly { id: string; name: string }[];
}

/** A signed-in person, as one indexed read of D1 found them on this very request. */
export interface UserCaller extends AnyCaller {
  kind: 'user';
  sessionId: string;
  email: string;
  role: Role;
  /** When role or duties last changed; null: never since they were entered. */
  accessAsOf: string | null;
  /** How this session began. */
  method: 'password' | 'oidc';
  mfaEnabled: boolean;
  mfaSetupRequired: boolean;
  /** null for a super admin. */
  tenant: CallerTenant | null;
}

/** A machine with an API key. */
export interface KeyCaller extends AnyCaller {
  kind: 'api_key';
  tenant: CallerTenant;
}

/** A wall display with its token: it may call only what a board needs. */
export interface DisplayCaller extends AnyCaller {
  kind: 'display';
  tenant: CallerTenant;
}

export type Caller = UserCaller | KeyCaller | DisplayCaller;

export interface AppVariables {
  requestId: string;
  db: Database;
  now: Date;
  caller: Caller;
  /** Who is to be named in the audit log for what this request does. */
  audit: AuditTrail;
}

export interface AppEnv {
  Bindings: Env;
  Variables: AppVariables;
}

export type AppContext = Context<AppEnv>;
