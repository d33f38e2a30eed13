/** What every simulator shares: it listens on this machine only, and hears only this machine. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { getConnInfo } from '@hono/node-server/conninfo';
import type { Context } from 'hono';

/** Nothing outside the machine has business with the simulators. */
const host = '127.0.0.1';

export interface Listener {
  url: string;
  /** Ends every connection, hanging ones included. */
  close(): Promise<void>;
}

/**
 * Serves an app on a port of this machine; 0 takes any free one. Rejects with an Error in plain words, naming `purpose`,
 * when the port cannot be had.
 */
export async function listen(
  app: { fetch: Parameters<typeof getRequestListener>[0] },
  port: number,
  purpose: string,
): Promise<Listener> {
  const server: Server = createServer(getRequestListener(app.fetch, { hostname: host }));
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') reject(new Error(`the ${purpose}'s port ${port} is already in use`));
      else if (error.code === 'EACCES') reject(new Error(`the ${purpose} may not listen on port ${port}`));
      else reject(error);
    });
    server.listen(port, host, () => resolve());
  });
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}`,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Address of the client of a request that came over a socket; null for one that did not. */
export function remoteAddressOf(c: Context): string | null {
  try {
    return getConnInfo(c).remote.address ?? null;
  } catch {
    return null;
  }
}
