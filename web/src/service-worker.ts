/**
 * Keeps the shell of the wall display, so that a screen comes back after a power cut whether or not there is a server. It is
 * registered for /display alone: no other page ever meets it.
 */
import { version } from '$app/env';
import files from 'virtual:display-files';
import { Shell } from './lib/displays/shell-cache.ts';

/** What a service worker's own scope offers; the page's types know nothing of it. */
interface Extendable extends Event {
  waitUntil(work: Promise<unknown>): void;
}
interface FetchAsked extends Extendable {
  readonly request: Request;
  respondWith(answer: Promise<Response>): void;
}
interface Scope {
  readonly location: Location;
  readonly clients: { claim(): Promise<void> };
  skipWaiting(): Promise<void>;
  addEventListener(type: 'install' | 'activate', listen: (event: Extendable) => void): void;
  addEventListener(type: 'message', listen: (event: Extendable & { data: unknown }) => void): void;
  addEventListener(type: 'fetch', listen: (event: FetchAsked) => void): void;
}
const scope = globalThis as unknown as Scope;

const shell = new Shell(version, files, {
  caches,
  fetchFresh: (url) => fetch(url, { cache: 'reload' }),
  fetch: (request) => fetch(request),
});

scope.addEventListener('install', (event) => {
  event.waitUntil(shell.install().then(() => scope.skipWaiting()));
});
scope.addEventListener('activate', (event) => {
  event.waitUntil(shell.activate().then(() => scope.clients.claim()));
});
scope.addEventListener('message', (event) => {
  if (event.data === 'alive') event.waitUntil(shell.alive());
});
scope.addEventListener('fetch', (event) => {
  const { request } = event;
  if (!Shell.concerns(request, scope.location.origin)) return;
  event.respondWith(request.mode === 'navigate' ? shell.page(request) : shell.file(request));
});
