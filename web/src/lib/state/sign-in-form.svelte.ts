/**
 * The sign-in form: e-mail and password, then a code where the account has a second factor; or on to the identity provider
 * that serves the e-mail's domain. One attempt at a time, a clear sentence when it fails, the time left of a lock.
 */
import type { OidcChoice } from '#contracts/oidc';
import { toFailure } from '../api/failure.ts';

export interface SignInRequests {
  signIn: (email: string, password: string, totp?: string) => Promise<void>;
  lookUpProviders: (email: string) => Promise<OidcChoice[]>;
}

/** Digits of an authenticator's code (RFC 6238, as every authenticator app shows it). */
const codeLength = 6;

/** "a@b.example" → "b.example"; null while it is no address. */
const domainOf = (email: string): string | null => /^[^\s@]+@([^\s@]+\.[^\s@]+)$/.exec(email.trim())?.[1] ?? null;

export class SignInForm {
  email = $state('');
  password = $state('');
  code = $state('');
  /** `code`: the password was right and the account has a second factor. */
  step = $state<'password' | 'code'>('password');
  usesRecoveryCode = $state(false);
  isBusy = $state(false);
  /** The e-mail is what is missing or wrong: the cursor belongs there. */
  isEmailWrong = $state(false);
  message = $state<string | null>(null);
  requestId = $state<string | null>(null);
  /** Epoch milliseconds until which trying again is pointless; null when it is not. */
  waitUntilMs = $state<number | null>(null);
  /** Identity providers of the e-mail's domain; empty until looked up, and for most. */
  choices = $state.raw<OidcChoice[]>([]);
  #lookedUpDomain: string | null = null;
  #lookup = Promise.resolve();
  readonly #requests: SignInRequests;
  readonly #nowMs: () => number;

  constructor(requests: SignInRequests, nowMs: () => number) {
    this.#requests = requests;
    this.#nowMs = nowMs;
  }

  /** Seconds left of a lock or a limit at `nowMs`; 0 when one may try. */
  secondsLeft(nowMs: number): number {
    return this.waitUntilMs === null ? 0 : Math.max(0, Math.ceil((this.waitUntilMs - nowMs) / 1000));
  }

  /** True once the code has all its digits: it is then sent by itself. */
  get isCodeComplete(): boolean {
    return !this.usesRecoveryCode && new RegExp(`^\\d{${codeLength}}$`).test(this.#typedCode);
  }

  /** People copy codes with the gap that the app shows in the middle. */
  get #typedCode(): string {
    return this.usesRecoveryCode ? this.code.trim() : this.code.replace(/\s/g, '');
  }

  /** True when the sign-in went through. A wrong password or code is cleared; the e-mail stays. */
  async submit(): Promise<boolean> {
    if (this.isBusy) return false;
    const email = this.email.trim();
    this.isEmailWrong = email === '';
    if (this.step === 'password' && (email === '' || this.password === '')) {
      // An address alone is enough where a provider serves it.
      if (email !== '') await this.lookUp();
      const [first] = this.choices;
      this.message =
        first === undefined
          ? 'Enter your e-mail and your password.'
          : `Enter your password, or continue with ${first.name}.`;
      return false;
    }
    if (this.step === 'code' && this.#typedCode === '') {
      this.message = this.usesRecoveryCode ? 'Enter one of your recovery codes.' : 'Enter the code from your app.';
      return false;
    }
    this.isBusy = true;
    this.message = null;
    this.requestId = null;
    try {
      if (this.step === 'code') await this.#requests.signIn(email, this.password, this.#typedCode);
      else await this.#requests.signIn(email, this.password);
      this.#forget();
      this.waitUntilMs = null;
      return true;
    } catch (thrown) {
      this.#refused(thrown);
      return false;
    } finally {
      this.isBusy = false;
    }
  }

  #refused(thrown: unknown): void {
    const failure = toFailure(thrown);
    if (failure.code === 'MFA_REQUIRED') {
      this.step = 'code';
      this.code = '';
      return;
    }
    this.message = failure.code === 'VALIDATION_FAILED' ? 'That is not a valid e-mail address.' : failure.message;
    this.isEmailWrong = failure.code === 'VALIDATION_FAILED' && this.step === 'password';
    // A wrong password is everyday; the number helps only where something is broken.
    this.requestId = failure.status >= 500 || failure.code === 'MALFORMED' ? failure.requestId : null;
    this.waitUntilMs = failure.retryAfterSeconds === null ? null : this.#nowMs() + failure.retryAfterSeconds * 1000;
    if (failure.code === 'MFA_INVALID' || (failure.code === 'VALIDATION_FAILED' && this.step === 'code')) {
      this.message = this.usesRecoveryCode
        ? 'That recovery code is not right, or it has been used.'
        : 'That code is not right. Codes change every 30 seconds, and each works once.';
      this.code = '';
      return;
    }
    // Locked, suspended, or the password was changed meanwhile: from the beginning.
    if (['INVALID_CREDENTIALS', 'ACCOUNT_LOCKED', 'ACCOUNT_DEACTIVATED'].includes(failure.code)) this.#forget();
  }

  #forget(): void {
    this.password = '';
    this.code = '';
    this.step = 'password';
    this.usesRecoveryCode = false;
  }

  /** Back from the code to e-mail and password. */
  startOver(): void {
    this.#forget();
    this.message = null;
    this.requestId = null;
  }

  switchCode(): void {
    this.usesRecoveryCode = !this.usesRecoveryCode;
    this.code = '';
    this.message = null;
  }

  /** Asks once for each domain which providers serve it. Never throws: the password always remains. */
  lookUp(): Promise<void> {
    const domain = domainOf(this.email);
    if (domain !== this.#lookedUpDomain) {
      this.#lookedUpDomain = domain;
      this.choices = [];
      this.#lookup = domain === null ? Promise.resolve() : this.#ask(domain);
    }
    return this.#lookup;
  }

  async #ask(domain: string): Promise<void> {
    try {
      const choices = await this.#requests.lookUpProviders(this.email.trim());
      // The address may have changed while the answer was under way.
      if (this.#lookedUpDomain === domain) this.choices = choices;
    } catch {
      if (this.#lookedUpDomain === domain) this.#lookedUpDomain = null;
    }
  }

  /** Where "Continue with single sign-on" leads: the provider's start address, or null after saying what is missing. */
  async continueWithProvider(): Promise<string | null> {
    this.message = null;
    this.requestId = null;
    if (domainOf(this.email) === null) {
      this.message = 'Enter your work e-mail first: it says where you sign in.';
      return null;
    }
    await this.lookUp();
    const [only, ...others] = this.choices;
    if (only === undefined) {
      this.message = 'No single sign-on is set up for this e-mail. Use your password.';
      return null;
    }
    // With several the person picks; the buttons are on screen now.
    if (others.length > 0) this.message = 'Choose where you sign in.';
    return others.length === 0 ? only.startUrl : null;
  }
}
