/** Who still owes their organisation a second factor. */

/** Whoever comes through the tenant's identity provider has shown their factors there. */
export const lacksSecondFactor = (fields: {
  requireMfa: boolean;
  mfaEnabled: boolean;
  method: 'password' | 'oidc';
}): boolean => fields.requireMfa && !fields.mfaEnabled && fields.method === 'password';
