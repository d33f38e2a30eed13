/** Dealer links in an open room: what a grant brings to sockets and tickets, and what an end takes away. */
import { evictDurableObject } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import { changeOf, fallQuiet, newRoom, seedOf, truck, uuid, who } from '#test/durable-objects/room-builders';
import { connect, openWith, type RoomClient } from '#test/durable-objects/room-client';

const customer = uuid(900);
const shown = (client: RoomClient) => [...client.picture.vehicles.keys()].sort();

/** A dealer's room with one truck of its own and one client that may see no more. */
async function dealerRoom(options: Parameters<typeof connect>[2] = {}) {
  const { tenantId, room, stub } = newRoom();
  await room.seed(seedOf(tenantId, [truck(tenantId, 1)]));
  const client = await connect(room, who([tenantId]), options);
  await client.untilSnapshot();
  return { tenantId, room, stub, client };
}
const customerSeed = () => seedOf(customer, [truck(customer, 2), truck(customer, 3)]);

describe('a grant', () => {
  it('shows nothing by itself; the seed after it comes as a delta', async () => {
    const { room, client } = await dealerRoom();
    expect(await room.grantSources([customer])).toEqual({ widened: 1 });
    await room.seed(customerSeed());
    await client.until(() => client.picture.vehicles.size === 3);
    expect(client.of('snapshot')).toHaveLength(1);
    expect(await room.grantSources([customer])).toEqual({ widened: 0 });
    await room.applyChange(changeOf(customer, 11, { vehicles: [truck(customer, 2, { unitNumber: 'new' })] }));
    await client.until(() => client.picture.vehicles.get(uuid(2))?.unitNumber === 'new');
  });

  it('of what the room holds already comes as a snapshot', async () => {
    const { room, client } = await dealerRoom();
    await room.seed(customerSeed());
    expect(shown(client)).toEqual([uuid(1)]);
    await room.grantSources([customer]);
    await client.untilSnapshot(2);
    expect(shown(client)).toEqual([uuid(1), uuid(2), uuid(3)]);
  });

  it('leaves what a client chose not to see out', async () => {
    const { room, client } = await dealerRoom({ filter: { vehicleIds: [uuid(1), uuid(3)] } });
    await room.grantSources([customer]);
    await room.seed(customerSeed());
    await client.until(() => client.picture.vehicles.size === 2);
    expect(shown(client)).toEqual([uuid(1), uuid(3)]);
  });

  it('reaches sockets and tickets of a room that has lost its memory, and stays with them', async () => {
    const { tenantId, room, stub, client } = await dealerRoom();
    const { ticket } = await room.issueTicket(who([tenantId]));
    await fallQuiet(stub);
    await evictDurableObject(stub);
    expect(await room.grantSources([customer])).toEqual({ widened: 2 });
    await fallQuiet(stub);
    await evictDurableObject(stub);
    await room.seed(customerSeed());
    await client.until(() => client.picture.vehicles.size === 3);
    const late = await openWith(room, ticket);
    late.send({ type: 'hello', protocol: 1 });
    await late.untilSnapshot();
    expect(shown(late)).toEqual([uuid(1), uuid(2), uuid(3)]);
  });

  it('given, taken and given again leaves every client with the same picture', async () => {
    const { tenantId, room, client } = await dealerRoom();
    const silent = await connect(room, who([tenantId]), {}, false);
    await silent.untilSnapshot();
    for (let round = 0; round < 3; round += 1) {
      await room.grantSources([customer]);
      await room.seed(customerSeed());
      for (const one of [client, silent]) await one.until(() => one.picture.vehicles.size === 3);
      await room.dropSource(customer);
      for (const one of [client, silent]) await one.until(() => one.picture.vehicles.size === 1);
    }
    expect(shown(silent)).toEqual([uuid(1)]);
  });

  it('makes another viewer: what was held before cannot be resumed as if it were all', async () => {
    const { tenantId, room, client } = await dealerRoom();
    const resume = { epoch: client.epoch, seq: client.picture.seq };
    await room.grantSources([customer]);
    await room.seed(customerSeed());
    const again = await openWith(room, (await room.issueTicket(who([tenantId, customer]))).ticket);
    again.send({ type: 'hello', protocol: 1, resume });
    await again.untilSnapshot();
    expect(shown(again)).toEqual([uuid(1), uuid(2), uuid(3)]);
  });
});
