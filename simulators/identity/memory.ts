/** Where the provider keeps sessions, codes and registered clients: in memory that outlives a change of its keys. */
import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider';

interface Kept {
  payload: AdapterPayload;
  expiresAtMs: number;
}

/** A memory shared by every adapter that it makes; what has expired is gone. */
export function createMemory(now: () => number = Date.now): AdapterFactory {
  const kept = new Map<string, Kept>();
  return (model): Adapter => {
    const keyOf = (id: string): string => `${model}:${id}`;
    const read = (key: string): AdapterPayload | undefined => {
      const found = kept.get(key);
      if (found === undefined || found.expiresAtMs > now()) return found?.payload;
      kept.delete(key);
      return undefined;
    };
    const search = (matches: (payload: AdapterPayload) => boolean): AdapterPayload | undefined => {
      for (const key of [...kept.keys()]) {
        const payload = key.startsWith(`${model}:`) ? read(key) : undefined;
        if (payload !== undefined && matches(payload)) return payload;
      }
      return undefined;
    };
    return {
      upsert: async (id, payload, expiresIn) => {
        kept.set(keyOf(id), { payload, expiresAtMs: expiresIn ? now() + expiresIn * 1000 : Infinity });
      },
      find: async (id) => read(keyOf(id)),
      findByUid: async (uid) => search((payload) => payload.uid === uid),
      findByUserCode: async (userCode) => search((payload) => payload.userCode === userCode),
      consume: async (id) => {
        const payload = read(keyOf(id));
        if (payload !== undefined) payload.consumed = Math.floor(now() / 1000);
      },
      destroy: async (id) => {
        kept.delete(keyOf(id));
      },
      revokeByGrantId: async (grantId) => {
        for (const [key, { payload }] of kept) if (payload.grantId === grantId) kept.delete(key);
      },
    };
  };
}
