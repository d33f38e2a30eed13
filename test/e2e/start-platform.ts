/** One platform for all end-to-end tests. */
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { startPlatform } from '../platform/start.ts';

export const e2ePort = 18_787;

declare module 'vitest' {
  interface ProvidedContext {
    url: string;
    portalUrl: string;
    startPid: number;
    stateFolder: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const platform = await startPlatform(e2ePort, '.truckiq/e2e', ['--fresh', '--speed', '1', '--rate-limit', '100000']);
  project.provide('url', platform.url);
  project.provide('portalUrl', platform.portalUrl);
  project.provide('startPid', platform.pid);
  project.provide('stateFolder', join(import.meta.dirname, '..', '..', '.truckiq', 'e2e'));
  return platform.stop;
}
