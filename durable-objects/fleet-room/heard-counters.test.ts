import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hasHeard, hear, hearThrough, heardUpTo, maxCountersAhead } from './heard-counters.ts';

describe('heard counters', () => {
  it('holds a count beyond a gap until the gap fills', () => {
    const heard = heardUpTo(3);
    hear(heard, [6, 5]);
    expect(heard.heardThrough).toBe(3);
    expect(hasHeard(heard, 4)).toBe(false);
    expect(hasHeard(heard, 5)).toBe(true);
    hear(heard, [4]);
    expect(heard).toEqual({ heardThrough: 6, ahead: new Set() });
  });

  it('takes a seed past the gap and never goes back with an old one', () => {
    const heard = heardUpTo(0);
    hear(heard, [5, 9]);
    hearThrough(heard, 4);
    expect(heard).toEqual({ heardThrough: 5, ahead: new Set([9]) });
    hearThrough(heard, 2);
    expect(heard.heardThrough).toBe(5);
  });

  it('stays bounded when a gap never fills', () => {
    const heard = heardUpTo(0);
    for (let counter = 2; counter < maxCountersAhead + 500; counter += 1) hear(heard, [counter]);
    expect(heard.ahead.size).toBe(maxCountersAhead);
    expect(heard.heardThrough).toBe(0);
  });

  it('equals the set of counts heard, whatever their order and repetition', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 30 })), (counters) => {
        const heard = heardUpTo(0);
        for (const counter of counters) hear(heard, [counter]);
        const set = new Set(counters);
        let through = 0;
        while (set.has(through + 1)) through += 1;
        expect(heard.heardThrough).toBe(through);
        expect(heard.ahead).toEqual(new Set([...set].filter((counter) => counter > through)));
      }),
    );
  });
});
