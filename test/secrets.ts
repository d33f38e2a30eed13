/** Fixed secrets for tests only; a real deployment makes its own (scripts/make-secrets.ts). */
export const testSecrets = {
  AUTH_PRIVATE_JWK: JSON.stringify({
    kty: 'EC',
    x: 'mppXxJ2v15VZyGSaFFtTdM6uU_nIO4k1nd1tF6I0dIA',
    y: '-uAsOl8mCD7LJu3HaMzTHSmAVaKXS_lWPdayKz_DoOE',
    crv: 'P-256',
    d: 'lFZIQN9AlxoHEsWcnGdmJD07SLAy8G1qa7LCxkMR-1I',
    kid: 'test-1',
  }),
  AUDIT_KEY: 'c2VjcmV0LW9mLXRoZS1hdWRpdC1jaGFpbi10ZXN0LTE=',
  SETUP_TOKEN: 'first-start-of-the-tests',
  MAIL_API_KEY: 're_test',
  MASTER_KEY: 'iHeluDi2QVXokJuJnX3ycWUuhtgwcnZpsw7oAwLNkQE=',
};
