/** A pair that asks each other again and again, and mails the other side's people each time. */
import { and, eq, ne } from 'drizzle-orm';
import { expect, test } from 'vitest';
import { auditEntriesOf, call, db, person, tenant } from '#test/workers/harness';
import { dealerLinks, mailOutbox } from '#worker/db/schema/index';

async function side(kind: 'dealer' | 'fleet') {
  const of = await tenant(kind);
  return { of, ...(await person(of, kind === 'dealer' ? 'dealer_admin' : 'fleet_admin')) };
}
type Side = Awaited<ReturnType<typeof side>>;
const ask = (from: Side, to: { id: string }) =>
  call('POST', '/dealer-links', { token: from.token, body: { tenantId: to.id } });
const end = (by: Side, id: string) => call('DELETE', `/dealer-links/${id}`, { token: by.token });
const idOf = (answer: Awaited<ReturnType<typeof call>>): string => {
  expect(answer.status, answer.text).toBe(201);
  return (answer.body.data as { id: string }).id;
};
const livesOf = ({ id }: { id: string }) =>
  db
    .select()
    .from(dealerLinks)
    .where(and(eq(dealerLinks.fleetTenantId, id), ne(dealerLinks.status, 'ended')));

test('the same pair is asked three times a day, whoever asks: then 429, and nothing is written', async () => {
  const [dealer, fleet] = [await side('dealer'), await side('fleet')];
  for (const asking of [dealer, fleet, dealer]) {
    const id = idOf(await ask(asking, (asking === dealer ? fleet : dealer).of));
    expect((await end(asking, id)).status).toBe(204);
  }
  const entries = (await auditEntriesOf(fleet.of.id)).length;
  const mails = await db.$count(mailOutbox, eq(mailOutbox.tenantId, fleet.of.id));
  const refused = await Promise.all([ask(dealer, fleet.of), ask(fleet, dealer.of)]);
  expect(refused.map((answer) => [answer.status, answer.body.error.code])).toEqual([
    [429, 'RATE_LIMITED'],
    [429, 'RATE_LIMITED'],
  ]);
  expect(Number(refused[0].headers.get('retry-after'))).toBeGreaterThan(86_000);
  expect(await livesOf(fleet.of)).toEqual([]);
  expect((await auditEntriesOf(fleet.of.id)).length).toBe(entries);
  expect(await db.$count(mailOutbox, eq(mailOutbox.tenantId, fleet.of.id))).toBe(mails);
  expect((await ask(await side('dealer'), fleet.of)).status).toBe(201);
  const yesterday = new Date(Date.now() - 25 * 3_600_000).toISOString();
  await db.update(dealerLinks).set({ createdAt: yesterday }).where(eq(dealerLinks.dealerTenantId, dealer.of.id));
  expect((await ask(dealer, fleet.of)).status).toBe(201);
});
