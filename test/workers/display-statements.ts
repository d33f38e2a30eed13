/** Every statement that wall displays send, for the test that holds them against the indexes. */
import type { DeviceCode, DisplayToken } from '#contracts/displays';
import { sweepDisplays } from '#worker/jobs/sweep-displays';
import { display } from './display-builders.ts';
import { link, person, tenant, truck } from './harness.ts';
import type { env } from 'cloudflare:workers';

type Ask = (method: string, path: string, token: string, body?: unknown) => Promise<Response>;

const dataOf = async <T>(answer: Promise<Response>): Promise<T> => (await (await answer).json<{ data: T }>()).data;

export async function askAboutDisplays(bindings: typeof env, ask: Ask): Promise<void> {
  const [dealer, fleet] = [await tenant('dealer'), await tenant()];
  await link(dealer, fleet);
  await truck(fleet, { riskLevel: 'critical', riskScore: 90 });
  const { token } = await person(dealer, 'dealer_admin');
  const operator = (await person(null, 'super_admin')).token;
  const inTenant = `?tenantId=${dealer.id}`;
  for (const caller of [token, operator]) {
    const codes = await dataOf<DeviceCode>(ask('POST', '/displays/device-code', ''));
    const { deviceCode, userCode } = codes;
    for (const body of [{ deviceCode: 'x' }, { deviceCode }]) await ask('POST', '/displays/token', '', body);
    await ask('POST', `/displays/claim${inTenant}`, caller, { userCode: 'ZZZ-222', deny: true });
    const fields = { name: 'Bay', locationName: 'Shop', layout: 'map' };
    const { id } = await dataOf<{ id: string }>(
      ask('POST', `/displays/claim${inTenant}`, caller, { userCode, ...fields }),
    );
    await ask('POST', `/displays/claim${inTenant}`, caller, { userCode, ...fields });
    const { displayToken } = await dataOf<DisplayToken>(ask('POST', '/displays/token', '', { deviceCode }));
    await ask('GET', '/displays/me', displayToken);
    await ask('POST', '/live/tickets', displayToken);
    for (const path of ['/displays', `/displays${inTenant}`, `/displays/${id}`, '/audit'])
      await ask('GET', path, caller);
    await ask('PATCH', `/displays/${id}`, caller, { name: 'Other' });
    for (const command of ['sleep', 'identify']) await ask('POST', `/displays/${id}/commands`, caller, { command });
    await ask('DELETE', `/displays/${id}`, caller);
  }
  // One that is silent, for the sweep to find.
  await display(dealer, { createdAt: '2020-01-01T00:00:00.000Z' });
  await sweepDisplays(bindings, new Date());
}
