/**
 * The single-use token of a mailed link. It leaves the address bar at once, so that it is in no history, no screenshot and
 * no bookmark; it is kept nowhere but in the page's memory.
 */

interface Place {
  location: { href: string };
  history: { state: unknown; replaceState: (state: unknown, unused: string, url: string) => void };
}

/** Takes `?token=` out of the address; null when there is none (the page was loaded again, the link was cut short). */
export function takeToken({ location, history }: Place = window): string | null {
  const url = new URL(location.href);
  const token = url.searchParams.get('token');
  if (token === null) return null;
  url.searchParams.delete('token');
  // The router keeps its own things in the state: they stay.
  history.replaceState(history.state, '', `${url.pathname}${url.search}${url.hash}`);
  return token.trim() === '' ? null : token.trim();
}
