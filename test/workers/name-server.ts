/** The simulated name server for the tests inside workerd; records are put with `putRecord` (domain-records.ts). */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createNameServer } from '#simulators/identity/dns';
import { readJson } from '#simulators/identity/read-json';

/** The address for DNS_API_URL. It ends with the process and does not keep it alive. */
export async function nameServer(): Promise<string> {
  const names = createNameServer();
  const server = createServer((request, response) => {
    if (names.handle(request, response)) return;
    void readJson(request).then((input) => response.end(JSON.stringify(names.put(input))));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/dns-query`;
}
