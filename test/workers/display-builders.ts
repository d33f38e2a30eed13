/** Wall displays for tests: paired through the real routes, or put straight into D1. */
import { displayTokenPrefix, type DeviceCode, type Display, type DisplayToken } from '#contracts/displays';
import { displays } from '#worker/db/schema/index';
import { hashToken, newOpaqueToken } from '#worker/http/tokens';
import { newId } from '#worker/ids';
import { call, db, person, type TestTenant } from './harness.ts';

/** Counters begin anew with each minute: what is counted to its limit must not straddle two. */
export async function earlyInTheMinute(): Promise<void> {
  const leftMs = 60_000 - (Date.now() % 60_000);
  if (leftMs < 7_000) await new Promise((resolve) => setTimeout(resolve, leftMs + 50));
}

export async function deviceCode(): Promise<DeviceCode> {
  return (await call('POST', '/displays/device-code')).body.data as DeviceCode;
}

export const askFor = (code: string) => call('POST', '/displays/token', { body: { deviceCode: code } });

export const claimInput = (userCode: string) => ({
  userCode,
  name: 'Bay 3',
  locationName: 'North shop',
  layout: 'attention',
});

/** A display that somebody of the tenant has claimed and that has fetched its token. */
export async function pairedDisplay(of: TestTenant): Promise<DisplayToken & { claimed: Display; adminToken: string }> {
  const { deviceCode: code, userCode } = await deviceCode();
  const { token } = await person(of, 'fleet_manager');
  const claimed = await call('POST', '/displays/claim', { token, body: claimInput(userCode) });
  const answer = await askFor(code);
  return {
    ...(answer.body.data as DisplayToken),
    claimed: claimed.body.data as Display,
    adminToken: token,
  };
}

/** A display as D1 has it; `token` is what its screen holds. */
export async function display(
  of: TestTenant,
  fields: Partial<typeof displays.$inferInsert> = {},
): Promise<{ id: string; token: string }> {
  const id = fields.id ?? newId();
  const at = new Date().toISOString();
  const token = newOpaqueToken(displayTokenPrefix);
  await db.insert(displays).values({
    id,
    tenantId: of.id,
    name: 'Bay 3',
    locationName: 'North shop',
    layout: 'attention',
    tokenHash: await hashToken(token),
    createdAt: at,
    updatedAt: at,
    ...fields,
  });
  return { id, token };
}
