/**
 * Wall displays, end to end: the clients of docs/clients, run as anybody would run them, against the real start command.
 * Paired by the code they print, shown the fleet, told commands, and done with once they are unpaired.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { send, signIn, sleep, url, type Client } from './platform.ts';

const clients = join(import.meta.dirname, '..', '..', 'docs', 'clients');
const folder = mkdtempSync(join(tmpdir(), 'truckiq-display-'));

/** A Python that has the library; null where there is none. */
const python =
  ['python3', '/usr/bin/python3'].find(
    (name) => spawnSync(name, ['-c', 'import websockets'], { stdio: 'ignore' }).status === 0,
  ) ?? null;

interface Line {
  code?: string;
  confirmAt?: string;
  id?: string;
  layout?: string;
  seq?: number;
  vehicles?: number;
  alerts?: number;
  type?: string;
  command?: string;
  args?: { layout?: string };
}

/** A client as a child, with everything it has printed. */
class Screen {
  readonly lines: Line[] = [];
  private readonly child: ChildProcess;
  private readonly exited: Promise<number | null>;
  private said = '';

  constructor(command: string, script: string, tokenFile: string) {
    this.child = spawn(command, [join(clients, script), url, tokenFile], { stdio: ['ignore', 'pipe', 'pipe'] });
    let rest = '';
    this.child.stdout?.on('data', (chunk: Buffer) => {
      const whole = (rest + chunk.toString()).split('\n');
      rest = whole.pop() ?? '';
      for (const line of whole) this.lines.push(JSON.parse(line) as Line);
    });
    this.child.stderr?.on('data', (chunk: Buffer) => (this.said += chunk.toString()));
    this.exited = new Promise((resolve) => this.child.once('exit', (code) => resolve(code)));
    screens.push(this);
  }

  /** The first line like this that was printed after `from` others. */
  async line(wanted: (line: Line) => boolean, from = 0, withinMs = 30_000): Promise<Line> {
    const until = Date.now() + withinMs;
    for (;;) {
      const found = this.lines.slice(from).find(wanted);
      if (found !== undefined) return found;
      if (Date.now() > until) throw new Error(`not printed: ${JSON.stringify(this.lines.slice(-5))} ${this.said}`);
      await sleep(50);
    }
  }

  async end(): Promise<{ code: number | null; said: string }> {
    return { code: await this.exited, said: this.said };
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }
}

const screens: Screen[] = [];
afterAll(() => {
  for (const screen of screens) screen.kill();
  rmSync(folder, { recursive: true, force: true });
});

interface DisplayBody {
  id: string;
  name: string;
  health: string;
  isConnected: boolean;
  build: string | null;
  viewport: string | null;
}

const claim = (manager: Client, code: string | undefined, fields: object) =>
  send<DisplayBody>('POST', '/displays/claim', { userCode: code, ...fields }, manager.token);
const named = (name: string) => ({ name, locationName: 'North shop', layout: 'attention' });

async function untilListed(
  manager: Client,
  id: string,
  wanted: (display: DisplayBody) => boolean,
  withinMs = 15_000,
): Promise<DisplayBody> {
  const until = Date.now() + withinMs;
  for (;;) {
    const { body } = await send<DisplayBody>('GET', `/displays/${id}`, undefined, manager.token);
    if (wanted(body.data)) return body.data;
    if (Date.now() > until) throw new Error(JSON.stringify(body));
    await sleep(200);
  }
}

describe.each([
  ['Node', process.execPath, 'display-client.mjs', 'node-1'],
  ['Python', python, 'display_client.py', 'python-1'],
] as const)('the client in %s', (language, command, script, build) => {
  const skip = command === null ? 'no Python here has the package websockets' : false;

  test.skipIf(skip !== false)(
    `pairs, shows the fleet, hears commands, ends when it is unpaired${skip ? ` (${skip})` : ''}`,
    async () => {
      const manager = await signIn('service@summit.example');
      const tokenFile = join(folder, `${language}.txt`);
      const screen = new Screen(command ?? '', script, tokenFile);
      const { code, confirmAt } = await screen.line((line) => line.code !== undefined);
      expect(confirmAt).toBe(`${url}/settings/displays?code=${code}`);
      expect((await claim(manager, 'ZZZ-222', named('Wrong'))).status).toBe(404);
      const { status, body } = await claim(manager, code?.toLowerCase(), named(`Bay ${language}`));
      expect(status).toBe(201);
      const { id } = body.data;
      const own = await screen.line((line) => line.layout !== undefined && line.id === id);
      expect(own).toMatchObject({ name: `Bay ${language}`, layout: 'attention', isAsleep: false });
      expect(statSync(tokenFile).mode & 0o077).toBe(0);

      const picture = await screen.line((line) => line.seq !== undefined);
      const { body: fleet } = await send<unknown[]>('GET', '/vehicles?pageSize=1', undefined, manager.token);
      expect(picture.vehicles).toBe(fleet.meta?.total);
      const shown = await untilListed(manager, id, (display) => display.build !== null);
      expect(shown).toMatchObject({ health: 'green', isConnected: true, build, viewport: '1920×1080' });

      // A change reaches it, and so do commands; a reload brings it back by itself, without pairing.
      const before = screen.lines.length;
      await send('PATCH', `/displays/${id}`, { layout: 'map' }, manager.token);
      await screen.line((line) => line.command === 'layout' && line.args?.layout === 'map', before);
      const sent = await send<{ isDelivered: boolean }>(
        'POST',
        `/displays/${id}/commands`,
        { command: 'reload' },
        manager.token,
      );
      expect([sent.status, sent.body.data.isDelivered]).toEqual([202, true]);
      await screen.line((line) => line.command === 'reload', before);
      const back = await screen.line(
        (line) => line.id === id && line.layout === 'map' && line.type === undefined,
        before,
      );
      await screen.line((line) => line.seq !== undefined, screen.lines.indexOf(back));
      expect(screen.lines.filter((line) => line.code !== undefined)).toHaveLength(1);

      // The power goes and comes back: no second pairing.
      screen.kill();
      const second = new Screen(command ?? '', script, tokenFile);
      await second.line((line) => line.seq !== undefined);
      expect(second.lines.some((line) => line.code !== undefined)).toBe(false);

      expect((await send('DELETE', `/displays/${id}`, undefined, manager.token)).status).toBe(204);
      expect(await second.end()).toMatchObject({ code: 1, said: expect.stringContaining('4411') });
      const third = new Screen(command ?? '', script, tokenFile);
      expect(await third.end()).toMatchObject({ code: 1, said: expect.stringContaining('unpaired') });
    },
  );

  test.skipIf(skip !== false)(`gives up when it is refused${skip ? ` (${skip})` : ''}`, async () => {
    const manager = await signIn('service@summit.example');
    const tokenFile = join(folder, `${language}-refused.txt`);
    const screen = new Screen(command ?? '', script, tokenFile);
    const { code } = await screen.line((line) => line.code !== undefined);
    expect((await claim(manager, code, { deny: true })).status).toBe(200);
    expect(await screen.end()).toMatchObject({ code: 1, said: expect.stringContaining('refused') });
    expect(existsSync(tokenFile)).toBe(false);
  });
});

test('the examples stand on the page that explains them, and are short enough to read', () => {
  const page = readFileSync(join(clients, '..', 'displays.md'), 'utf8');
  for (const script of ['display-client.mjs', 'display_client.py']) {
    expect(page).toContain(`clients/${script}`);
    expect(readFileSync(join(clients, script), 'utf8').split('\n').length).toBeLessThan(70);
  }
});
