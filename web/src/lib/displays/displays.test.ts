import { describe, expect, it, vi } from 'vitest';
import { ApiFailure } from '../api/failure.ts';
import { codeAsShown, denyForm, displayForm, pairForm } from './forms.ts';
import { qrPath } from './qr.ts';
import { ErrorMemory, viewportOf } from './screen-care.ts';
import { buildWords, clockLeft, healthLook, plainAddress } from './words.ts';

const at = '2026-11-20T09:00:00.000Z';

describe('words about displays', () => {
  it('count down', () => {
    expect([899_000, 61_000, 59_100, 0, -5].map(clockLeft)).toEqual(['14:59', '1:01', '1:00', '0:00', '0:00']);
  });

  it('give an address as one types it', () => {
    expect(plainAddress('https://truckiq.example/settings/displays?code=ABC-234')).toBe(
      'truckiq.example/settings/displays',
    );
  });

  it('tell health in a shape and a word; one that has not spoken yet is starting, not well', () => {
    const of = (health: 'green' | 'amber' | 'red', lastHeartbeatAt: string | null = at, isAsleep = false) =>
      healthLook({ health, lastHeartbeatAt, isAsleep });
    expect(of('green')).toMatchObject({ word: 'Live', shape: 'circle' });
    expect(of('amber')).toMatchObject({ word: 'Late', shape: 'diamond' });
    expect(of('red')).toMatchObject({ word: 'Silent', shape: 'square' });
    expect(of('green', null).word).toBe('Starting');
    expect(of('red', null).word).toBe('Silent');
    expect(of('green', at, true)).toMatchObject({ word: 'Asleep', shape: 'pause' });
    expect(of('red', at, true).word).toBe('Silent');
  });

  it('date a build of ours, and leave another client its own name', () => {
    const nowMs = Date.parse(at);
    const ours = String(nowMs - 3_600_000);
    expect(buildWords(ours, String(nowMs), 'UTC', nowMs)).toEqual({ word: 'Nov 20, 08:00', isOld: true });
    expect(buildWords(ours, ours, 'UTC', nowMs).isOld).toBe(false);
    expect(buildWords('node-1', ours, 'UTC', nowMs)).toEqual({ word: 'node-1', isOld: false });
    expect(buildWords(null, ours, 'UTC', nowMs).word).toBe('not known');
  });
});

describe('forms about displays', () => {
  it('read a code however it is typed', () => {
    expect(['abc234', ' ABC 234', 'abc-234', 'ab'].map(codeAsShown)).toEqual(['ABC-234', 'ABC-234', 'ABC-234', 'AB']);
    expect(codeAsShown('abc-10o')).toBe('ABC-10O');
  });

  it('send the code in one shape, with a name, a place and a layout', async () => {
    const send = vi.fn().mockResolvedValue(undefined);
    const form = pairForm(send);
    Object.assign(form.values, { userCode: 'abc234', name: ' Bay 3 ', locationName: 'North shop' });
    expect(await form.submit()).toBe(true);
    expect(send).toHaveBeenCalledWith({
      userCode: 'ABC-234',
      name: 'Bay 3',
      locationName: 'North shop',
      layout: 'attention',
    });
  });

  it('say at the field what is missing', async () => {
    const form = pairForm(() => Promise.resolve());
    Object.assign(form.values, { userCode: 'ABC-10O' });
    expect(await form.submit()).toBe(false);
    expect(form.errorOf('userCode')).toContain('no 0, O, 1, I or L');
    form.values.userCode = 'ABC-234';
    await form.submit();
    expect(form.errorOf('name')).toContain('name');
    expect(form.errorOf('locationName')).toContain('hangs');
  });

  it('keep the server’s own words for a code that no screen shows', async () => {
    const form = pairForm(() =>
      Promise.reject(new ApiFailure({ code: 'NOT_FOUND', status: 404, message: 'No screen waits with this code.' })),
    );
    Object.assign(form.values, { userCode: 'ABC-234', name: 'Bay 3', locationName: 'North shop' });
    await form.submit();
    expect(form.message).toBe('No screen waits with this code.');
  });

  it('refuse with nothing but the code, and change only what differs', async () => {
    const deny = vi.fn().mockResolvedValue(undefined);
    const denying = denyForm(deny);
    denying.values.userCode = 'abc-234';
    expect(await denying.submit()).toBe(true);
    expect(deny).toHaveBeenCalledWith({ userCode: 'ABC-234', deny: true });
    const save = vi.fn().mockResolvedValue(undefined);
    const form = displayForm({ name: 'Bay 3', locationName: 'North shop' }, save);
    form.values.name = 'Bay 4';
    await form.submit();
    expect(save).toHaveBeenCalledWith({ name: 'Bay 4' });
  });
});

describe('a screen', () => {
  it('tells an error for an hour, and the newest one', () => {
    const memory = new ErrorMemory();
    expect(memory.last(0)).toBeNull();
    memory.note('first', 0);
    memory.note('second '.repeat(200), 1_000);
    memory.note('  ', 2_000);
    expect(memory.last(3_600_000)).toHaveLength(500);
    expect(memory.last(3_601_000)).toBeNull();
  });

  it('is measured in real pixels', () => {
    expect(viewportOf(1280, 720, 3)).toBe('3840×2160');
  });

  it('draws its code with four modules of quiet round it', () => {
    const { size, path } = qrPath('https://truckiq.example/settings/displays?code=ABC-234');
    const places = [...path.matchAll(/M(\d+) (\d+)h1v1h-1z/g)].map(([, x, y]) => [Number(x), Number(y)]);
    expect(places.length).toBeGreaterThan(300);
    expect(Math.min(...places.flat())).toBe(4);
    expect(Math.max(...places.flat())).toBe(size - 5);
  });
});
