/** How a person's account stands, as a word, a shape and a tone. Pure. */
import type { User } from '#contracts/users';
import type { StateLook } from '../format/states.ts';

export type PersonState = 'active' | 'suspended' | 'locked' | 'invited';

/** Suspension outweighs everything; a lock matters only to who can sign in at all. */
export function personState(
  person: Pick<User, 'isDeactivated' | 'lockedUntil' | 'hasSignedUp'>,
  nowMs: number,
): PersonState {
  if (person.isDeactivated) return 'suspended';
  if (person.lockedUntil !== null && Date.parse(person.lockedUntil) > nowMs) return 'locked';
  return person.hasSignedUp ? 'active' : 'invited';
}

export const personLooks: Readonly<Record<PersonState, StateLook>> = {
  active: { word: 'Active', shape: 'circle', tone: 'low' },
  suspended: { word: 'Suspended', shape: 'cross', tone: 'stale' },
  locked: { word: 'Locked', shape: 'triangle', tone: 'high' },
  invited: { word: 'Invited', shape: 'diamond', tone: 'medium' },
};
