/** The rules of a new password as a list to tick off. The contract's schema is what judges; this only words it. */
import { newPasswordSchema } from '#contracts/auth';

export interface PasswordRule {
  word: string;
  isMet: boolean;
}

/** The schema's complaint → the rule that it breaks. */
const rules: readonly [complaint: string, word: string][] = [
  ['must have at least 8 characters', 'At least 8 characters'],
  ['must have an upper-case letter', 'An upper-case letter'],
  ['must have a lower-case letter', 'A lower-case letter'],
  ['must have a digit', 'A digit'],
  ['must have a special character', 'A special character, such as ! or -'],
];

/** Every rule, and whether `password` meets it. */
export function passwordRules(password: string): PasswordRule[] {
  const result = newPasswordSchema.safeParse(password);
  const complaints = result.success ? [] : result.error.issues.map(({ message }) => message);
  // Before anything is typed nothing is met, not even the rules that only forbid.
  return rules.map(([complaint, word]) => ({ word, isMet: password !== '' && !complaints.includes(complaint) }));
}
