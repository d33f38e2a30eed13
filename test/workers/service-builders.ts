/** Service events as they stand in D1, and the statements of their routes for the test that judges every statement. */
import { serviceEvents } from '#worker/db/schema/index';
import { newId } from '#worker/ids';
import { db, type TestTenant } from './harness.ts';

/** A repair of an hour ago unless `fields` say otherwise. */
export async function serviceEvent(
  of: TestTenant,
  vehicleId: string,
  fields: Partial<typeof serviceEvents.$inferInsert> = {},
): Promise<string> {
  const id = fields.id ?? newId();
  const at = new Date(Date.now() - 3_600_000).toISOString();
  await db.insert(serviceEvents).values({
    id,
    tenantId: of.id,
    vehicleId,
    at,
    kind: 'repair',
    description: 'Turbo replaced',
    source: 'api',
    fingerprint: id,
    createdAt: at,
    ...fields,
  });
  return id;
}

type Ask = (
  method: string,
  path: string,
  token: string,
  body?: unknown,
  headers?: Record<string, string>,
) => Promise<Response>;

/** Every statement of the service events' routes. `vehicleId` is one the caller may write to. */
export async function askAboutServiceEvents(ask: Ask, vehicleId: string, token: string): Promise<void> {
  const path = `/vehicles/${vehicleId}/service-events`;
  const event = { at: '2026-11-01T00:00:00Z', kind: 'repair', description: `x ${newId()}` };
  const made: { data?: { id: string } } = await (await ask('POST', path, token, event)).json();
  if (made.data === undefined) throw new Error(JSON.stringify(made));
  await ask('POST', path, token, event);
  for (const query of ['', '?kind=repair&page=2']) await ask('GET', `${path}${query}`, token);
  await ask('DELETE', `${path}/${made.data.id}`, token);
  const file = 'vin,unit,date,kind,description\n1XKYDP9X0RJ000001,,2026-11-01,repair,x\n,U-1,2026-11-01,repair,x';
  await ask('POST', '/service-events/import', token, file, { 'content-type': 'text/csv' });
}
