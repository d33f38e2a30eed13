/** The Worker's entry: requests, crons, queue. No logic; Durable Objects and Workflows are re-exported for the runtime. */
import { createApp } from './app.ts';
import type { Env, LiveQueueMessage } from './env.ts';
import { runScheduled } from './jobs/dispatch.ts';
import { consumeLiveQueue } from './jobs/live-queue.ts';

export { AuditChain, FleetRoom, FleetTracks, IngestGate, RateCounter, ScrapeGate } from '#durable-objects/index';
export { UnknownRows } from './jobs/unknown-rows.ts';
export { SyncWorkflow } from './features/sync/workflow.ts';
export { TrainingWorkflow } from './features/training/workflow.ts';

const app = createApp();

export default {
  fetch: (request, env, ctx) => app.fetch(request, env, ctx),
  scheduled: (controller, env, ctx) => runScheduled(controller.cron, env, ctx, new Date(controller.scheduledTime)),
  queue: (batch, env) => consumeLiveQueue(batch, env),
} satisfies ExportedHandler<Env, LiveQueueMessage>;
