import { cleanup, fireEvent, render, screen, waitFor } from '@testing-library/svelte';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { permissionsOf, roles, type Role } from '#contracts/roles';
import type { User } from '#contracts/users';
import { idOf, tenantId } from '../../../test/builders.ts';
import { ApiFailure } from '../api/failure.ts';
import { roleHints } from '../format/people.ts';
import { People, type PeopleRequests } from '../state/people.svelte.ts';
import { toasts } from '../state/toasts.svelte.ts';
import AddPersonDialog from './AddPersonDialog.svelte';
import EditPersonDialog from './EditPersonDialog.svelte';
import { peopleFiltersFrom, peopleParams } from './filters.ts';
import { enterForm, inviteForm, personForm } from './forms.ts';
import PeopleTable from './PeopleTable.svelte';
import { personState } from './person-state.ts';
import { mayTouch, roleChoices } from './role-choices.ts';

const person = (n: number, rest: Partial<User> = {}): User => ({
  id: idOf(n),
  tenantId,
  email: `person${n}@blueridge.example`,
  name: `Person ${n}`,
  role: 'viewer',
  mfaEnabled: false,
  isDeactivated: false,
  lockedUntil: null,
  hasSignedUp: true,
  lastSeenAt: null,
  createdAt: '2026-01-01T00:00:00.000Z',
  ...rest,
});
const lastAdministrator = new ApiFailure({
  code: 'CONFLICT',
  status: 409,
  message: 'This is the last administrator: nobody would be left to manage people. Name another first.',
});

beforeEach(() => {
  toasts.items = [];
});

describe('the roles that may be handed out', () => {
  it('are those of this kind of organisation', () => {
    const fleet = roleChoices('fleet', permissionsOf.fleet_admin);
    expect(fleet).toContain('fleet_admin');
    expect(fleet).not.toContain('dealer_admin');
    expect(fleet).not.toContain('super_admin');
    const dealer = roleChoices('dealer', permissionsOf.dealer_admin);
    expect(dealer).toContain('dealer_admin');
    expect(dealer).not.toContain('fleet_admin');
    expect(dealer).not.toContain('super_admin');
  });

  it('never hold more than whoever hands them out', () => {
    for (const role of roles) {
      const held = permissionsOf[role];
      for (const choice of roleChoices('fleet', held)) {
        expect(permissionsOf[choice].filter((permission) => !held.includes(permission))).toEqual([]);
      }
    }
    expect(roleChoices('fleet', permissionsOf.viewer)).toEqual(['driver', 'viewer', 'shipper']);
    expect(roleChoices('fleet', permissionsOf.super_admin)).not.toContain('super_admin');
  });

  it('say of a role that holds nothing yet that it does', () => {
    for (const role of roles) {
      expect([role, roleHints[role].includes('no permission yet')]).toEqual([role, permissionsOf[role].length === 0]);
    }
  });

  it('decide too who may be changed', () => {
    expect(mayTouch(permissionsOf.fleet_admin, 'fleet_admin')).toBe(true);
    expect(mayTouch(permissionsOf.fleet_admin, 'super_admin')).toBe(false);
    expect(mayTouch(permissionsOf.dispatcher, 'technician')).toBe(false);
  });
});

describe('how an account stands', () => {
  const nowMs = Date.parse('2026-11-20T09:00:00.000Z');
  it('is one word', () => {
    expect(personState(person(1), nowMs)).toBe('active');
    expect(personState(person(1, { hasSignedUp: false }), nowMs)).toBe('invited');
    expect(personState(person(1, { lockedUntil: '2026-11-20T09:10:00.000Z' }), nowMs)).toBe('locked');
    expect(personState(person(1, { lockedUntil: '2026-11-20T08:59:59.000Z' }), nowMs)).toBe('active');
    const suspended = person(1, { isDeactivated: true, lockedUntil: '2026-11-20T09:10:00.000Z', hasSignedUp: false });
    expect(personState(suspended, nowMs)).toBe('suspended');
  });
});

describe('the list of people', () => {
  const show = (people: User[], held = permissionsOf.fleet_admin) => {
    const on = {
      edit: vi.fn(),
      suspend: vi.fn(),
      activate: vi.fn(),
      inviteAgain: vi.fn(),
      remove: vi.fn(),
      removeTwoStep: vi.fn(),
    };
    render(PeopleTable, { people, busy: new Set<string>(), selfId: idOf(1), held, on });
    return on;
  };
  const open = async (name: string): Promise<string[]> => {
    const trigger = screen.getByRole('button', { name: `Actions for ${name}` });
    await fireEvent.pointerDown(trigger, { button: 0, pointerType: 'mouse' });
    await fireEvent.keyDown(trigger, { key: 'Enter' });
    return (await screen.findAllByRole('menuitem')).map((item) => item.textContent?.trim() ?? '');
  };

  it('lets nobody suspend or delete themselves', async () => {
    show([person(1)]);
    expect(await open('Person 1')).toEqual(['Change the name']);
  });

  it('offers what fits how the account stands', async () => {
    show([person(2, { isDeactivated: true })]);
    expect(await open('Person 2')).toEqual(['Change name or role', 'Activate', 'Delete…']);
  });

  it('takes two-step sign-in away from others who have it, never from oneself', async () => {
    const on = show([person(2, { mfaEnabled: true })]);
    expect(await open('Person 2')).toEqual(['Change name or role', 'Suspend', 'Remove two-step sign-in…', 'Delete…']);
    await fireEvent.keyDown(screen.getByRole('menuitem', { name: 'Remove two-step sign-in…' }), { key: 'Enter' });
    expect(on.removeTwoStep).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ id: idOf(2) }));
    cleanup();
    show([person(1, { mfaEnabled: true })]);
    expect(await open('Person 1')).toEqual(['Change the name']);
  });

  it('offers nothing about somebody who holds more', () => {
    show([person(3, { role: 'fleet_admin' })], permissionsOf.dispatcher);
    expect(screen.queryByRole('button', { name: 'Actions for Person 3' })).toBeNull();
  });

  it('says why somebody is locked, and unlocks', async () => {
    const locked = person(4, { lockedUntil: new Date(Date.now() + 600_000).toISOString() });
    const on = show([locked]);
    expect(document.body.textContent).toContain('Too many wrong tries');
    await fireEvent.click(screen.getByRole('button', { name: 'Unlock now' }));
    expect(on.activate).toHaveBeenCalledExactlyOnceWith(locked);
  });
});

describe('adding somebody', () => {
  const choices: Role[] = ['dispatcher', 'viewer'];
  const setUp = (send = vi.fn(() => Promise.resolve()), enterWith = vi.fn(() => Promise.resolve())) => {
    const done = vi.fn();
    render(AddPersonDialog, { invite: inviteForm(send), enter: enterForm(enterWith), choices, done, close: vi.fn() });
    return { send, enterWith, done };
  };

  it('asks for a role rather than guessing one', async () => {
    const { send } = setUp();
    await fireEvent.input(await screen.findByLabelText('E-mail'), { target: { value: 'new@blueridge.example' } });
    await fireEvent.click(screen.getByRole('button', { name: 'Send invitation' }));
    expect(screen.getByText('Choose a role.')).toBeTruthy();
    expect(send).not.toHaveBeenCalled();
    const radios = screen.getAllByRole('radio');
    expect(radios).toHaveLength(2);
    // Above the list: below it, it may be a screen away.
    const reason = screen.getByText('Choose a role.');
    expect(reason.compareDocumentPosition(radios[0] ?? reason)).toBe(Node.DOCUMENT_POSITION_FOLLOWING);
  });

  it('invites, and says what the API says of an address in use', async () => {
    const send = vi
      .fn<() => Promise<void>>()
      .mockRejectedValueOnce(
        new ApiFailure({ code: 'CONFLICT', status: 409, message: 'This e-mail address is in use already.' }),
      )
      .mockResolvedValueOnce();
    const { done } = setUp(send);
    await fireEvent.input(await screen.findByLabelText('E-mail'), { target: { value: ' New@Blueridge.example ' } });
    await fireEvent.click(screen.getByRole('radio', { name: /Dispatcher/ }));
    await fireEvent.click(screen.getByRole('button', { name: 'Send invitation' }));
    expect((await screen.findByRole('alert')).textContent).toContain('in use already');
    await fireEvent.click(screen.getByRole('button', { name: 'Send invitation' }));
    await waitFor(() => expect(done).toHaveBeenCalledOnce());
    expect(send).toHaveBeenLastCalledWith({ email: 'new@blueridge.example', role: 'dispatcher' });
  });

  it('takes what was typed along to the other way, and enters with a password', async () => {
    const { enterWith, done } = setUp();
    await fireEvent.input(await screen.findByLabelText('E-mail'), { target: { value: 'new@blueridge.example' } });
    await fireEvent.click(screen.getByRole('radio', { name: /Viewer/ }));
    await fireEvent.click(screen.getByRole('button', { name: 'Set a first password' }));
    expect(screen.getByLabelText<HTMLInputElement>('E-mail').value).toBe('new@blueridge.example');
    await fireEvent.input(screen.getByLabelText('Name'), { target: { value: 'New Person' } });
    await fireEvent.input(screen.getByLabelText('First password'), { target: { value: 'weak' } });
    await fireEvent.click(screen.getByRole('button', { name: 'Add person' }));
    expect(enterWith).not.toHaveBeenCalled();
    await fireEvent.input(screen.getByLabelText('First password'), { target: { value: 'Truck-Driver-7!' } });
    await fireEvent.click(screen.getByRole('button', { name: 'Add person' }));
    await waitFor(() => expect(done).toHaveBeenCalledExactlyOnceWith('entered', 'new@blueridge.example'));
    expect(enterWith).toHaveBeenCalledExactlyOnceWith({
      email: 'new@blueridge.example',
      name: 'New Person',
      role: 'viewer',
      password: 'Truck-Driver-7!',
    });
  });
});

describe('changing somebody', () => {
  const open = (of: User, isSelf: boolean, send: (changes: object) => Promise<void>) => {
    const form = personForm(of, send);
    const close = vi.fn();
    render(EditPersonDialog, {
      person: of,
      form,
      choices: roleChoices('fleet', permissionsOf.fleet_admin),
      isSelf,
      close,
    });
    return { close };
  };

  it('sends only what differs', async () => {
    const send = vi.fn(() => Promise.resolve());
    const { close } = open(person(2), false, send);
    expect((await screen.findByRole<HTMLButtonElement>('button', { name: 'Save' })).disabled).toBe(true);
    await fireEvent.click(screen.getByRole('radio', { name: /Technician/ }));
    await fireEvent.click(screen.getByRole('button', { name: 'Save' }));
    await waitFor(() => expect(close).toHaveBeenCalledOnce());
    expect(send).toHaveBeenCalledExactlyOnceWith({ role: 'technician' });
  });

  it('shows the rule of the last administrator in the API’s words', async () => {
    const { close } = open(person(2, { role: 'fleet_admin' }), false, () => Promise.reject(lastAdministrator));
    await fireEvent.click(await screen.findByRole('radio', { name: /Viewer/ }));
    await fireEvent.click(screen.getByRole('button', { name: 'Save' }));
    expect((await screen.findByRole('alert')).textContent).toContain('This is the last administrator');
    expect(close).not.toHaveBeenCalled();
  });

  it('offers no role to oneself, nor one of somebody who holds more', async () => {
    open(person(1, { role: 'fleet_admin' }), true, vi.fn());
    await screen.findByLabelText('Name');
    expect(screen.queryAllByRole('radio')).toEqual([]);
    expect(document.body.textContent).toContain('Nobody changes their own role.');
  });
});

describe('what is done to people', () => {
  const make = (requests: Partial<PeopleRequests>) =>
    new People({
      list: () => Promise.resolve({ data: [person(2)], meta: { total: 1, page: 1, pageSize: 20 } }),
      listInvitations: () => Promise.resolve({ data: [], meta: { total: 0, page: 1, pageSize: 20 } }),
      update: vi.fn(),
      suspend: vi.fn(),
      activate: vi.fn(),
      remove: vi.fn(),
      removeTwoStep: vi.fn(),
      invite: vi.fn(),
      revokeInvitation: vi.fn(),
      ...requests,
    });
  const filters = peopleFiltersFrom(new URLSearchParams());

  it('happens at once and can be taken back', async () => {
    const suspended = person(2, { isDeactivated: true });
    const people = make({
      suspend: vi.fn(() => Promise.resolve(suspended)),
      activate: vi.fn(() => Promise.resolve(person(2))),
    });
    await people.load(filters);
    await people.suspend(person(2));
    expect(people.page?.data[0]?.isDeactivated).toBe(true);
    expect(toasts.items[0]?.message).toContain('suspended');
    toasts.items[0]?.undo?.();
    await waitFor(() => expect(people.page?.data[0]?.isDeactivated).toBe(false));
    // And that has a way back again.
    expect(toasts.items.some(({ undo }) => undo !== null)).toBe(true);
  });

  it('shows two-step sign-in as off once it was taken away, and leaves it when that was refused', async () => {
    const removeTwoStep = vi.fn(() => Promise.resolve());
    const people = make({
      list: () =>
        Promise.resolve({ data: [person(2, { mfaEnabled: true })], meta: { total: 1, page: 1, pageSize: 20 } }),
      removeTwoStep,
    });
    await people.load(filters);
    removeTwoStep.mockRejectedValueOnce(lastAdministrator);
    await expect(people.removeTwoStep(person(2, { mfaEnabled: true }))).rejects.toBe(lastAdministrator);
    expect(people.page?.data[0]?.mfaEnabled).toBe(true);
    await people.removeTwoStep(person(2, { mfaEnabled: true }));
    expect(removeTwoStep).toHaveBeenLastCalledWith(idOf(2));
    expect(people.page?.data[0]?.mfaEnabled).toBe(false);
    expect(toasts.items.map(({ message }) => message)).toEqual([
      'Person 2 signs in with the password alone now, and was told by mail.',
    ]);
  });

  it('says when an invitation was not the first to this address', async () => {
    const open = { id: idOf(7), tenantId, email: 'known@blueridge.example', role: 'viewer', userId: null } as const;
    const times = { invitedBy: idOf(1), createdAt: '2026-11-19T00:00:00.000Z', expiresAt: '2026-11-26T00:00:00.000Z' };
    const people = make({
      listInvitations: () =>
        Promise.resolve({ data: [{ ...open, ...times }], meta: { total: 1, page: 1, pageSize: 100 } }),
    });
    await people.invite({ email: 'new@blueridge.example', role: 'viewer' });
    await people.invite({ email: 'known@blueridge.example', role: 'viewer' });
    expect(toasts.items.map(({ message }) => message)).toEqual([
      'Invitation sent to new@blueridge.example.',
      'Invitation sent again to known@blueridge.example. The link before it no longer works.',
    ]);
    const refused = make({ invite: () => Promise.reject(lastAdministrator) });
    await expect(refused.invite({ email: 'new@blueridge.example', role: 'viewer' })).rejects.toBe(lastAdministrator);
    expect(toasts.items).toHaveLength(2);
  });

  it('changes nothing on screen when it is refused, and says why', async () => {
    const people = make({ suspend: () => Promise.reject(lastAdministrator) });
    await people.load(filters);
    await people.suspend(person(2));
    expect(people.page?.data[0]?.isDeactivated).toBe(false);
    expect(toasts.items).toMatchObject([{ kind: 'error', message: lastAdministrator.message }]);
    expect(people.busy.size).toBe(0);
  });

  it('asks once while it is under way', async () => {
    let finish: (value: User) => void = () => {};
    const suspend = vi.fn(() => new Promise<User>((resolve) => (finish = resolve)));
    const people = make({ suspend });
    await people.load(filters);
    const first = people.suspend(person(2));
    await people.suspend(person(2));
    finish(person(2, { isDeactivated: true }));
    await first;
    expect(suspend).toHaveBeenCalledOnce();
  });
});

describe('the address', () => {
  it('holds what is shown', () => {
    const filters = peopleFiltersFrom(new URLSearchParams('q=jo&role=driver&page=2'));
    expect(filters).toEqual({ show: 'people', q: 'jo', role: 'driver', page: 2 });
    expect(peopleParams(filters)).toBe('q=jo&role=driver&page=2');
    expect(peopleParams({ ...filters, show: 'invitations', page: 1 })).toBe('show=invitations');
    expect(peopleFiltersFrom(new URLSearchParams('role=king&page=-1&show=all'))).toEqual({
      show: 'people',
      q: '',
      role: null,
      page: 1,
    });
  });
});
