/** A fleet shares its vehicles with a dealer: asked for by either side, accepted by the other, ended by either. */
import { z } from 'zod';
import { idSchema, orNull, pageQueryShape, timeSchema } from './primitives.ts';

export const dealerLinkStatuses = ['pending', 'active', 'ended'] as const;
export const dealerLinkStatusSchema = z.enum(dealerLinkStatuses);

const sideSchema = z.object({ id: idSchema, name: z.string() });

export const dealerLinkSchema = z
  .object({
    id: idSchema,
    dealer: sideSchema,
    fleet: sideSchema,
    status: dealerLinkStatusSchema,
    /** Which side asked; null for links made by the operator. */
    requestedByTenantId: orNull(idSchema),
    createdAt: timeSchema,
    acceptedAt: timeSchema.nullable(),
    endedAt: timeSchema.nullable(),
    endedByTenantId: orNull(idSchema),
  })
  .meta({ id: 'DealerLink' });
export type DealerLink = z.infer<typeof dealerLinkSchema>;

export const dealerLinkListQuerySchema = z.strictObject({
  ...pageQueryShape,
  tenantId: idSchema.optional(),
  status: dealerLinkStatusSchema.optional(),
});
export type DealerLinkListQuery = z.infer<typeof dealerLinkListQuerySchema>;

export const createDealerLinkInputSchema = z
  .strictObject({ /** The other side. */ tenantId: idSchema })
  .meta({ id: 'CreateDealerLinkInput' });

/** A super admin acts for one side, named here; for everybody else it is their own. */
export const dealerLinkQuerySchema = z.strictObject({ tenantId: idSchema.optional() });
