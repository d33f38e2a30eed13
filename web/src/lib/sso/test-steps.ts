/** What a test of an identity provider looks at, in words. Pure. */
import { oidcTestSteps, type OidcTest } from '#contracts/oidc';

type StepName = (typeof oidcTestSteps)[number];

const stepWords: Readonly<Record<StepName, string>> = {
  address: 'Address',
  discovery: 'Metadata',
  issuer: 'Issuer',
  keys: 'Keys',
  pkce: 'PKCE',
};

export interface ShownStep {
  word: string;
  state: 'passed' | 'failed' | 'not_reached';
  detail: string;
}

/** Every step in its order; those after the one that failed were not looked at. */
export const shownSteps = (test: OidcTest): ShownStep[] =>
  oidcTestSteps.map((name) => {
    const step = test.steps.find((known) => known.name === name);
    return {
      word: stepWords[name],
      state: step === undefined ? 'not_reached' : step.ok ? 'passed' : 'failed',
      detail: step?.detail ?? 'Not looked at.',
    };
  });
