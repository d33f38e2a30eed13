import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { apiKeyPattern } from '#contracts/api-keys';
import { CheckError } from './checks.ts';
import { gatewayKeys, gatewayKeysFile } from './gateway-keys.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'truckiq-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('a damaged file is said at once, not written over', () => {
  for (const text of ['{', '[]', '{"Blue Ridge Freight":"tk_live_short"}']) {
    writeFileSync(gatewayKeysFile(folder), text);
    expect(() => gatewayKeys(folder)).toThrow(CheckError);
  }
});

test('every fleet has a key of its own, kept for its owner alone; another folder has others', () => {
  const keys = gatewayKeys(folder);
  expect(Object.keys(keys)).toEqual(['Blue Ridge Freight', 'High Plains Logistics', 'Cascade Carriers']);
  for (const key of Object.values(keys)) expect(key).toMatch(apiKeyPattern);
  expect(new Set(Object.values(keys)).size).toBe(3);
  expect(gatewayKeys(folder)).toEqual(keys);
  expect(statSync(gatewayKeysFile(folder)).mode & 0o777).toBe(0o600);
  const elsewhere = mkdtempSync(join(tmpdir(), 'truckiq-'));
  expect(Object.values(gatewayKeys(elsewhere))).not.toContain(keys['Blue Ridge Freight']);
  rmSync(elsewhere, { recursive: true });
});
