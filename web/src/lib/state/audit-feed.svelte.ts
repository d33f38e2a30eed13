/** The audit log as far as it is loaded, newest first, and the proof of it. */
import type { AuditEntry, AuditVerification } from '#contracts/audit';
import type { AuditPart, AuditQuery } from '../api/audit.ts';
import { toFailure, type ApiFailure } from '../api/failure.ts';

export interface AuditRequests {
  list: (query: AuditQuery) => Promise<AuditPart>;
  verify: () => Promise<AuditVerification>;
}

export class AuditFeed {
  /** null until read. */
  entries = $state.raw<AuditEntry[] | null>(null);
  failure = $state.raw<ApiFailure | null>(null);
  /** Why older entries could not be read; those on screen stay. */
  olderFailure = $state.raw<ApiFailure | null>(null);
  isLoading = $state(false);
  isLoadingOlder = $state(false);
  verification = $state.raw<AuditVerification | null>(null);
  verifyFailure = $state.raw<ApiFailure | null>(null);
  isVerifying = $state(false);
  #cursor = $state.raw<string | null>(null);
  #query: AuditQuery = {};
  #turn = 0;
  readonly #requests: AuditRequests;

  constructor(requests: AuditRequests) {
    this.#requests = requests;
  }

  get hasOlder(): boolean {
    return this.#cursor !== null;
  }

  /** From the newest on. Answers to an older question are dropped. */
  async load(query: AuditQuery = this.#query): Promise<void> {
    const turn = ++this.#turn;
    this.#query = query;
    this.isLoading = true;
    this.isLoadingOlder = false;
    this.olderFailure = null;
    try {
      const { data, meta } = await this.#requests.list(query);
      if (turn !== this.#turn) return;
      this.entries = data;
      this.#cursor = meta.nextCursor;
      this.failure = null;
    } catch (thrown) {
      if (turn === this.#turn) this.failure = toFailure(thrown);
    } finally {
      if (turn === this.#turn) this.isLoading = false;
    }
  }

  async loadOlder(): Promise<void> {
    if (this.#cursor === null || this.isLoadingOlder || this.isLoading) return;
    const turn = this.#turn;
    this.isLoadingOlder = true;
    this.olderFailure = null;
    try {
      const { data, meta } = await this.#requests.list({ ...this.#query, cursor: this.#cursor });
      if (turn !== this.#turn) return;
      this.entries = [...(this.entries ?? []), ...data];
      this.#cursor = meta.nextCursor;
    } catch (thrown) {
      if (turn === this.#turn) this.olderFailure = toFailure(thrown);
    } finally {
      if (turn === this.#turn) this.isLoadingOlder = false;
    }
  }

  async verify(): Promise<void> {
    if (this.isVerifying) return;
    this.isVerifying = true;
    this.verification = null;
    this.verifyFailure = null;
    try {
      this.verification = await this.#requests.verify();
    } catch (thrown) {
      this.verifyFailure = toFailure(thrown);
    } finally {
      this.isVerifying = false;
    }
  }
}
