/**
 * Real identity providers for the tests inside workerd: one, one whose keys may be changed, and one whose metadata speaks for
 * somebody else.
 */
import type { TestProject } from 'vitest/node';
import { startIdentityProvider } from '#simulators/identity/start';
import { personas, type IdentityPerson } from '#simulators/identity/people';

declare module 'vitest' {
  interface ProvidedContext {
    identityUrl: string;
    rotatingUrl: string;
    impostorUrl: string;
  }
}

/** `<persona>@honest.example` and the like: every persona in the domains that the tests use; see sso-walk.ts. */
const people: IdentityPerson[] = personas.flatMap((persona) => {
  const address = (domain: string) => `${persona.replaceAll('_', '-')}@${domain}`;
  return ['sso.example', 'elsewhere.example'].flatMap((domain) => [
    { id: `${persona}:${domain}`, name: `Test ${persona}`, email: address(domain), isEmailVerified: true, persona },
    {
      ...{ id: `${persona}:unverified:${domain}`, name: 'Unverified', email: address(domain) },
      ...{ isEmailVerified: false, persona },
    },
    { id: `${persona}:nameless:${domain}`, name: '\u202e', email: null, isEmailVerified: false, persona },
  ]);
});
/** A few who are the same honest person at heart: each test signs in somebody of its own. */
const honest: IdentityPerson[] = Array.from({ length: 60 }, (_, n) => ({
  id: `honest-${n}`,
  name: `Honest ${n}`,
  email: `honest-${n}@sso.example`,
  isEmailVerified: true,
  persona: 'honest' as const,
}));

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const provider = await startIdentityProvider({ port: 0, people: [...people, ...honest] });
  const rotating = await startIdentityProvider({ port: 0, people: honest });
  const impostor = await startIdentityProvider({ port: 0, issuerUrl: 'https://login.elsewhere.example' });
  project.provide('identityUrl', provider.url);
  project.provide('rotatingUrl', rotating.url);
  project.provide('impostorUrl', impostor.url);
  return async () => {
    await Promise.all([provider.stop(), rotating.stop(), impostor.stop()]);
  };
}
