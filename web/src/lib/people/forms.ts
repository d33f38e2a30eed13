/** The forms of the people page. What they send is handed in. */
import type { Role } from '#contracts/roles';
import {
  createUserInputSchema,
  inviteUserInputSchema,
  updateUserInputSchema,
  type CreateUserInput,
  type InviteUserInput,
  type UpdateUserInput,
  type User,
} from '#contracts/users';
import { Form } from '../state/form.svelte.ts';

const words = {
  email: 'Enter an e-mail address, such as name@company.com.',
  name: 'Enter a name.',
  role: 'Choose a role.',
};

export type InviteForm = ReturnType<typeof inviteForm>;
export const inviteForm = (send: (input: InviteUserInput) => Promise<void>) =>
  new Form({ values: { email: '', role: '' as Role | '' }, schema: inviteUserInputSchema, send, words });

/** Somebody without a mailbox: entered with a first password, which is handed over in person. */
export type EnterForm = ReturnType<typeof enterForm>;
export const enterForm = (send: (input: CreateUserInput) => Promise<void>) =>
  new Form({
    values: { email: '', name: '', role: '' as Role | '', password: '' },
    schema: createUserInputSchema,
    send,
    words,
  });

export type PersonForm = ReturnType<typeof personForm>;
/** Sends only what differs: a role that stays is not handed out again. */
export const personForm = (person: Pick<User, 'name' | 'role'>, send: (changes: UpdateUserInput) => Promise<void>) =>
  new Form({
    values: { name: person.name, role: person.role },
    schema: updateUserInputSchema,
    toInput: ({ name, role }) => ({
      ...(name.trim() === person.name ? {} : { name }),
      ...(role === person.role ? {} : { role }),
    }),
    send,
    words,
  });
