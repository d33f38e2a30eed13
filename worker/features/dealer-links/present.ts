/** Row → contract, by allow-list. */
import type { DealerLink } from '#contracts/dealer-links';
import type { LinkRow } from './store.ts';

export const toDealerLink = (row: LinkRow): DealerLink => ({
  id: row.id,
  dealer: { id: row.dealerTenantId, name: row.dealerName },
  fleet: { id: row.fleetTenantId, name: row.fleetName },
  status: row.status,
  requestedByTenantId: row.requestedByTenantId,
  createdAt: row.createdAt,
  acceptedAt: row.acceptedAt,
  endedAt: row.endedAt,
  endedByTenantId: row.endedByTenantId,
});
