/** Setting up a second factor: a secret to scan, a code that proves it arrived, recovery codes that are shown once. */
import { mfaCodeInputSchema } from '#contracts/auth';
import type { MfaSetup } from '../api/account.ts';
import { toFailure, type ApiFailure } from '../api/failure.ts';
import { Form } from '../state/form.svelte.ts';

export interface TwoFactorRequests {
  start: () => Promise<MfaSetup>;
  /** The recovery codes. */
  enable: (code: string) => Promise<string[]>;
}

/** A form of one code; `send` gets it without the gap that apps show in the middle. */
export const codeForm = (send: (code: string) => Promise<void>) =>
  new Form({
    values: { code: '' },
    schema: mfaCodeInputSchema,
    toInput: ({ code }) => ({ code: code.replace(/\s/g, '') }),
    send: ({ code }) => send(code),
    words: { code: 'Enter the code.' },
    explain: (failure) =>
      failure.code === 'MFA_INVALID'
        ? 'That code is not right. Codes change every 30 seconds; try the next one.'
        : null,
  });
export type CodeForm = ReturnType<typeof codeForm>;

export class TwoFactorSetup {
  setup = $state.raw<MfaSetup | null>(null);
  /** Why there is nothing to scan. */
  failure = $state.raw<ApiFailure | null>(null);
  recoveryCodes = $state.raw<string[] | null>(null);
  readonly form: CodeForm;
  readonly #requests: TwoFactorRequests;

  constructor(requests: TwoFactorRequests) {
    this.#requests = requests;
    this.form = codeForm(async (code) => {
      this.recoveryCodes = await requests.enable(code);
      // Kept no longer than it is needed.
      this.setup = null;
    });
  }

  async start(): Promise<void> {
    this.failure = null;
    try {
      this.setup = await this.#requests.start();
    } catch (thrown) {
      this.failure = toFailure(thrown);
    }
  }
}

/** "JBSWY3DPEHPK3PXP" → "JBSW Y3DP EHPK 3PXP": for typing into an authenticator, which ignores the gaps. */
export const groupedSecret = (secret: string): string => secret.replace(/(.{4})(?=.)/g, '$1 ');

/** The text of a file with recovery codes. */
export const recoveryFile = (codes: readonly string[], email: string): string =>
  [
    'TruckIQ recovery codes',
    `Account: ${email}`,
    '',
    'Each code works once, in place of a code of your authenticator app.',
    '',
    ...codes,
    '',
  ].join('\r\n');
