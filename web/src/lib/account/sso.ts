/** Why a sign-in through an identity provider came back without a session, in words. */
import { ssoFailures, ssoMinutes, type SsoFailure } from '#contracts/oidc';

const sentences: Readonly<Record<SsoFailure, string>> = {
  cancelled: 'You turned back at your identity provider. Nothing was changed.',
  expired: `The sign-in took longer than ${ssoMinutes} minutes or was begun in another window. Start it again.`,
  refused: 'Your identity provider’s answer could not be trusted, so it was not taken. Start again from here.',
  not_allowed: 'Your identity provider knows you, but there is no account for you here. Ask your administrator.',
  deactivated:
    'Your account has been suspended, or single sign-on is switched off. Ask an administrator of your organisation.',
  provider_unavailable: 'Your identity provider does not answer just now. Try again in a minute, or use your password.',
  failed: 'Something went wrong on our side. Try again, or use your password.',
};

/** The sentence for `?sso=<reason>`; a reason that is not known says only that it did not work. */
export const ssoSentence = (reason: string): string => {
  const known = ssoFailures.find((failure) => failure === reason);
  return known === undefined ? 'Single sign-on did not work. Try again, or use your password.' : sentences[known];
};
