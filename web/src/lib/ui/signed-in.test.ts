/** What becomes of the screen when the server closes the live view of somebody whose rights have changed. */
import { cleanup, render, screen, waitFor } from '@testing-library/svelte';
import { createRawSnippet } from 'svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { SignedInUser } from '#contracts/auth';
import { closeCode } from '#contracts/live';
import { permissionsOf, type Role } from '#contracts/roles';
import { idOf, liveVehicle, tenantId } from '../../../test/builders.ts';
import { wentTo } from '../../../test/app-navigation.ts';
import * as account from '../api/account.ts';
import { access } from '../api/client.ts';
import { ApiFailure } from '../api/failure.ts';
import * as fleet from '../api/fleet.ts';
import { live } from '../state/live.svelte.ts';
import { scope } from '../state/scope.svelte.ts';
import { session } from '../state/session.svelte.ts';
import SignedIn from './SignedIn.svelte';

const userAs = (role: Role): SignedInUser => ({
  ...{ id: idOf(1), email: 'a@b.example', name: 'A B', role, tenantId, tenantName: 'T' },
  permissions: [...permissionsOf[role]],
  ...{ mfaEnabled: false, mfaSetupRequired: false },
});

/** The browser's socket, held by the test. */
class HeldSocket {
  static readonly OPEN = 1;
  static all: HeldSocket[] = [];
  readyState = 1;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  constructor() {
    HeldSocket.all.push(this);
  }
  send(): void {}
  close(): void {}
  /** A whole picture of one truck. */
  fill(): void {
    const say = (message: object): void => this.onmessage?.({ data: JSON.stringify(message) });
    const [epoch, seq] = ['e', 1];
    say({ type: 'welcome', protocol: 1, epoch, seq, tickMs: 250, serverTime: '2026-11-20T09:00:00.000Z' });
    say({ type: 'snapshot', epoch, seq, part: 1, parts: 1, vehicles: [liveVehicle(1)], alerts: [] });
  }
}

let mounted = 0;
const children = createRawSnippet(() => ({
  render: () => '<p>The fleet</p>',
  setup: () => {
    mounted += 1;
  },
}));

/** Signed in, with a live picture on screen. */
async function show(role: Role): Promise<HeldSocket> {
  access.accept({ accessToken: 't', expiresIn: 900, user: userAs(role) });
  render(SignedIn, { children });
  const socket = await vi.waitUntil(() => HeldSocket.all.at(-1));
  await vi.waitUntil(() => socket.onmessage);
  socket.fill();
  expect(live.picture.vehicles.size).toBe(1);
  return socket;
}

beforeEach(() => {
  [HeldSocket.all, mounted, wentTo.length] = [[], 0, 0];
  vi.stubGlobal('WebSocket', HeldSocket);
  vi.spyOn(fleet, 'openLiveTicket').mockResolvedValue({ ticket: 't', expiresIn: 30, url: 'ws://x/live?ticket=t' });
  vi.spyOn(fleet, 'getTenant').mockResolvedValue({
    ...{ id: tenantId, name: 'T', kind: 'fleet', timeZone: 'UTC', units: 'us', requireMfa: false, isActive: true },
    ...{ flags: { predictions: true, alerts: true }, linkedTenants: [], createdAt: '2026-01-01T00:00:00.000Z' },
  });
});

afterEach(() => {
  cleanup();
  access.drop();
  scope.forget();
  vi.unstubAllGlobals();
});

describe('a live view that the server closes', () => {
  it('goes from the screen at once, whatever the server says next', async () => {
    const getMe = vi.spyOn(account, 'getMe').mockReturnValue(new Promise(() => {}));
    const socket = await show('fleet_admin');
    socket.onclose?.({ code: closeCode.sessionRevoked });
    expect(live.picture.vehicles.size).toBe(0);
    await waitFor(() => expect(screen.queryByText('The fleet')).toBeNull());
    expect(getMe).toHaveBeenCalledOnce();
  });

  it('comes back with the rights that hold by now', async () => {
    vi.spyOn(account, 'getMe').mockResolvedValue(userAs('viewer'));
    const socket = await show('fleet_admin');
    socket.onclose?.({ code: closeCode.sessionRevoked });
    await waitFor(() => expect(HeldSocket.all).toHaveLength(2));
    expect(session.user?.role).toBe('viewer');
    expect(screen.getByText('The fleet')).toBeTruthy();
    expect(mounted).toBe(2);
    expect(live.picture.vehicles.size).toBe(0);
  });

  it('is not opened again for a role that may not look', async () => {
    vi.spyOn(account, 'getMe').mockResolvedValue(userAs('shipper'));
    const socket = await show('fleet_admin');
    socket.onclose?.({ code: closeCode.sessionRevoked });
    await waitFor(() => expect(mounted).toBe(2));
    expect(HeldSocket.all).toHaveLength(1);
    expect(fleet.openLiveTicket).toHaveBeenCalledOnce();
    expect(live.state.kind).toBe('idle');
  });

  it('sends whoever has no session any more to sign in, with the reason', async () => {
    vi.spyOn(account, 'getMe').mockImplementation(() => {
      access.drop();
      return Promise.reject(new ApiFailure({ code: 'TOKEN_REVOKED', status: 401, message: 'x' }));
    });
    const socket = await show('fleet_admin');
    socket.onclose?.({ code: closeCode.sessionRevoked });
    await waitFor(() => expect(wentTo).toEqual(['/sign-in']));
    expect(session.endedByServer).toBe(true);
    expect(screen.queryByText('The fleet')).toBeNull();
  });
});

describe('rights that change without the live view noticing', () => {
  it('draw everything anew', async () => {
    await show('fleet_admin');
    session.user = userAs('technician');
    await waitFor(() => expect(mounted).toBe(2));
    expect(live.picture.vehicles.size).toBe(0);
  });

  it('a fresh token with the same rights changes nothing', async () => {
    await show('fleet_admin');
    access.accept({ accessToken: 'u', expiresIn: 900, user: userAs('fleet_admin') });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect([mounted, HeldSocket.all.length, live.picture.vehicles.size]).toEqual([1, 1, 1]);
  });
});
