import { describe, expect, it } from 'vitest';
import { ofThisProcess, Rest, restLimits } from './rest.ts';

const { quietLooks, busyShare, grownBytes, liveBytes } = restLimits;

function stage() {
  const state = { busy: 0, rss: grownBytes, heapUsed: 0, collections: 0 };
  const rest = new Rest({
    busyShare: () => state.busy,
    memory: () => state,
    collect: () => {
      state.collections++;
      state.rss = 10;
    },
  });
  const looks = (count: number) => Array.from({ length: count }, () => rest.look());
  return { state, looks };
}

describe('memory is given back', () => {
  it('by a node that was idle for long enough, and no sooner', () => {
    const { state, looks } = stage();
    state.busy = busyShare;
    expect(looks(quietLooks)).toEqual([...Array.from({ length: quietLooks - 1 }, () => false), true]);
  });

  it('not by one that was busy in between', () => {
    const { state, looks } = stage();
    looks(quietLooks - 1);
    state.busy = busyShare + 0.01;
    looks(1);
    state.busy = 0;
    looks(quietLooks - 1);
    expect(state.collections).toBe(0);
    looks(1);
    expect(state.collections).toBe(1);
  });

  it('once after it has grown by as much as counts', () => {
    const { state, looks } = stage();
    looks(10 * quietLooks);
    expect(state.collections).toBe(1);
    state.rss = 10 + grownBytes - 1;
    looks(quietLooks);
    expect(state.collections).toBe(1);
    state.rss = 10 + grownBytes;
    looks(1);
    expect(state.collections).toBe(2);
  });

  it('where the live heap is small enough for a short pause', () => {
    const { state, looks } = stage();
    state.heapUsed = liveBytes + 1;
    looks(quietLooks);
    expect(state.collections).toBe(0);
    state.heapUsed = liveBytes;
    looks(1);
    expect(state.collections).toBe(1);
  });

  it('by the collector of this very process', () => {
    const ports = ofThisProcess();
    const garbage = new WeakRef({});
    const rest = new Rest({ ...ports, busyShare: () => 0 });
    // A weak reference is kept until its turn is over.
    return new Promise((resolve) => setImmediate(resolve)).then(() => {
      expect(Array.from({ length: quietLooks }, () => rest.look()).at(-1)).toBe(true);
      expect(garbage.deref()).toBeUndefined();
      expect(ports.busyShare()).toBeGreaterThan(0);
    });
  });
});
