/** Trucks on their way to the shop, as a wall shows them. Pure. */
import type { RiskLevel } from '#contracts/risk';
import type { VehicleStatus } from '#contracts/vehicles';
import { wallText, wallUnit } from '#contracts/wall-text';
import { attentionTrucks } from '../live/attention.ts';
import { boardRowsMax } from '../live/board.ts';
import type { Wall } from './wall.ts';

export interface InboundRow {
  id: string;
  tenantId: string;
  unitNumber: string;
  riskLevel: RiskLevel | null;
  /** What it comes for; null when nobody has said. */
  what: string | null;
  since: string;
  status: VehicleStatus;
  at: string | null;
}

/** Who is on the way, whoever set out first on top. A truck that is not in the picture is not this wall's to show. */
export function inboundRows({ setting, picture }: Pick<Wall, 'setting' | 'picture'>): InboundRow[] {
  return setting.inbound
    .flatMap(({ vehicleId, since, what }) => {
      const vehicle = picture.vehicles.get(vehicleId);
      if (vehicle === undefined) return [];
      const { id, tenantId, riskLevel, status, at } = vehicle;
      const words = what === null ? null : wallText(what);
      return [{ id, tenantId, unitNumber: wallUnit(vehicle.unitNumber), riskLevel, what: words, since, status, at }];
    })
    .toSorted((a, b) => Date.parse(a.since) - Date.parse(b.since) || a.id.localeCompare(b.id))
    .slice(0, boardRowsMax);
}

const nextAtMost = 6;

/** Units that the manufacturer's advice sends to a dealer, worst first: who may come next while nobody is on the way. */
export const mayComeNext = (picture: Wall['picture']): string[] =>
  attentionTrucks(picture)
    .filter(({ vehicle: { recommendedAction: action } }) => action === 'drive_to_dealer' || action === 'pull_over')
    .slice(0, nextAtMost)
    .map(({ vehicle }) => wallUnit(vehicle.unitNumber));
