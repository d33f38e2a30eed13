/** Short messages at the foot of the screen; some carry a way back. */

export interface Toast {
  id: number;
  kind: 'info' | 'success' | 'error';
  message: string;
  undo: (() => void) | null;
}

const shownMs = { info: 5_000, success: 4_000, error: 10_000 } as const;

class Toasts {
  items = $state<Toast[]>([]);
  #nextId = 1;

  show(kind: Toast['kind'], message: string, undo: (() => void) | null = null, forMs: number = shownMs[kind]): number {
    const id = this.#nextId++;
    this.items.push({ id, kind, message, undo });
    setTimeout(() => this.dismiss(id), forMs);
    return id;
  }

  dismiss(id: number): void {
    this.items = this.items.filter((toast) => toast.id !== id);
  }
}

export const toasts = new Toasts();
