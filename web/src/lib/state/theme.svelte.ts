/** Dark or light: the system's choice until a person makes one. `static/theme.js` applies it before the first paint. */

export type ThemeChoice = 'system' | 'light' | 'dark';
const storageKey = 'truckiq.theme';

function storedChoice(): ThemeChoice {
  try {
    const stored = localStorage.getItem(storageKey);
    return stored === 'light' || stored === 'dark' ? stored : 'system';
  } catch {
    return 'system';
  }
}

class Theme {
  choice = $state<ThemeChoice>(storedChoice());
  #systemDark = $state(typeof matchMedia === 'function' && matchMedia('(prefers-color-scheme: dark)').matches);

  get isDark(): boolean {
    return this.choice === 'dark' || (this.choice === 'system' && this.#systemDark);
  }

  /** Follows the system's setting; the answer stops that. */
  follow(): () => void {
    const query = matchMedia('(prefers-color-scheme: dark)');
    const listen = (): void => {
      this.#systemDark = query.matches;
      this.#apply();
    };
    query.addEventListener('change', listen);
    return () => query.removeEventListener('change', listen);
  }

  choose(choice: ThemeChoice): void {
    this.choice = choice;
    try {
      if (choice === 'system') localStorage.removeItem(storageKey);
      else localStorage.setItem(storageKey, choice);
    } catch {
      // Without storage the choice holds until the page is left.
    }
    this.#apply();
  }

  #apply(): void {
    document.documentElement.dataset['theme'] = this.isDark ? 'dark' : 'light';
  }
}

export const theme = new Theme();
