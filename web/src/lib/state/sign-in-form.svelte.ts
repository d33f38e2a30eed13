/** The sign-in form: one attempt at a time, a clear sentence when it fails, the time left while an account is locked. */
import { toFailure } from '../api/failure.ts';

export class SignInForm {
  email = $state('');
  password = $state('');
  isBusy = $state(false);
  message = $state<string | null>(null);
  requestId = $state<string | null>(null);
  /** Epoch milliseconds until which trying again is pointless; null when it is not. */
  waitUntilMs = $state<number | null>(null);
  readonly #signIn: (email: string, password: string) => Promise<void>;
  readonly #nowMs: () => number;

  constructor(signIn: (email: string, password: string) => Promise<void>, nowMs: () => number) {
    this.#signIn = signIn;
    this.#nowMs = nowMs;
  }

  /** Seconds left of a lock or a limit at `nowMs`; 0 when one may try. */
  secondsLeft(nowMs: number): number {
    return this.waitUntilMs === null ? 0 : Math.max(0, Math.ceil((this.waitUntilMs - nowMs) / 1000));
  }

  /** True when the sign-in went through. A wrong password is cleared; the e-mail stays. */
  async submit(): Promise<boolean> {
    if (this.isBusy) return false;
    const email = this.email.trim();
    if (email === '' || this.password === '') {
      this.message = 'Enter your e-mail and your password.';
      return false;
    }
    this.isBusy = true;
    this.message = null;
    this.requestId = null;
    try {
      await this.#signIn(email, this.password);
      this.password = '';
      this.waitUntilMs = null;
      return true;
    } catch (thrown) {
      const failure = toFailure(thrown);
      this.message = failure.code === 'VALIDATION_FAILED' ? 'That is not a valid e-mail address.' : failure.message;
      // A wrong password is everyday; the number helps only where something is broken.
      this.requestId = failure.status >= 500 || failure.code === 'MALFORMED' ? failure.requestId : null;
      this.waitUntilMs = failure.retryAfterSeconds === null ? null : this.#nowMs() + failure.retryAfterSeconds * 1000;
      if (failure.code === 'INVALID_CREDENTIALS' || failure.code === 'ACCOUNT_LOCKED') this.password = '';
      return false;
    } finally {
      this.isBusy = false;
    }
  }
}
