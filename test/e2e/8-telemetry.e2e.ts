/** Telemetry as docs/telemetry.md says it: with curl, packed lines, and the documented client of the stream. */
import { execFile, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, inject, test } from 'vitest';
import type { Vehicle } from '#contracts/vehicles';
import { signIn, url } from './platform.ts';

const fleet = 'High Plains Logistics';
const keys = JSON.parse(readFileSync(join(inject('stateFolder'), 'gateway-keys.json'), 'utf8')) as Record<
  string,
  string
>;
const key = keys[fleet] ?? '';

/** Rows that nothing of the simulated world would send: a truck seen in the middle of the ocean, long ago. */
const rows = (vin: string, count: number, fromMs: number) =>
  Array.from({ length: count }, (_, n) => ({
    vin,
    at: new Date(fromMs + n * 1000).toISOString(),
    lat: n / 1000,
    lon: -30,
  }));

const curl = (...options: string[]): Promise<{ stdout: string }> =>
  new Promise((resolve, reject) => {
    const child = execFile(
      'curl',
      ['-s', '-X', 'POST', `${url}/api/v1/telemetry/positions`, ...options],
      (error, stdout) => (error === null ? resolve({ stdout }) : reject(error)),
    );
    child.stdin?.end();
  });

async function truck(): Promise<Vehicle> {
  const client = await signIn('admin@highplains.example');
  const [first] = (await client.get<Vehicle[]>('/vehicles?pageSize=1&sort=unitNumber')).body.data;
  if (first === undefined) throw new Error('the demo fleet is empty');
  return first;
}

async function latitudesOf(vehicleId: string, fromMs: number, toMs: number): Promise<number[]> {
  const client = await signIn('admin@highplains.example');
  const [from, to] = [new Date(fromMs).toISOString(), new Date(toMs).toISOString()];
  const found: number[] = [];
  for (let cursor = ''; ;) {
    const { body } = await client.get<{ lat: number }[]>(
      `/vehicles/${vehicleId}/positions?from=${from}&to=${to}&limit=1000${cursor}`,
    );
    found.push(...body.data.map(({ lat }) => lat));
    const { nextCursor } = body.meta as unknown as { nextCursor: string | null };
    if (nextCursor === null) return found;
    cursor = `&cursor=${encodeURIComponent(nextCursor)}`;
  }
}

describe('a gateway', () => {
  test('posts a batch with curl, plain and packed', async () => {
    const { vin, id } = await truck();
    const fromMs = Date.now() - 20 * 86_400_000;
    const bearer = ['-H', `Authorization: Bearer ${key}`];
    const plain = await curl(
      ...bearer,
      '-H',
      'Content-Type: application/json',
      '-d',
      JSON.stringify({ positions: rows(vin, 3, fromMs) }),
    );
    expect(JSON.parse(plain.stdout)).toEqual({ data: { accepted: 3, rejected: [] } });
    const lines = `${rows(vin, 5, fromMs)
      .map((row) => JSON.stringify(row))
      .join('\n')}\n{"vin":\n`;
    const headers = {
      authorization: `Bearer ${key}`,
      'content-type': 'application/x-ndjson',
      'content-encoding': 'gzip',
    };
    const packed = await fetch(`${url}/api/v1/telemetry/positions`, { method: 'POST', headers, body: gzipSync(lines) });
    expect(await packed.json()).toMatchObject({
      data: { accepted: 5, rejected: [{ index: 5, code: 'INVALID_FIELD' }] },
    });
    expect(await latitudesOf(id, fromMs, fromMs + 60_000)).toEqual([0, 0.001, 0.002, 0.003, 0.004]);
  });

  test('refused in the middle of its body, it is served again on the same connection', async () => {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const post = (body: string | Uint8Array, more = {}) =>
      fetch(`${url}/api/v1/telemetry/positions`, { method: 'POST', headers: { ...headers, ...more }, body });
    const bomb = gzipSync(Buffer.alloc(100_000_000));
    for (let round = 0; round < 3; round += 1) {
      expect((await post(bomb, { 'content-encoding': 'gzip' })).status).toBe(413);
      expect((await post(bomb.subarray(0, 500), { 'content-encoding': 'gzip' })).status).toBe(400);
      expect((await post('x'.repeat(5_000_000))).status).toBe(413);
      expect((await post('{"positions":[]}')).status).toBe(202);
    }
  });

  test('streams with the documented client, and nothing is lost', async () => {
    const { vin, id } = await truck();
    const fromMs = Date.now() - 19 * 86_400_000;
    const client = join(import.meta.dirname, '../../docs/clients/stream-client.mjs');
    const child = spawn(process.execPath, [client, url, key]);
    let output = '';
    let complaints = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString()));
    const sent = rows(vin, 2_500, fromMs);
    child.stdin.end([...sent, { vin: 'NOBODY' }].map((row) => JSON.stringify(row)).join('\n'));
    const code = await new Promise((resolve) => child.once('exit', resolve));
    expect(code, complaints).toBe(0);
    const answers = output
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { batch: number; accepted: number; rejected: number });
    expect(answers.map(({ batch }) => batch)).toEqual(Array.from({ length: 26 }, (_, n) => n + 1));
    expect(answers.reduce((sum, { accepted }) => sum + accepted, 0)).toBe(2_500);
    expect(complaints).toContain('INVALID_FIELD');
    expect(await latitudesOf(id, fromMs, fromMs + 3_000_000)).toEqual(sent.map(({ lat }) => lat));
  });

  test('with a key that is refused the documented client says so and ends', async () => {
    const client = join(import.meta.dirname, '../../docs/clients/stream-client.mjs');
    const child = spawn(process.execPath, [client, url, `tk_live_${'a'.repeat(43)}`]);
    child.stdin.end('{"vin":"x"}\n');
    expect(await new Promise((resolve) => child.once('exit', resolve))).toBe(1);
  });
});
