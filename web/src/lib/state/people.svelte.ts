/** The people of an organisation and who is invited: a page of each, and what is done to them. */
import { SvelteSet } from 'svelte/reactivity';
import type { Role } from '#contracts/roles';
import type { Invitation, InviteUserInput, UpdateUserInput, User } from '#contracts/users';
import { toFailure } from '../api/failure.ts';
import type { Page } from '../api/fleet.ts';
import { roleWords } from '../format/people.ts';
import { peoplePageSize, type PeopleFilters } from '../people/filters.ts';
import { LatestRead } from './latest-read.svelte.ts';
import { toasts } from './toasts.svelte.ts';
import { offerUndo } from './undo.ts';

export interface PeopleRequests {
  list: (query: { q?: string; role?: Role; page: number; pageSize: number }) => Promise<Page<User>>;
  update: (id: string, changes: UpdateUserInput) => Promise<User>;
  suspend: (id: string) => Promise<User>;
  activate: (id: string) => Promise<User>;
  remove: (id: string) => Promise<void>;
  removeTwoStep: (id: string) => Promise<void>;
  listInvitations: (query: { page: number; pageSize: number }) => Promise<Page<Invitation>>;
  invite: (input: InviteUserInput) => Promise<Invitation>;
  revokeInvitation: (id: string) => Promise<void>;
}

const sentAgain = (email: string): string => `Invitation sent again to ${email}. The link before it no longer works.`;

export class People extends LatestRead {
  page = $state.raw<Page<User> | null>(null);
  invitations = $state.raw<Page<Invitation> | null>(null);
  /** Ids of people and invitations with something under way. */
  readonly busy = new SvelteSet<string>();
  #filters: PeopleFilters = { show: 'people', q: '', role: null, page: 1 };
  readonly #requests: PeopleRequests;

  constructor(requests: PeopleRequests) {
    super();
    this.#requests = requests;
  }

  /** Reads what the filters name, and how many there are of the other. Answers out of order are dropped. */
  async load(filters: PeopleFilters): Promise<void> {
    this.#filters = filters;
    const { show, q, role, page } = filters;
    await this.read(
      () =>
        Promise.all([
          this.#requests.list({
            ...(q.trim() === '' ? {} : { q: q.trim() }),
            ...(role === null ? {} : { role }),
            page: show === 'people' ? page : 1,
            pageSize: peoplePageSize,
          }),
          this.#requests.listInvitations({ page: show === 'invitations' ? page : 1, pageSize: peoplePageSize }),
        ]),
      ([people, invitations]) => {
        this.page = people;
        this.invitations = invitations;
      },
    );
  }

  reload(): Promise<void> {
    return this.load(this.#filters);
  }

  /** At once, with a way back; a refusal (the last administrator) is said in a toast. */
  async suspend({ id, name }: User): Promise<void> {
    const person = await this.#attempt(id, () => this.#requests.suspend(id));
    if (person === null) return;
    this.#put(person);
    offerUndo(`${name} is suspended and signed out everywhere.`, () => this.activate(person));
  }

  async activate({ id, name, isDeactivated }: User): Promise<void> {
    const person = await this.#attempt(id, () => this.#requests.activate(id));
    if (person === null) return;
    this.#put(person);
    if (isDeactivated) offerUndo(`${name} may sign in again.`, () => this.suspend(person));
    else toasts.show('success', `${name} may try to sign in again.`);
  }

  /** @throws ApiFailure, for the form */
  async update(before: User, changes: UpdateUserInput): Promise<void> {
    if (changes.name === undefined && changes.role === undefined) return;
    const person = await this.#requests.update(before.id, changes);
    this.#put(person);
    const words =
      person.role === before.role ? `${person.name} is saved.` : `${person.name} is ${roleWords[person.role]} now.`;
    offerUndo(words, async () => {
      const undone = await this.#attempt(before.id, () =>
        this.#requests.update(before.id, {
          ...(changes.name === undefined ? {} : { name: before.name }),
          ...(changes.role === undefined ? {} : { role: before.role }),
        }),
      );
      if (undone === null) return;
      this.#put(undone);
      toasts.show('success', 'It is as it was.');
    });
  }

  /** @throws ApiFailure, for the dialog */
  async remove({ id, name }: User): Promise<void> {
    await this.#requests.remove(id);
    toasts.show('success', `${name} is deleted.`);
    await this.reload();
  }

  /** @throws ApiFailure, for the dialog */
  async removeTwoStep(person: User): Promise<void> {
    await this.#requests.removeTwoStep(person.id);
    this.#put({ ...person, mfaEnabled: false });
    toasts.show('success', `${person.name} signs in with the password alone now, and was told by mail.`);
  }

  /**
   * Mails an invitation and says whether it is the first to this address.
   * @throws ApiFailure, for the form
   */
  async invite(input: InviteUserInput): Promise<void> {
    const isAgain = await this.#isInvited(input.email);
    await this.#requests.invite(input);
    toasts.show('success', isAgain ? sentAgain(input.email) : `Invitation sent to ${input.email}.`);
  }

  /** True when an invitation of this address is open, as far as the newest hundred tell. */
  async #isInvited(email: string): Promise<boolean> {
    try {
      const { data } = await this.#requests.listInvitations({ page: 1, pageSize: 100 });
      return data.some((open) => open.email.toLowerCase() === email.toLowerCase());
    } catch {
      // Only the wording hangs on it; what keeps it from being read will keep the invitation from being sent, and say so.
      return false;
    }
  }

  /** Mails the link again; the one before stops working. */
  async inviteAgain(key: string, { email, role }: InviteUserInput): Promise<void> {
    const invitation = await this.#attempt(key, () => this.#requests.invite({ email, role }));
    if (invitation === null) return;
    toasts.show('success', sentAgain(email));
    await this.reload();
  }

  /** Withdrawing is undone by inviting anew. */
  async revokeInvitation({ id, email, role }: Invitation): Promise<void> {
    const isDone = await this.#attempt(id, async () => {
      await this.#requests.revokeInvitation(id);
      return true;
    });
    if (isDone === null) return this.reload();
    offerUndo(`The invitation of ${email} is withdrawn.`, () => this.inviteAgain(id, { email, role }));
    await this.reload();
  }

  #put(person: User): void {
    if (this.page === null) return;
    this.page = { ...this.page, data: this.page.data.map((known) => (known.id === person.id ? person : known)) };
  }

  async #attempt<T>(id: string, work: () => Promise<T>): Promise<T | null> {
    if (this.busy.has(id)) return null;
    this.busy.add(id);
    try {
      return await work();
    } catch (thrown) {
      toasts.show('error', toFailure(thrown).message);
      return null;
    } finally {
      this.busy.delete(id);
    }
  }
}
