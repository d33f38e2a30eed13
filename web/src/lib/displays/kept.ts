/**
 * What a screen keeps through a power cut: its token and its last good board, in IndexedDB. A browser that keeps nothing still
 * shows everything; it only has to be paired again after a restart.
 */
import { createStore, del, get, set, type UseStore } from 'idb-keyval';
import { z } from 'zod';
import { displayTokenPattern, displayTokenSchema, type DisplayToken } from '#contracts/displays';
import { fromKept, toKept, type Wall } from '../board/wall.ts';

/** A paired screen's board, and that of a signed-in person's screen. */
export type BoardOwner = 'display' | 'session';

const tokenKey = 'token';
const boardKey = (owner: BoardOwner): string => `board.${owner}`;

const keptTokenSchema = displayTokenSchema.extend({ displayToken: z.string().regex(displayTokenPattern) });

let store: UseStore | null = null;
const kept = (): UseStore => (store ??= createStore('truckiq-display', 'kept'));

/** Runs `work`; `otherwise` where this browser keeps nothing. */
async function tried<T>(work: () => Promise<T>, otherwise: T): Promise<T> {
  try {
    return await work();
  } catch {
    return otherwise;
  }
}

/** Who this screen is; null when it is not paired. */
export const readToken = (): Promise<DisplayToken | null> =>
  tried(async () => {
    const found = keptTokenSchema.safeParse(await get(tokenKey, kept()));
    return found.success ? found.data : null;
  }, null);

/** False when it could not be written: it holds until the page is left then. */
export const keepToken = (token: DisplayToken): Promise<boolean> =>
  tried(async () => {
    await set(tokenKey, token, kept());
    // Asks the browser not to clear it when space runs short; a refusal changes nothing.
    if ('storage' in navigator) await tried(() => navigator.storage.persist(), false);
    return true;
  }, false);

/** The display is unpaired: nothing of the organisation stays on the screen. */
export const forgetDisplay = (): Promise<void> =>
  tried(async () => {
    await del(tokenKey, kept());
    await del(boardKey('display'), kept());
  }, undefined);

export const readBoard = (owner: BoardOwner): Promise<Wall | null> =>
  tried(async () => fromKept(await get(boardKey(owner), kept())), null);

export const keepBoard = (owner: BoardOwner, wall: Wall): Promise<void> =>
  tried(() => set(boardKey(owner), toKept(wall), kept()), undefined);

export const forgetBoard = (owner: BoardOwner): Promise<void> => tried(() => del(boardKey(owner), kept()), undefined);
