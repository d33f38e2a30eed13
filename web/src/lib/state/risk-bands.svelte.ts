/** Where the risk levels begin for one's own organisation, for the charts that draw them. Read when first needed. */
import type { RiskBands } from '#contracts/tenants';
import * as scoring from '../api/scoring.ts';
import { scope } from './scope.svelte.ts';

class OwnRiskBands {
  #known = $state.raw<{ tenantId: string; bands: RiskBands } | null>(null);
  #askedFor: string | null = null;

  /** null while they are not known; those of a dealer's customers never are. */
  of(tenantId: string | undefined): RiskBands | null {
    return this.#known !== null && this.#known.tenantId === tenantId ? this.#known.bands : null;
  }

  /** Asks once for each organisation; a failure leaves the charts without the levels' edges. */
  async ask(): Promise<void> {
    const tenantId = scope.tenant?.id;
    if (tenantId === undefined || this.#askedFor === tenantId) return;
    this.#askedFor = tenantId;
    try {
      const { data } = await scoring.getRiskSettings(scope.query);
      if (scope.tenant?.id === tenantId) this.take(data.riskBands);
    } catch {
      this.#askedFor = null;
    }
  }

  /** What was just saved. */
  take(bands: RiskBands): void {
    if (scope.tenant !== null) this.#known = { tenantId: scope.tenant.id, bands };
  }
}

export const riskBands = new OwnRiskBands();
