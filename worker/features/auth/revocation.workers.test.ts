import { env } from 'cloudflare:workers';
import { expect, test } from 'vitest';
import { roomOf } from '#durable-objects/stubs';
import { person, tenant } from '#test/workers/harness';
import { connect } from '#test/workers/live-socket';
import { closeSockets } from './revocation.ts';

test('a room that does not answer at first is told again', async () => {
  const fleet = await tenant();
  const { token, userId } = await person(fleet, 'viewer');
  const { closed } = await connect(token);
  let calls = 0;
  const FLEET_ROOM = Object.create(env.FLEET_ROOM, {
    idFromName: { value: (name: string) => env.FLEET_ROOM.idFromName(name) },
    get: {
      value: () => ({
        close: async (unwelcome: { userIds: string[] }) => {
          calls += 1;
          if (calls < 4) throw new Error('the room is being moved');
          return roomOf(env.FLEET_ROOM, fleet.id).close(unwelcome);
        },
      }),
    },
  }) as DurableObjectNamespace;
  await closeSockets({ ...env, FLEET_ROOM }, fleet.id, { userIds: [], endedSessionIds: [] });
  expect(calls).toBe(0);
  await closeSockets({ ...env, FLEET_ROOM }, fleet.id, { userIds: [userId] });
  expect([calls, await closed]).toEqual([4, 4410]);
});
