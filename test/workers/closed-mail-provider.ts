/** A mail provider that takes nothing: what a test does not send itself stays in the outbox, where mail.ts reads it. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Its origin. It ends with the process and does not keep it alive. */
export async function closedMailProvider(): Promise<string> {
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', () => response.writeHead(503).end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
