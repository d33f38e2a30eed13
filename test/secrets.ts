/** Fixed secrets for tests only; a real deployment makes its own (scripts/make-secrets.ts). */
export const testSecrets = {
  AUDIT_KEY: 'c2VjcmV0LW9mLXRoZS1hdWRpdC1jaGFpbi10ZXN0LTE=',
  SETUP_TOKEN: 'first-start-of-the-tests',
  MAIL_API_KEY: 're_test',
  MASTER_KEY: 'iHeluDi2QVXokJuJnX3ycWUuhtgwcnZpsw7oAwLNkQE=',
};
