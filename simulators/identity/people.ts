/** Whom the identity provider knows, and what goes wrong when some of them sign in: personas as data. */

/** `honest` is what the real provider says, untouched; every other one is what a client must not fall for. */
export const personas = [
  'honest',
  'wrong_nonce',
  'expired',
  'wrong_audience',
  'wrong_party',
  'wrong_issuer',
  'unsigned',
  'shared_secret_signature',
  'foreign_key',
  'claims_in_userinfo',
  'other_subject_in_userinfo',
  'slow',
  'down',
  'endless',
  'redirecting',
] as const;
export type Persona = (typeof personas)[number];

export interface IdentityPerson {
  /** The provider's `sub`. */
  id: string;
  name: string;
  /** null: the provider knows no address. */
  email: string | null;
  isEmailVerified: boolean;
  persona: Persona;
}

/** What the demo's directory holds: people of Blue Ridge Freight, one who is new, and some who must not get in. */
export const demoIdentityPeople: readonly IdentityPerson[] = [
  {
    id: 'blueridge-admin',
    name: 'Robin Alvarez',
    email: 'admin@blueridge.example',
    isEmailVerified: true,
    persona: 'honest',
  },
  {
    id: 'blueridge-tech',
    name: 'Jordan Petrov',
    email: 'tech@blueridge.example',
    isEmailVerified: true,
    persona: 'honest',
  },
  {
    id: 'blueridge-newcomer',
    name: 'Jamie Sorensen',
    email: 'newcomer@blueridge.example',
    isEmailVerified: true,
    persona: 'honest',
  },
  {
    id: 'blueridge-unverified',
    name: 'Unverified Address',
    email: 'viewer@blueridge.example',
    isEmailVerified: false,
    persona: 'honest',
  },
  {
    id: 'outsider',
    name: 'Outsider',
    email: 'someone@elsewhere.example',
    isEmailVerified: true,
    persona: 'honest',
  },
  {
    id: 'blueridge-wrong-nonce',
    name: 'Wrong Nonce',
    email: 'driver@blueridge.example',
    isEmailVerified: true,
    persona: 'wrong_nonce',
  },
];

/** The demo client: what the seeded provider of Blue Ridge Freight signs in with. */
export const demoClient = { id: 'truckiq-demo', secret: 'truckiq-demo-client-secret' } as const;
/** The domain whose people the demo provider serves. */
export const demoDomain = 'blueridge.example';
