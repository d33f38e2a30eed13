/**
 * The tenant whose data is on screen: the caller's own, or for a super admin the one picked. Its zone and units decide how
 * everything is written.
 */
import type { Tenant } from '#contracts/tenants';
import { toFailure, type ApiFailure } from '../api/failure.ts';
import * as fleet from '../api/fleet.ts';
import type { Units } from '../format/units.ts';
import { session } from './session.svelte.ts';

const pickedKey = 'truckiq.tenant';

function storedPick(): string | null {
  try {
    return localStorage.getItem(pickedKey);
  } catch {
    return null;
  }
}

class Scope {
  tenant = $state<Tenant | null>(null);
  /** All tenants; filled for a super admin only. */
  choices = $state<Tenant[]>([]);
  failure = $state<ApiFailure | null>(null);
  isReady = $state(false);

  get timeZone(): string {
    return this.tenant?.timeZone ?? 'UTC';
  }
  get units(): Units {
    return this.tenant?.units ?? 'us';
  }
  get isSuperAdmin(): boolean {
    return session.user !== null && session.user.tenantId === null;
  }
  /** What every list and ticket of a super admin carries; nothing for everyone else. */
  get query(): { tenantId?: string } {
    return this.isSuperAdmin && this.tenant !== null ? { tenantId: this.tenant.id } : {};
  }
  /** More than one tenant's trucks may be on screen: a dealer with customers. */
  get hasCustomers(): boolean {
    return (this.tenant?.linkedTenants.length ?? 0) > 0;
  }
  /** The tenants whose trucks may be on screen, the own one first. */
  get customers(): { id: string; name: string }[] {
    return this.tenant === null ? [] : [{ id: this.tenant.id, name: this.tenant.name }, ...this.tenant.linkedTenants];
  }

  customerName(tenantId: string): string {
    return [...this.customers, ...this.choices].find(({ id }) => id === tenantId)?.name ?? 'Another fleet';
  }

  /** Reads the tenant of whoever is signed in. Never throws; `failure` says what went wrong. */
  async load(): Promise<void> {
    this.failure = null;
    try {
      if (this.isSuperAdmin) {
        this.choices = (await fleet.listTenants()).data;
        const picked = storedPick();
        this.tenant = this.choices.find(({ id }) => id === picked) ?? this.choices[0] ?? null;
      } else {
        this.choices = [];
        this.tenant = await fleet.getTenant();
      }
      this.isReady = true;
    } catch (thrown) {
      this.failure = toFailure(thrown);
    }
  }

  /** A tenant as a change of it was answered. */
  take(tenant: Tenant): void {
    if (this.tenant?.id === tenant.id) this.tenant = tenant;
    this.choices = this.choices.map((choice) => (choice.id === tenant.id ? tenant : choice));
  }

  pick(tenantId: string): void {
    this.tenant = this.choices.find(({ id }) => id === tenantId) ?? this.tenant;
    try {
      localStorage.setItem(pickedKey, tenantId);
    } catch {
      // The pick holds until the page is left.
    }
  }

  forget(): void {
    this.tenant = null;
    this.choices = [];
    this.isReady = false;
    this.failure = null;
  }
}

export const scope = new Scope();
