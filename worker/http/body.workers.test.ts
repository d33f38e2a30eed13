/** Bodies that are packed, cut short, or bombs: read whole or refused, and the next request works. */
import { exports } from 'cloudflare:workers';
import { beforeAll, describe, expect, test } from 'vitest';
import { origin, person, tenant, truck } from '#test/workers/harness';

let token: string;
let vehicleId: string;
beforeAll(async () => {
  const fleet = await tenant();
  vehicleId = await truck(fleet);
  token = (await person(fleet, 'fleet_admin')).token;
});

const packed = (format: 'gzip' | 'deflate', ...parts: (string | Uint8Array)[]): Promise<ArrayBuffer> =>
  new Response(new Blob(parts).stream().pipeThrough(new CompressionStream(format))).arrayBuffer();

async function send(body: BodyInit, headers: Record<string, string> = {}) {
  const response = await exports.default.fetch(
    new Request(`${origin}/api/v1/telemetry/positions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
      body,
    }),
  );
  const answer = (await response.json()) as {
    data?: { accepted: number; rejected: object[] };
    error?: { code: string };
  };
  return { status: response.status, code: answer.error?.code, data: answer.data };
}
const gzip = { 'content-encoding': 'gzip' };
const rowAt = (secondsAgo: number) => ({
  ...{ vehicleId, lat: 40, lon: -100 },
  at: new Date(Date.now() - secondsAgo * 1000).toISOString(),
});
const batch = () => JSON.stringify({ positions: [rowAt(3), rowAt(2)] });
const works = async () => expect(await send(batch())).toMatchObject({ status: 202, data: { accepted: 2 } });

describe('a packed body', () => {
  test('is what it was before it was packed', async () => {
    for (const format of ['gzip', 'deflate'] as const) {
      const sent = await send(await packed(format, batch()), { 'content-encoding': format });
      expect(sent).toMatchObject({ status: 202, data: { accepted: 2, rejected: [] } });
    }
    const lines = `${JSON.stringify(rowAt(1))}\n\n{"vehicleId":\r\n${JSON.stringify(rowAt(0))}\n`;
    const ndjson = await send(await packed('gzip', lines), { ...gzip, 'content-type': 'application/x-ndjson' });
    expect(ndjson).toMatchObject({
      status: 202,
      data: { accepted: 2, rejected: [{ index: 1, code: 'INVALID_FIELD' }] },
    });
  });

  test('may have 4 MB unpacked and not a byte more', async () => {
    const start = batch();
    const padding = (bytes: number) => ' '.repeat(bytes - start.length);
    expect(await send(await packed('gzip', start, padding(4_000_000)), gzip)).toMatchObject({ status: 202 });
    expect(await send(await packed('gzip', start, padding(4_000_001)), gzip)).toMatchObject({
      status: 413,
      code: 'PAYLOAD_TOO_LARGE',
    });
    await works();
  });

  test('that is a bomb is refused without being unpacked, and the next request works', async () => {
    const zeros = new Uint8Array(8_000_000);
    const bomb = await packed('gzip', ...Array.from({ length: 16 }, () => zeros));
    expect(bomb.byteLength).toBeLessThan(200_000);
    for (let n = 0; n < 3; n += 1) expect(await send(bomb.slice(0), gzip)).toMatchObject({ status: 413 });
    await works();
  });

  test('that is cut short, damaged, or not packed at all is 400', async () => {
    const whole = new Uint8Array(await packed('gzip', batch()));
    const damaged = Uint8Array.from(whole, (byte, at) => (at === 20 ? byte ^ 0xff : byte));
    const wrongSum = Uint8Array.from(whole, (byte, at) => (at === whole.length - 6 ? byte ^ 0xff : byte));
    const more = new Uint8Array([...whole, 1, 2, 3]);
    for (const body of [whole.slice(0, -1), whole.slice(0, -8), whole.slice(0, 12), damaged, wrongSum, more, batch()]) {
      expect(await send(body, gzip)).toMatchObject({ status: 400, code: 'VALIDATION_FAILED' });
    }
    expect(await send(whole, { 'content-encoding': 'deflate' })).toMatchObject({ status: 400 });
    expect(await send(whole, { 'content-encoding': 'br' })).toMatchObject({ status: 415 });
    expect(await send(whole)).toMatchObject({ status: 400, code: 'INVALID_JSON' });
    await works();
  });
});

test('more lines than any list may have are counted, not read', async () => {
  const lines = '7\n'.repeat(1_500_000);
  expect(await send(lines, { 'content-type': 'application/x-ndjson' })).toMatchObject({ status: 413 });
  await works();
});
