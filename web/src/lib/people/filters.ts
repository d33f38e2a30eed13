/** What the people page shows, and the URL that holds it. Pure. */
import { roles, type Role } from '#contracts/roles';

export interface PeopleFilters {
  show: 'people' | 'invitations';
  q: string;
  role: Role | null;
  page: number;
}

export const peoplePageSize = 20;

/** Filters from a URL; what the URL gets wrong falls back to the default. */
export function peopleFiltersFrom(params: { get: (name: string) => string | null }): PeopleFilters {
  const page = Number(params.get('page') ?? 1);
  return {
    show: params.get('show') === 'invitations' ? 'invitations' : 'people',
    q: (params.get('q') ?? '').slice(0, 100),
    role: roles.find((role) => role === params.get('role')) ?? null,
    page: Number.isInteger(page) && page > 0 ? page : 1,
  };
}

/** The URL's query for some filters, defaults left out. */
export function peopleParams({ show, q, role, page }: PeopleFilters): string {
  const params = new URLSearchParams();
  if (show === 'invitations') params.set('show', show);
  if (show === 'people' && q !== '') params.set('q', q);
  if (show === 'people' && role !== null) params.set('role', role);
  if (page > 1) params.set('page', String(page));
  return params.toString();
}
