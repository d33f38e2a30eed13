/** The test runtime's environment: the Worker's own bindings and the migrations to apply. */
/// <reference types="@cloudflare/vitest-plugin/types" />
import type { D1Migration } from '@cloudflare/vitest-plugin';
import type * as main from '#worker/index';
import type { Env as WorkerEnv } from '#worker/env';

declare global {
  namespace Cloudflare {
    interface Env extends WorkerEnv {
      TEST_MIGRATIONS: D1Migration[];
    }
    interface GlobalProps {
      mainModule: typeof main;
    }
  }
}
