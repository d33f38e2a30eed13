/** The people of an organisation and the invitations to join it. Each throws ApiFailure. */
import type { Role } from '#contracts/roles';
import type { CreateUserInput, Invitation, InviteUserInput, UpdateUserInput, User } from '#contracts/users';
import { answer, answerEmpty, api } from './client.ts';
import { paged, type Page, type TenantScope } from './fleet.ts';

export interface PeopleQuery extends TenantScope {
  /** Part of the name or the e-mail. */
  q?: string;
  role?: Role;
  page?: number;
  pageSize?: number;
}

export const listPeople = (query: PeopleQuery): Promise<Page<User>> =>
  answer(api.GET('/api/v1/users', { params: { query: paged(query) } }));

export const createPerson = async (scope: TenantScope, input: CreateUserInput): Promise<User> =>
  (await answer(api.POST('/api/v1/users', { params: { query: scope }, body: input }))).data;

export const updatePerson = async (scope: TenantScope, id: string, changes: UpdateUserInput): Promise<User> =>
  (await answer(api.PATCH('/api/v1/users/{id}', { params: { path: { id }, query: scope }, body: changes }))).data;

export const suspendPerson = async (scope: TenantScope, id: string): Promise<User> =>
  (await answer(api.POST('/api/v1/users/{id}/suspend', { params: { path: { id }, query: scope } }))).data;

/** Ends a suspension, and opens an account that wrong passwords have shut. */
export const activatePerson = async (scope: TenantScope, id: string): Promise<User> =>
  (await answer(api.POST('/api/v1/users/{id}/activate', { params: { path: { id }, query: scope } }))).data;

export const deletePerson = (scope: TenantScope, id: string): Promise<void> =>
  answerEmpty(api.DELETE('/api/v1/users/{id}', { params: { path: { id }, query: scope } }));

/** Takes away two-step sign-in that somebody has lost the way to: every session of theirs ends. */
export const removeTwoStep = (scope: TenantScope, id: string): Promise<void> =>
  answerEmpty(api.DELETE('/api/v1/users/{id}/mfa', { params: { path: { id }, query: scope } }));

/** Open ones, newest first. */
export const listInvitations = (query: TenantScope & { page?: number; pageSize?: number }): Promise<Page<Invitation>> =>
  answer(api.GET('/api/v1/users/invitations', { params: { query: paged(query) } }));

/** Mails an invitation; an open one of the same address is replaced. */
export const invite = async (scope: TenantScope, input: InviteUserInput): Promise<Invitation> =>
  (await answer(api.POST('/api/v1/users/invitations', { params: { query: scope }, body: input }))).data;

export const revokeInvitation = (scope: TenantScope, id: string): Promise<void> =>
  answerEmpty(api.DELETE('/api/v1/users/invitations/{id}', { params: { path: { id }, query: scope } }));
