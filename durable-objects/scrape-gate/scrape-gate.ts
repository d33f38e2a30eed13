/**
 * ScrapeGate: one per tenant and portal, so that two syncs never sign in at once. Small and loss-tolerant, on
 * itty-durable: its state is flat JSON under 1 KB, written by an explicit `persist`, and a write that is lost heals when
 * the lease runs out. Reached only through facade.ts; a client's request must never be forwarded here, because itty
 * would take its path as a method to call.
 */
import { createDurable } from 'itty-durable';
import type { GateGrant, GateState, ScrapeGate as ScrapeGateCalls } from './gate.ts';
import { acquireLease, openGate, releaseLease } from './lease.ts';

/** What of itty's class is used here; its own types are `any`. */
interface IttyDurable {
  readonly state: DurableObjectState;
  loadFromStorage(): Promise<void>;
  persist(): Promise<void>;
  fetch(request: Request): Promise<Response>;
}

const ittyClass: unknown = createDurable({ autoPersist: false, autoReturn: false });
const IttyDurableBase = ittyClass as new (state: DurableObjectState, env: object) => IttyDurable;

export class ScrapeGate extends IttyDurableBase implements ScrapeGateCalls, GateState {
  holder = openGate.holder;
  leaseUntilMs = openGate.leaseUntilMs;
  cooldownUntilMs = openGate.cooldownUntilMs;
  lastRunId = openGate.lastRunId;
  lastFinishedAtMs = openGate.lastFinishedAtMs;
  consecutiveFailures = openGate.consecutiveFailures;

  constructor(state: DurableObjectState) {
    // itty copies every binding of the environment onto the state; the gate needs none.
    super(state, {});
    void state.blockConcurrencyWhile(() => this.loadFromStorage());
  }

  async acquire(runId: string, leaseMs: number, nowMs: number): Promise<GateGrant> {
    const { state, grant } = acquireLease(this.current(), runId, leaseMs, nowMs);
    await this.keep(state);
    return grant;
  }

  async release(runId: string, outcome: { failed: boolean; cooldownMs: number }, nowMs: number): Promise<void> {
    await this.keep(releaseLease(this.current(), runId, outcome, nowMs));
  }

  async read(): Promise<GateState> {
    return this.current();
  }

  private current(): GateState {
    const { holder, leaseUntilMs, cooldownUntilMs, lastRunId, lastFinishedAtMs, consecutiveFailures } = this;
    return { holder, leaseUntilMs, cooldownUntilMs, lastRunId, lastFinishedAtMs, consecutiveFailures };
  }

  private async keep(state: GateState): Promise<void> {
    Object.assign(this, state);
    await this.persist();
  }
}
