/** Row → contract, by allow-list. */
import type { ServiceEvent } from '#contracts/service-events';
import type { serviceEvents } from '../../db/schema/index.ts';

export type ServiceEventRow = typeof serviceEvents.$inferSelect;

export const toServiceEvent = (row: ServiceEventRow): ServiceEvent => ({
  id: row.id,
  vehicleId: row.vehicleId,
  at: row.at,
  kind: row.kind,
  system: row.system,
  spn: row.spn,
  fmi: row.fmi,
  description: row.description,
  odometerMiles: row.odometerMiles,
  source: row.source,
  externalId: row.externalId,
  createdAt: row.createdAt,
});
