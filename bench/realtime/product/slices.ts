/**
 * How long an object keeps the thread: every entry is timed from inside, from its call to where it first waits, and the room's
 * one door (`enter`) as well, through which everything goes that runs after a wait or by a timer. Clocks of workerd go on
 * while code runs when it runs on a machine of one's own, to the millisecond; on the platform they stand still.
 */
import { env } from 'cloudflare:workers';

export interface Slice {
  object: string;
  entry: string;
  milliseconds: number;
}

const isOn = (env as { TIMED_SLICES?: string }).TIMED_SLICES === 'true';
const longest = new Map<string, Slice & { calls: number }>();

function note(object: string, entry: string, milliseconds: number): void {
  const known = longest.get(`${object}.${entry}`);
  longest.set(`${object}.${entry}`, {
    ...{ object, entry },
    milliseconds: Math.max(milliseconds, known?.milliseconds ?? 0),
    calls: (known?.calls ?? 0) + 1,
  });
}

/** The longest slice of every entry since the last call, longest first. */
export function takeSlices(): (Slice & { calls: number })[] {
  const all = [...longest.values()].sort((a, b) => b.milliseconds - a.milliseconds);
  longest.clear();
  return all;
}

type AnyClass = new (ctx: DurableObjectState, env: never) => object;

/** The class with its entries timed for objects whose name passes; the class itself where slices are not asked for. */
export function timed<C extends AnyClass>(object: string, of: C): C {
  if (!isOn) return of;
  const Timed = class extends (of as AnyClass) {
    constructor(ctx: DurableObjectState, given: never) {
      const started = performance.now();
      super(ctx, given);
      note(`${object} ${ctx.id.name ?? ''}`, 'constructor', performance.now() - started);
    }
  } as unknown as C;
  const inherited = of.prototype as Record<string, unknown>;
  for (const entry of Object.getOwnPropertyNames(inherited)) {
    const work = inherited[entry];
    if (entry === 'constructor' || typeof work !== 'function') continue;
    Object.defineProperty(Timed.prototype, entry, {
      value(this: { ctx: DurableObjectState }, ...given: unknown[]): unknown {
        const started = performance.now();
        try {
          return (work as (...all: unknown[]) => unknown).apply(this, given);
        } finally {
          note(`${object} ${this.ctx.id.name ?? ''}`, entry, performance.now() - started);
        }
      },
    });
  }
  return Timed;
}
