import { describe, expect, test } from 'vitest';
import { roles } from '#contracts/roles';
import { permissionsPage, publicRoutes, routesOf, undeclared } from './permission-matrix.ts';

type Paths = Record<string, Record<string, object>>;

/** A document that has the public routes and these. */
function documentWith(more: Paths): { paths: Paths } {
  const paths: Paths = {};
  for (const name of publicRoutes) {
    const [method = '', path = ''] = name.split(' ');
    paths[path] = { ...paths[path], [method.toLowerCase()]: { tags: ['Auth'], summary: 'Open' } };
  }
  for (const [path, operations] of Object.entries(more)) paths[path] = { ...paths[path], ...operations };
  return { paths };
}

const declared = (permission: string | null, callers = 'anyone') => ({
  ...{ tags: ['Things'], summary: 'A thing' },
  ...{ 'x-permission': permission, 'x-callers': callers },
});

describe('what routes declare', () => {
  test('a route that says nothing is refused, and so is half a declaration', () => {
    expect(() => permissionsPage(documentWith({ '/x': { get: { summary: 'Forgotten' } } }))).toThrow(
      /GET \/x says not/,
    );
    const half = { '/x': { get: { 'x-permission': 'users:manage' } } };
    expect(undeclared(routesOf(documentWith(half)))).toEqual(['GET /x says not who may call it']);
  });

  test('a public route that asks for a permission, or is gone, is refused', () => {
    const both = documentWith({ '/api/v1/auth/login': { post: declared('users:manage') } });
    expect(undeclared(routesOf(both))).toEqual(['POST /api/v1/auth/login is listed as public']);
    expect(undeclared([])).toHaveLength(publicRoutes.length);
  });

  test('a permission that nobody knows is refused', () => {
    expect(() => routesOf(documentWith({ '/x': { get: declared('trucks:fly') } }))).toThrow();
  });
});

describe('the page', () => {
  const cellsOf = (page: string, route: string) =>
    page
      .split('\n')
      .find((line) => line.startsWith(`| \`${route}\``))
      ?.split(' | ')
      .map((cell) => cell.replace(/^\| | \|$/g, ''));

  test('lets a display in only where a route says so, and nobody else where it says displays', () => {
    const page = permissionsPage(
      documentWith({
        '/trucks': { get: declared('vehicles:read') },
        '/home': { get: declared(null) },
        '/tickets': { post: { ...declared('vehicles:read', 'people'), 'x-displays': true } },
        '/board': { get: declared(null, 'displays') },
      }),
    );
    expect(cellsOf(page, 'GET /trucks')?.at(-1)).toBe('–');
    expect(cellsOf(page, 'GET /home')?.at(-1)).toBe('–');
    expect(cellsOf(page, 'POST /tickets')?.slice(-2)).toEqual(['–', '✓']);
    expect(new Set(cellsOf(page, 'GET /board')?.slice(2, -1))).toEqual(new Set(['–']));
    expect(cellsOf(page, 'GET /board')?.at(-1)).toBe('✓');
  });

  test('marks roles by what they hold, drivers by what is assigned, keys by scope', () => {
    const page = permissionsPage(
      documentWith({
        '/people': { get: declared('users:manage', 'people') },
        '/trucks': { get: declared('vehicles:read') },
        '/home': { get: declared(null) },
        '/me': { get: declared(null, 'people') },
      }),
    );
    const column = (role: (typeof roles)[number]) => 2 + roles.indexOf(role);
    const people = cellsOf(page, 'GET /people') ?? [];
    expect(people[column('fleet_admin')]).toBe('✓');
    expect(people[column('fleet_manager')]).toBe('–');
    expect(people.at(-2)).toBe('–');
    const trucks = cellsOf(page, 'GET /trucks') ?? [];
    expect([trucks[column('viewer')], trucks[column('driver')], trucks[column('shipper')]]).toEqual([
      '✓',
      '✓ assigned',
      '–',
    ]);
    expect(trucks.at(-2)).toBe('scope');
    expect(new Set(cellsOf(page, 'GET /home')?.slice(2, -1))).toEqual(new Set(['✓']));
    expect(cellsOf(page, 'GET /me')?.at(-2)).toBe('–');
    expect(page).toContain('- `POST /api/v1/auth/login`: Open');
  });
});
