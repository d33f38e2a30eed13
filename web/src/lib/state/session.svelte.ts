/** Who is signed in. The access token itself stays in the client's keeping. */
import type { SignedInUser, SignInResult } from '#contracts/auth';
import type { Permission } from '#contracts/roles';
import * as account from '../api/account.ts';
import { access } from '../api/client.ts';
import { toFailure, type ApiFailure } from '../api/failure.ts';
import { forgetBoard } from '../displays/kept.ts';

/** Set while a session may exist, so that a first visit does not ask the server for one. */
const hintKey = 'truckiq.session';
const channelName = 'truckiq.session';
/** Refusals come in bunches when a role changes: the person is read again at most this often. */
const rereadAtMostEveryMs = 5_000;

export type SessionPhase = 'unknown' | 'signed_in' | 'signed_out' | 'unreachable';

class Session {
  user = $state<SignedInUser | null>(null);
  phase = $state<SessionPhase>('unknown');
  /** Why restoring failed, while the server cannot be reached. */
  failure = $state<ApiFailure | null>(null);
  /** True from the moment the owner signs out until the next sign-in. */
  isLeaving = $state(false);
  /** True when the last session ended by itself rather than by its owner. */
  endedByServer = $state(false);
  #restoring: Promise<void> | null = null;
  #rereadAtMs = Number.NEGATIVE_INFINITY;
  #channel = typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel(channelName);

  constructor() {
    access.onChange = (result) => {
      if (result === null) {
        this.endedByServer = this.phase === 'signed_in' && !this.isLeaving;
        this.#forget();
        return;
      }
      this.user = result.user;
      this.phase = 'signed_in';
      this.failure = null;
      this.endedByServer = false;
      this.isLeaving = false;
      this.#hint(true);
    };
    access.onForbidden = () => {
      if (Date.now() - this.#rereadAtMs < rereadAtMostEveryMs) return;
      this.#rereadAtMs = Date.now();
      void this.reread();
    };
    if (this.#channel !== null) {
      this.#channel.onmessage = (event: MessageEvent<unknown>) => {
        if (event.data !== 'signed_out') return;
        this.isLeaving = true;
        access.drop();
      };
    }
  }

  can(permission: Permission): boolean {
    return this.user?.permissions.includes(permission) ?? false;
  }

  /** True while a required second factor is missing: nothing else is permitted until it is set up. */
  get mustSetUpMfa(): boolean {
    return this.user?.mfaSetupRequired ?? false;
  }

  /**
   * Comes back into a session after a reload. Never throws. `isExpected`: an identity provider has just let the visitor
   * in, so the cookie is tried without a hint.
   */
  restore({ isExpected = false } = {}): Promise<void> {
    this.#restoring ??= this.#restore(isExpected).finally(() => {
      this.#restoring = null;
    });
    return this.#restoring;
  }

  async #restore(isExpected: boolean): Promise<void> {
    if (this.phase === 'signed_in') return;
    if (!isExpected && !this.#isHinted()) {
      this.phase = 'signed_out';
      return;
    }
    try {
      await access.renew();
    } catch (thrown) {
      const failure = toFailure(thrown);
      if (failure.retryable) {
        this.failure = failure;
        this.phase = 'unreachable';
      } else {
        this.#forget();
      }
    }
  }

  /** @throws ApiFailure with a sentence for the form */
  async signIn(email: string, password: string, totp?: string): Promise<void> {
    access.accept(await account.signIn(email, password, totp));
  }

  /** Takes on a sign-in that came out of an invitation or a sign-up. */
  accept(result: SignInResult): void {
    access.accept(result);
  }

  /**
   * Reads role, permissions and second factor again: something that was done here, or a refusal, may have changed them.
   * False when the server did not say; what was known stays then. A session that is over ends here too.
   */
  async reread(): Promise<boolean> {
    try {
      const user = await account.getMe();
      if (this.phase === 'signed_in') this.user = user;
      return true;
    } catch {
      return this.phase !== 'signed_in';
    }
  }

  /** Ends the session here, in the other tabs and on the server, which may be out of reach. */
  async signOut(): Promise<void> {
    this.isLeaving = true;
    try {
      await account.signOut();
    } catch {
      // The cookie stays on a server that cannot be reached; this tab forgets its token all the same.
    }
    access.drop();
    // The wall board kept through reloads goes when its owner signs out.
    void forgetBoard('session');
    this.#channel?.postMessage('signed_out');
  }

  #forget(): void {
    this.user = null;
    this.phase = 'signed_out';
    this.#hint(false);
  }

  #isHinted(): boolean {
    try {
      return localStorage.getItem(hintKey) === '1';
    } catch {
      return true;
    }
  }

  #hint(isSet: boolean): void {
    try {
      if (isSet) localStorage.setItem(hintKey, '1');
      else localStorage.removeItem(hintKey);
    } catch {
      // Without storage a reload simply asks.
    }
  }
}

export const session = new Session();
