/** Everything bad that a client can say on a live socket (bench/realtime/bad-frame-kinds.ts), while healthy sockets are served. */
import { expect, test } from 'vitest';
import { badFrames } from '../../bench/realtime/bad-frame-kinds.ts';
import { sayBadFrames } from '../../bench/realtime/bad-frames.ts';

test('a bad frame is answered by its close code, throws nothing, and disturbs nobody', async () => {
  const { kinds, wrong, exceptions, disturbed } = await sayBadFrames(badFrames(), false);
  expect(kinds).toBeGreaterThan(200);
  expect({ wrong, exceptions, disturbed }).toEqual({ wrong: [], exceptions: [], disturbed: [] });
});
