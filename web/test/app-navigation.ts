/** `$app/navigation` for component tests: where they were sent is written down, and a test may try to leave. */
type Leaving = { to: { url: URL } | null; willUnload: boolean; cancel: () => void };

export const wentTo: string[] = [];
let asked: ((leaving: Leaving) => void) | null = null;

export const goto = (to: string | URL): Promise<void> => {
  wentTo.push(String(to));
  return Promise.resolve();
};

export const beforeNavigate = (ask: (leaving: Leaving) => void): void => {
  asked = ask;
};

/** What a click on a link does; true when nothing on the page held it back. */
export function tryToLeave(path: string, { willUnload = false } = {}): boolean {
  let isCancelled = false;
  asked?.({
    to: { url: new URL(path, 'http://localhost') },
    willUnload,
    cancel: () => {
      isCancelled = true;
    },
  });
  return !isCancelled;
}
