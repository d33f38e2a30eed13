import { fireEvent, render, screen, waitFor } from '@testing-library/svelte';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Session } from '#contracts/auth';
import { idOf } from '../../../test/builders.ts';
import { ApiFailure } from '../api/failure.ts';
import { deviceOf } from '../format/people.ts';
import { Sessions } from '../state/sessions.svelte.ts';
import RecoveryCodes from './RecoveryCodes.svelte';
import SessionList from './SessionList.svelte';
import TwoFactorSteps from './TwoFactorSteps.svelte';
import { groupedSecret, recoveryFile, TwoFactorSetup } from './two-factor.svelte.ts';

const codes = ['aaaa-bbbb-cccc', 'dddd-eeee-ffff'];
const setupAnswer = {
  secret: 'JBSWY3DPEHPK3PXP',
  otpauthUrl: 'otpauth://totp/x',
  qrSvg: '<svg><path d="M0 0"/></svg>',
};
const wrongCode = () => new ApiFailure({ code: 'MFA_INVALID', status: 401, message: 'no' });

// happy-dom lays nothing out; the dialogs ask for the pointer and for sizes.
beforeEach(() => {
  vi.stubGlobal('matchMedia', () => ({ matches: false, addEventListener: vi.fn(), removeEventListener: vi.fn() }));
});

describe('setting up two-step sign-in', () => {
  it('shows a QR code as a picture, the key to type, and goes on to the recovery codes', async () => {
    const enable = vi.fn(() => Promise.resolve(codes));
    const setup = new TwoFactorSetup({ start: () => Promise.resolve(setupAnswer), enable });
    const done = vi.fn();
    render(TwoFactorSteps, { setup, email: 'a@b.example', done });
    const picture = await screen.findByAltText('QR code for the authenticator app');
    // In a data URL, so that nothing of the SVG is ever markup of this page.
    expect(picture.getAttribute('src')).toBe(
      `data:image/svg+xml;charset=utf-8,${encodeURIComponent(setupAnswer.qrSvg)}`,
    );
    expect(screen.getByText('JBSW Y3DP EHPK 3PXP')).toBeTruthy();
    await fireEvent.input(screen.getByLabelText('Six-digit code'), { target: { value: '123456' } });
    expect(await screen.findByText('aaaa-bbbb-cccc')).toBeTruthy();
    expect(enable).toHaveBeenCalledExactlyOnceWith('123456');
    // The secret is not kept longer than it is needed.
    expect(setup.setup).toBeNull();
    expect(done).not.toHaveBeenCalled();
  });

  it('keeps the secret and clears the code when the code is wrong', async () => {
    const setup = new TwoFactorSetup({
      start: () => Promise.resolve(setupAnswer),
      enable: () => Promise.reject(wrongCode()),
    });
    render(TwoFactorSteps, { setup, email: 'a@b.example', done: vi.fn() });
    const field = await screen.findByLabelText<HTMLInputElement>('Six-digit code');
    await fireEvent.input(field, { target: { value: '000000' } });
    expect((await screen.findByRole('alert')).textContent).toContain('That code is not right.');
    await waitFor(() => expect(field.value).toBe(''));
    expect(screen.getByText('JBSW Y3DP EHPK 3PXP')).toBeTruthy();
  });

  it('offers another try when no secret could be had', async () => {
    const start = vi
      .fn<() => Promise<typeof setupAnswer>>()
      .mockRejectedValueOnce(new ApiFailure({ code: 'NETWORK', status: 0, message: 'Away.' }))
      .mockResolvedValueOnce(setupAnswer);
    const setup = new TwoFactorSetup({ start, enable: vi.fn() });
    render(TwoFactorSteps, { setup, email: 'a@b.example', done: vi.fn() });
    expect((await screen.findByRole('alert')).textContent).toContain('Away.');
    await fireEvent.click(screen.getByRole('button', { name: 'Try again' }));
    expect(await screen.findByLabelText('Six-digit code')).toBeTruthy();
  });

  it('groups a key for typing', () => {
    expect(groupedSecret('ABCDEFGHI')).toBe('ABCD EFGH I');
    expect(groupedSecret('ABCDEFGH')).toBe('ABCD EFGH');
  });
});

describe('recovery codes', () => {
  it('let one go on only after a word that they were kept, and ask before the page is left', async () => {
    const done = vi.fn();
    render(RecoveryCodes, { codes, email: 'a@b.example', done });
    const leave = (): Event => {
      const event = new Event('beforeunload', { cancelable: true });
      window.dispatchEvent(event);
      return event;
    };
    expect(screen.getByRole<HTMLButtonElement>('button', { name: 'Done' }).disabled).toBe(true);
    expect(leave().defaultPrevented).toBe(true);
    await fireEvent.click(screen.getByLabelText('I have saved these codes somewhere safe'));
    expect(leave().defaultPrevented).toBe(false);
    await fireEvent.click(screen.getByRole('button', { name: 'Done' }));
    expect(done).toHaveBeenCalledOnce();
  });

  it('can be copied all at once, and kept as a file that names the account', async () => {
    const writeText = vi.fn(() => Promise.resolve());
    vi.stubGlobal('navigator', { ...navigator, clipboard: { writeText } });
    render(RecoveryCodes, { codes, email: 'a@b.example', done: vi.fn() });
    await fireEvent.click(screen.getByRole('button', { name: 'Copy all recovery codes' }));
    expect(writeText).toHaveBeenCalledExactlyOnceWith('aaaa-bbbb-cccc\ndddd-eeee-ffff');
    expect(recoveryFile(codes, 'a@b.example')).toMatch(
      /Account: a@b\.example\r\n[^]*aaaa-bbbb-cccc\r\ndddd-eeee-ffff\r\n$/,
    );
  });
});

const session = (n: number, rest: Partial<Session> = {}): Session => ({
  id: idOf(n),
  createdAt: '2026-11-20T08:00:00.000Z',
  lastUsedAt: '2026-11-20T09:00:00.000Z',
  ip: '203.0.113.7',
  userAgent:
    'Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Mobile/15E148 Safari/604.1',
  method: 'password',
  isCurrent: false,
  ...rest,
});

describe('sessions', () => {
  it('put this device first and offer to end only the others', async () => {
    const sessions = new Sessions({
      list: () => Promise.resolve({ data: [session(1), session(2, { isCurrent: true, userAgent: null })] }),
      end: vi.fn(),
    });
    await sessions.load();
    render(SessionList, { sessions });
    const rows = screen.getAllByRole('listitem');
    expect(rows[0]?.textContent).toContain('This device');
    expect(screen.getAllByRole('button', { name: /^End the session/ })).toHaveLength(1);
  });

  it('end one after asking, and take it off the list', async () => {
    const end = vi.fn(() => Promise.resolve());
    const sessions = new Sessions({
      list: () => Promise.resolve({ data: [session(1, { isCurrent: true }), session(2)] }),
      end,
    });
    await sessions.load();
    render(SessionList, { sessions });
    await fireEvent.click(screen.getByRole('button', { name: 'End the session of Safari on iPhone' }));
    expect(end).not.toHaveBeenCalled();
    await fireEvent.click(await screen.findByRole('button', { name: 'End the session' }));
    await waitFor(() => expect(end).toHaveBeenCalledExactlyOnceWith(idOf(2)));
    await waitFor(() => expect(screen.queryByRole('button', { name: /^End the session/ })).toBeNull());
  });

  it('end all others; one that has ended meanwhile is no failure', async () => {
    const ended: string[] = [];
    const sessions = new Sessions({
      list: () =>
        Promise.resolve({
          data: [session(1, { isCurrent: true }), session(2), session(3)].filter(({ id }) => !ended.includes(id)),
        }),
      end: (id) => {
        ended.push(id);
        return id === idOf(2)
          ? Promise.reject(new ApiFailure({ code: 'NOT_FOUND', status: 404, message: 'gone' }))
          : Promise.resolve();
      },
    });
    await sessions.load();
    await sessions.endOthers();
    expect(ended).toEqual([idOf(2), idOf(3)]);
    expect(sessions.all?.map(({ id }) => id)).toEqual([idOf(1)]);
  });

  it('stay on the list when the server refuses, with the reason in the dialog', async () => {
    const sessions = new Sessions({
      list: () => Promise.resolve({ data: [session(1, { isCurrent: true }), session(2)] }),
      end: () => Promise.reject(new ApiFailure({ code: 'UNAVAILABLE', status: 503, message: 'Not now.' })),
    });
    await sessions.load();
    render(SessionList, { sessions });
    await fireEvent.click(screen.getByRole('button', { name: /^End the session of/ }));
    await fireEvent.click(await screen.findByRole('button', { name: 'End the session' }));
    expect((await screen.findByRole('alert')).textContent).toContain('Not now.');
    expect(sessions.all).toHaveLength(2);
  });

  it.each([
    [
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
      'Chrome on Windows',
    ],
    [
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0',
      'Edge on Windows',
    ],
    [
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Safari/605.1.15',
      'Safari on Mac',
    ],
    ['Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', 'Firefox on Linux'],
    [
      'Mozilla/5.0 (Linux; Android 16; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36',
      'Chrome on Android',
    ],
    ['curl/8.5.0', 'curl 8.5.0'],
    ['Mozilla/5.0 (Windows NT 10.0)', 'A browser on Windows'],
    ['', 'Unknown device'],
    [null, 'Unknown device'],
    ['<b>hello</b>', 'Unknown device'],
  ])('%s is %s', (userAgent, device) => {
    expect(deviceOf(userAgent)).toBe(device);
  });
});
