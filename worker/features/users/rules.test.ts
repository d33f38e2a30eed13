import { describe, expect, test } from 'vitest';
import { permissionsOf, roles } from '#contracts/roles';
import { managingRoles, refuseGrant, refuseOneself, refuseTouch, roleInWords } from './rules.ts';

const { fleet_admin, fleet_manager, dealer_admin, super_admin } = permissionsOf;

describe('handing out a role', () => {
  test('a role of another kind of tenant is unknown here, and super_admin everywhere', () => {
    expect(refuseGrant(fleet_admin, 'fleet', 'dealer_admin')?.kind).toBe('unknown_role');
    expect(refuseGrant(dealer_admin, 'dealer', 'fleet_admin')?.kind).toBe('unknown_role');
    for (const kind of ['fleet', 'dealer'] as const) {
      const refusal = refuseGrant(super_admin, kind, 'super_admin');
      expect(refusal).toMatchObject({ kind: 'unknown_role' });
      expect(refusal?.kind === 'unknown_role' && refusal.allowed).not.toContain('super_admin');
    }
  });

  test('an operator stays an operator', () => {
    expect(refuseGrant(super_admin, null, 'super_admin')).toBeNull();
    expect(refuseGrant(super_admin, null, 'viewer')).toEqual({ kind: 'unknown_role', allowed: ['super_admin'] });
  });

  test('nobody hands out more than they hold, and hears which permission it is', () => {
    expect(refuseGrant(fleet_manager, 'fleet', 'fleet_admin')).toEqual({
      kind: 'holds_less',
      required: 'sync:manage',
    });
    expect(refuseGrant(fleet_manager, 'fleet', 'fleet_manager')).toBeNull();
    expect(refuseGrant([], 'fleet', 'shipper')).toBeNull();
  });
});

describe('touching somebody', () => {
  test('only who holds no more than oneself', () => {
    for (const role of roles) {
      expect(refuseTouch(super_admin, role)).toBeNull();
      expect(refuseTouch(fleet_admin, role)?.kind).toBe(role === 'super_admin' ? 'holds_less' : undefined);
    }
    expect(refuseTouch(fleet_admin, 'super_admin')).toEqual({ kind: 'holds_less', required: 'admin:manage' });
  });

  test('never oneself', () => {
    expect(refuseOneself('a', 'a')).toEqual({ kind: 'oneself' });
    expect(refuseOneself('a', 'b')).toBeNull();
  });
});

test('the roles that manage people are those of administrators', () => {
  expect(managingRoles).toEqual(['super_admin', 'dealer_admin', 'fleet_admin']);
  expect(roleInWords('fleet_manager')).toBe('fleet manager');
});
