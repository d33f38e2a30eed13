/**
 * The page's side of the shell (service-worker.ts): registers it, says that the page has come to life, looks for new builds, and
 * loads the page again when one is complete, which it only is when the server has handed out all of it.
 */
import { dev } from '$app/env';
import { updated } from '$app/state';
import { shellPath } from './shell-cache.ts';

const lookEveryMs = 5 * 60_000;
/** Two builds that take turns behind one address shall not make a wall flicker. */
const reloadAtMostEveryMs = 2 * 60_000;
const reloadedKey = 'truckiq.display.reloaded';

function mayReload(nowMs: number): boolean {
  try {
    if (nowMs - Number(sessionStorage.getItem(reloadedKey) ?? 0) < reloadAtMostEveryMs) return false;
    sessionStorage.setItem(reloadedKey, String(nowMs));
  } catch {
    // Without storage nothing is remembered; looks are five minutes apart.
  }
  return true;
}

export interface ShellKeeper {
  /** Looks for a new build now. */
  look: () => void;
  stop: () => void;
}

/** `beforeReload` runs right before the page goes. */
export function keepShell(beforeReload: () => void): ShellKeeper {
  document.documentElement.dataset['display'] = 'alive';
  const hasWorker = 'serviceWorker' in navigator && !dev;
  let registration: ServiceWorkerRegistration | null = null;
  let isStopped = false;

  const reload = (): void => {
    if (isStopped || !mayReload(Date.now())) return;
    beforeReload();
    location.reload();
  };

  const look = async (): Promise<void> => {
    try {
      if (registration !== null) await registration.update();
      // Without a worker nothing is kept, and the server that has just answered hands out the new page.
      else if (await updated.check()) reload();
    } catch {
      // Not now: the next look will tell.
    }
  };

  let hadController = hasWorker && navigator.serviceWorker.controller !== null;
  const takenOver = (): void => {
    // The first worker keeps the very build that is on the screen.
    if (hadController) setTimeout(reload, Math.random() * 3_000);
    hadController = true;
    navigator.serviceWorker.controller?.postMessage('alive');
  };
  if (hasWorker) {
    navigator.serviceWorker.addEventListener('controllerchange', takenOver);
    navigator.serviceWorker.controller?.postMessage('alive');
    navigator.serviceWorker.register('/service-worker.js', { scope: shellPath, updateViaCache: 'none' }).then(
      (done) => (registration = done),
      () => {
        // Not here (a plain http address, a private window): the screen works, but needs the server to start.
      },
    );
  }
  // Not all screens of a hall in the same moment.
  let timer = setTimeout(function again() {
    void look();
    timer = setTimeout(again, lookEveryMs);
  }, lookEveryMs * Math.random());

  return {
    look: () => void look(),
    stop() {
      isStopped = true;
      clearTimeout(timer);
      if (hasWorker) navigator.serviceWorker.removeEventListener('controllerchange', takenOver);
    },
  };
}
