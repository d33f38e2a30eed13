/** The identity providers of an organisation, and what a test of each has found. */
import { SvelteMap, SvelteSet } from 'svelte/reactivity';
import type { CreateOidcProviderInput, OidcProvider, OidcTest, UpdateOidcProviderInput } from '#contracts/oidc';
import { toFailure, type ApiFailure } from '../api/failure.ts';
import { toasts } from './toasts.svelte.ts';
import { offerUndo } from './undo.ts';

export interface ProviderRequests {
  list: () => Promise<{ data: OidcProvider[] }>;
  create: (input: CreateOidcProviderInput) => Promise<OidcProvider>;
  update: (id: string, changes: UpdateOidcProviderInput) => Promise<OidcProvider>;
  remove: (id: string) => Promise<void>;
  test: (id: string) => Promise<OidcTest>;
  /** `approve`: the operator's word in place of a record. */
  verifyDomain: (id: string, domain: string, approve: boolean) => Promise<OidcProvider>;
}

export class Providers {
  /** null until read. */
  all = $state.raw<OidcProvider[] | null>(null);
  failure = $state.raw<ApiFailure | null>(null);
  readonly tests = new SvelteMap<string, OidcTest>();
  readonly busy = new SvelteSet<string>();
  /** Why a domain is not proven yet, as the last look said it; by provider and domain. */
  readonly domainFailures = new SvelteMap<string, string>();
  /** Entered just now: what is left to do at the provider is said beside it. */
  newId = $state<string | null>(null);
  readonly #requests: ProviderRequests;

  constructor(requests: ProviderRequests) {
    this.#requests = requests;
  }

  async load(): Promise<void> {
    try {
      this.all = (await this.#requests.list()).data;
      this.failure = null;
    } catch (thrown) {
      this.failure = toFailure(thrown);
    }
  }

  /** @throws ApiFailure, for the form */
  async create(input: CreateOidcProviderInput): Promise<void> {
    const provider = await this.#requests.create(input);
    this.newId = provider.id;
    this.all = [...(this.all ?? []), provider];
    await this.test(provider.id);
  }

  /** @throws ApiFailure, for the form */
  async update(id: string, changes: UpdateOidcProviderInput): Promise<void> {
    this.#put(await this.#requests.update(id, changes));
  }

  /** At once, with a way back. */
  async switchTo(provider: OidcProvider, isActive: boolean): Promise<void> {
    const { id, name } = provider;
    if (this.busy.has(id)) return;
    this.busy.add(id);
    try {
      const changed = await this.#requests.update(id, { isActive });
      this.#put(changed);
      offerUndo(isActive ? `People may sign in with ${name} again.` : `Nobody signs in with ${name} any more.`, () =>
        this.switchTo(changed, !isActive),
      );
    } catch (thrown) {
      toasts.show('error', toFailure(thrown).message);
    } finally {
      this.busy.delete(id);
    }
  }

  async test(id: string): Promise<void> {
    if (this.busy.has(id)) return;
    this.busy.add(id);
    this.tests.delete(id);
    try {
      this.tests.set(id, await this.#requests.test(id));
    } catch (thrown) {
      toasts.show('error', `The test could not be run. ${toFailure(thrown).message}`);
    } finally {
      this.busy.delete(id);
    }
  }

  /** Looks for the record of a domain; what stands in the way is kept beside it. */
  async verifyDomain(id: string, domain: string): Promise<void> {
    if (this.busy.has(id)) return;
    this.busy.add(id);
    this.domainFailures.delete(`${id} ${domain}`);
    try {
      this.#put(await this.#requests.verifyDomain(id, domain, false));
      toasts.show('success', `${domain} is proven: its people may sign in.`);
    } catch (thrown) {
      const { code, message } = toFailure(thrown);
      this.domainFailures.set(
        `${id} ${domain}`,
        code === 'UPSTREAM_FAILED' ? 'The name servers could not be asked just now. Try again in a moment.' : message,
      );
    } finally {
      this.busy.delete(id);
    }
  }

  /** @throws ApiFailure, for the dialog */
  async approveDomain(id: string, domain: string): Promise<void> {
    this.#put(await this.#requests.verifyDomain(id, domain, true));
    this.domainFailures.delete(`${id} ${domain}`);
    toasts.show('success', `${domain} is approved: its people may sign in.`);
  }

  /** @throws ApiFailure, for the dialog; one that is gone already is no failure */
  async remove(id: string): Promise<void> {
    try {
      await this.#requests.remove(id);
    } catch (thrown) {
      if (toFailure(thrown).code !== 'NOT_FOUND') throw thrown;
    }
    this.all = (this.all ?? []).filter((provider) => provider.id !== id);
  }

  #put(provider: OidcProvider): void {
    this.all = (this.all ?? []).map((known) => (known.id === provider.id ? provider : known));
  }
}
