/** The present, for everything that shows an age. One timer for the whole page. */

class Clock {
  /** Epoch milliseconds, a second fine. */
  nowMs = $state(Date.now());

  /** Starts ticking; the answer stops it. */
  run(): () => void {
    const timer = setInterval(() => {
      this.nowMs = Date.now();
    }, 1000);
    return () => clearInterval(timer);
  }
}

export const clock = new Clock();
