/** The Worker's entry: requests, crons, queue. No logic; Durable Objects and Workflows are re-exported for the runtime. */
import { createApp } from './app.ts';
import type { Env, LiveQueueMessage } from './env.ts';
import { copyBackReadings } from './features/live/copy-back.ts';
import { logFailure } from './log.ts';
import { runScheduled } from './jobs/dispatch.ts';

export { AuditChain, FleetRoom, RateCounter, ScrapeGate } from '#durable-objects/index';
export { SyncWorkflow } from './features/sync/workflow.ts';
export { TrainingWorkflow } from './features/training/workflow.ts';

const app = createApp();

export default {
  fetch: (request, env, ctx) => app.fetch(request, env, ctx),
  scheduled: (controller, env, ctx) => runScheduled(controller.cron, env, ctx, new Date(controller.scheduledTime)),
  async queue(batch, env) {
    // Several rooms' wishes may share a batch; each is settled on its own.
    const tenantIds = new Set(batch.messages.map((message) => message.body.tenantId));
    const failed = new Set<string>();
    await Promise.all(
      [...tenantIds].map(async (tenantId) => {
        try {
          await copyBackReadings(env, tenantId);
        } catch (cause) {
          failed.add(tenantId);
          logFailure('copy_back_failed', cause, { tenantId });
        }
      }),
    );
    for (const message of batch.messages) {
      if (failed.has(message.body.tenantId)) message.retry({ delaySeconds: 5 });
      else message.ack();
    }
  },
} satisfies ExportedHandler<Env, LiveQueueMessage>;
