/**
 * What somebody finds who carries off the disk: databases with their write-ahead logs, objects, buckets and logs of the
 * running platform, after secrets went in everywhere. The keys are in none of them.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, inject, test } from 'vitest';
import { bytesCanary, canariesIn, textCanary, type Canary } from '#test/canaries/canaries';
import { plantCanaries, type Platform } from '#test/canaries/planted';
import { demoPassword, signIn, url } from './platform.ts';

const stateFolder = inject('stateFolder');

/** Every file below a folder, as binary text by its path. */
function filesBelow(folder: string): Map<string, string> {
  const files = new Map<string, string>();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    // A file may go between the listing and the reading.
    if (entry.isFile() && existsSync(path)) files.set(relative(stateFolder, path), readFileSync(path, 'latin1'));
  }
  return files;
}

function findings(canaries: readonly Canary[]): string[] {
  const files = new Map([...filesBelow(join(stateFolder, 'data')), ...filesBelow(join(stateFolder, 'logs'))]);
  return [...files].flatMap(([path, content]) => canariesIn(content, canaries).map((found) => `${path}: ${found}`));
}

const pages = { invitation: '/accept-invitation', password_reset: '/reset-password' } as const;

const platform: Platform = {
  async send(method, path, { token, body, headers }) {
    const answer = await fetch(`${url}/api/v1${path}`, {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, body: text === '' ? null : (JSON.parse(text) as unknown) };
  },
  /** Out of the mailbox of the simulated world: where the person would read it. */
  async mailedToken(address, template) {
    const folder = join(stateFolder, 'mail');
    const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.json')) : [];
    const texts = names
      .toSorted()
      .map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as { to: string; text: string })
      .filter(({ to, text }) => to.includes(address) && text.includes(`${pages[template]}?token=`));
    const token = new RegExp(`${pages[template]}\\?token=([\\w-]+)`).exec(texts.at(-1)?.text ?? '')?.[1];
    if (token === undefined) throw new Error(`no ${template} has come to ${address}`);
    return token;
  },
};

describe('the disk', () => {
  test('holds no secret in clear, in base64 or in hex', async () => {
    const superAdmin = await signIn('super@demo.example');
    const { canaries, inClear, tenantId } = await plantCanaries(platform, superAdmin.token);
    const secrets = JSON.parse(readFileSync(join(stateFolder, 'secrets.json'), 'utf8')) as Record<string, string>;
    expect(Object.keys(secrets)).toEqual(expect.arrayContaining(['MASTER_KEY', 'AUDIT_KEY']));
    for (const [name, secret] of Object.entries(secrets)) {
      canaries.push(textCanary(name, secret), bytesCanary(name, Buffer.from(secret, 'base64')));
    }
    canaries.push(textCanary('password of the demo', demoPassword));

    // What was written a moment ago is in what is read: in a database or its log, and in an object's.
    expect(findings([textCanary('name', inClear)]).length).toBeGreaterThan(0);
    expect(findings([textCanary('tenant', tenantId)]).join()).toMatch(/sqlite/);
    expect(findings(canaries)).toEqual([]);
  });
});
