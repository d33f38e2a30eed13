/**
 * What a wall shows, whole: the live picture and what else it needs, with the moment it was true. The same shape comes from a
 * paired display, from a signed-in person's session, and out of the browser's own keeping after a power cut. Pure.
 */
import { z } from 'zod';
import { displayLayoutSchema, ownBoardSchema, type OwnBoard } from '#contracts/displays';
import { liveAlertSchema, liveVehicleSchema } from '#contracts/live';
import type { LivePicture } from '../live/fold.ts';

/** Everything but the picture. */
export const wallSettingSchema = z.object({
  tenant: z.object({ id: z.string(), name: z.string(), timeZone: z.string() }),
  /** What the screen is called and where it hangs; null on a signed-in person's own screen. */
  display: z.object({ name: z.string(), locationName: z.string() }).nullable(),
  layout: displayLayoutSchema,
  /** Whose trucks are shown besides the tenant's own. */
  customers: z.array(z.object({ id: z.string(), name: z.string() })),
  reasons: ownBoardSchema.shape.reasons,
  inbound: ownBoardSchema.shape.inbound,
});
export type WallSetting = z.infer<typeof wallSettingSchema>;

export interface Wall {
  /** The picture was true at this moment, epoch milliseconds. */
  asOfMs: number;
  setting: WallSetting;
  picture: LivePicture;
}

/** Raised when what is kept changes its shape: an older one is then not read. */
const keptVersion = 1;
const keptWallSchema = z.object({
  version: z.literal(keptVersion),
  asOfMs: z.number(),
  setting: wallSettingSchema,
  vehicles: z.array(liveVehicleSchema),
  alerts: z.array(liveAlertSchema),
});

/** A wall as it is kept through a power cut. */
export const toKept = ({ asOfMs, setting, picture }: Wall): z.input<typeof keptWallSchema> => ({
  version: keptVersion,
  asOfMs,
  setting,
  vehicles: [...picture.vehicles.values()],
  alerts: [...picture.alerts.values()],
});

/** What was kept, whoever wrote it; null when it is nothing that this build can read. */
export function fromKept(kept: unknown): Wall | null {
  const parsed = keptWallSchema.safeParse(kept);
  if (!parsed.success) return null;
  const { asOfMs, setting, vehicles, alerts } = parsed.data;
  return {
    asOfMs,
    setting,
    picture: {
      epoch: null,
      seq: 0,
      vehicles: new Map(vehicles.map((vehicle) => [vehicle.id, vehicle])),
      alerts: new Map(alerts.map((alert) => [alert.id, alert])),
    },
  };
}

export const settingOf = ({ display, tenant, linkedTenants, reasons, inbound }: OwnBoard): WallSetting => ({
  tenant: { id: tenant.id, name: tenant.name, timeZone: tenant.timeZone },
  display: { name: display.name, locationName: display.locationName },
  layout: display.layout,
  customers: linkedTenants,
  reasons,
  inbound,
});

/** Whose truck it is, where more than one fleet is on the wall; null where it goes without saying. */
export function customerOf({ tenant, customers }: WallSetting, tenantId: string): string | null {
  if (customers.length === 0) return null;
  return [tenant, ...customers].find(({ id }) => id === tenantId)?.name ?? 'Another fleet';
}

/**
 * How long a board is kept before it is written again, milliseconds: a minute for a hundred trucks, ten for 5,000, so that a
 * memory card lives for years.
 */
export const keepEveryMs = (vehicles: number): number => Math.max(60_000, vehicles * 120);
