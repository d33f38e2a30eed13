import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { shieldPerMinute } from './shield.ts';

test('the limit that answers name is the one wrangler.toml sets', () => {
  const toml = readFileSync(join(import.meta.dirname, '..', '..', 'wrangler.toml'), 'utf8');
  const [, limit] = /name = "SHIELD"\n.*\nsimple = \{ limit = (\d+), period = 60 \}/.exec(toml) ?? [];
  expect(Number(limit)).toBe(shieldPerMinute);
});
