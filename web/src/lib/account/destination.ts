/** Where to go after signing in: one of this app's own places, never an address that a link made up. */

/** An address that is one of these, or lies beneath it, may be gone on to. */
const places = ['vehicles', 'alerts', 'display', 'profile', 'settings'];

/**
 * `wanted` ("/vehicles?q=7") as it is laid onto the app's own address ("vehicles?q=7"); "" for the home page, which is also
 * what everything odd leads to.
 */
export function safeDestination(wanted: string | null): string {
  // A second slash or a backslash in front would make it another server's.
  if (wanted === null || !/^\/[\w-][\w/?&=%.~+:-]*$/.test(wanted)) return '';
  const rest = wanted.slice(1);
  const steps = (rest.split('?', 1)[0] ?? '').split('/');
  return places.includes(steps[0] ?? '') && !steps.includes('..') && !steps.includes('.') ? rest : '';
}
