// What a node does by the clock: asks whether it is still alive, shows nothing once it can't know, and says what it can't reach.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Placement } from '#actors/cluster/placement.ts';
import type { Switchboard } from '#actors/cluster/switchboard.ts';
import { Cluster, type ClusterPorts, clusterLimits } from './cluster.ts';
import { type Hints, hintLimits, type SeenSign } from './hints.ts';
import { Register, registerLimits } from './register.ts';

const { aloneMs, staleMs, fenceMs, leaveMs, lookMs, redisMs } = clusterLimits;

const silent = () => Promise.reject(new Error('no answer'));

/** A node without neighbours; its store answers nothing about shards. */
async function started(
  redis?: { reachable: boolean; trouble?: unknown; signs?: readonly SeenSign[] },
  readShard = silent,
) {
  const state = {
    aliveSinceMs: performance.now(),
    checks: 0,
    failures: 0,
    puts: 0,
    looks: 0,
    placement: new Placement(),
    fresh: [] as boolean[],
    said: [] as string[],
  };
  const rows = new Map<string, Uint8Array>();
  const table = {
    get: async (key: string) => rows.get(key) ?? null,
    list: async () => [],
    change: async () => {
      state.puts++;
      return true;
    },
  };
  const { placement } = state;
  const board = { placement, tick: () => void state.looks++, place: () => {}, found: () => {} };
  const ports: ClusterPorts = {
    store: { readShard },
    register: new Register(table, Date.now),
    walk: silent,
    board: board as unknown as Switchboard,
    release: () => [],
    abandon: () => {},
    forget: () => {},
    checkFence: () => void state.checks++,
    aliveSinceMs: () => state.aliveSinceMs,
    fresh: (isFresh) => void state.fresh.push(isFresh),
    failed: () => void state.failures++,
    log: {
      info: (event) => void state.said.push(event),
      warn: (event, _, cause) => void state.said.push(cause === undefined ? event : `${event}: ${cause}`),
    },
  };
  const hints: Hints | null =
    redis === undefined
      ? null
      : Object.assign(redis, {
          alive: redis.signs ?? [],
          trouble: redis.trouble,
          look: () => {},
          show: () => {},
          close: async () => {},
        });
  const cluster = new Cluster(
    {
      self: { provider: 'lux', node: 'a', gen: 1, seat: 1 },
      address: '127.0.0.1:0',
      links: { secret: new Uint8Array(32), host: '127.0.0.1', port: 0 },
      hints: () => hints,
    },
    ports,
  );
  await cluster.start();
  return { cluster, state };
}

describe('a node by the clock', () => {
  const clusters: Cluster[] = [];
  const begin = async (...args: Parameters<typeof started>) => {
    const made = await started(...args);
    clusters.push(made.cluster);
    return made;
  };
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] }));
  afterEach(async () => {
    for (const cluster of clusters.splice(0)) await cluster.close();
    vi.useRealTimers();
  });

  it('asks for its own fence though nobody else does', async () => {
    const { state } = await begin();
    const before = state.checks;
    vi.advanceTimersByTime(5 * fenceMs);
    expect(state.checks - before).toBeGreaterThanOrEqual(5);
  });

  it('shows nothing once no read that said alive began within the bound, and shows again when one did', async () => {
    const { cluster, state } = await begin();
    vi.advanceTimersByTime(staleMs - lookMs);
    expect([cluster.isFresh, state.fresh]).toEqual([true, []]);
    vi.advanceTimersByTime(2 * lookMs);
    expect([cluster.isFresh, state.fresh]).toEqual([false, [false]]);
    state.aliveSinceMs = performance.now();
    vi.advanceTimersByTime(lookMs);
    expect([cluster.isFresh, state.fresh]).toEqual([true, [false, true]]);
  });

  // A paused process: no timer ran for half a minute, then all of them do.
  it('shows nothing from its first look after a pause on', async () => {
    const { state } = await begin();
    vi.setSystemTime(Date.now() + 30_000);
    state.aliveSinceMs -= 30_000;
    vi.advanceTimersByTime(lookMs);
    expect(state.fresh).toEqual([false]);
  });

  it('renews its row in the register', async () => {
    const { state } = await begin();
    expect(state.puts).toBe(1);
    vi.advanceTimersByTime(registerLimits.renewMs);
    await vi.waitFor(() => expect(state.puts).toBe(2));
  });

  // Every drain left an error of the store in the log, and the night shift looked for it.
  it('asks and says nothing once it is closed, whatever the store answers then', async () => {
    const ends: (() => void)[] = [];
    const open = () => new Promise<never>((_, reject) => void ends.push(() => reject(new Error('closed'))));
    const { cluster, state } = await begin(undefined, open);
    await cluster.close();
    const { failures, checks } = state;
    expect(ends.length).toBeGreaterThan(0);
    for (const end of ends) end();
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    vi.advanceTimersByTime(5 * lookMs);
    expect([state.failures, state.checks]).toEqual([failures, checks]);
  });

  it('says what of the store did not answer', async () => {
    const { state } = await begin();
    await vi.waitFor(() => expect(state.failures).toBeGreaterThan(0));
  });

  // A node with another secret looked healthy, and people were sent to it.
  it('is not linked once others have been alive for a while and none of them can be reached', async () => {
    const signs: SeenSign[] = [{ node: 'b', gen: 1, seat: 0, address: 'nowhere', leaving: false, ageMs: 0 }];
    const redis = { reachable: true, signs };
    const { cluster } = await begin(redis);
    vi.advanceTimersByTime(aloneMs - lookMs);
    expect(cluster.isLinked).toBe(true);
    vi.advanceTimersByTime(2 * lookMs);
    expect(cluster.isLinked).toBe(false);
    redis.signs.length = 0;
    vi.advanceTimersByTime(4 * lookMs);
    expect(cluster.isLinked).toBe(true);
  });

  it('has 15 seconds for handing over at the end, and not one millisecond more', async () => {
    expect(leaveMs).toBe(15_000);
    const signs: SeenSign[] = [{ node: 'b', gen: 1, seat: 2, address: 'nowhere', leaving: false, ageMs: 0 }];
    const { cluster, state } = await begin({ reachable: true, signs });
    // Somebody is there to have it, but never takes it.
    vi.advanceTimersByTime(lookMs);
    state.placement.set(0, 'here');
    let left: boolean | null = null;
    const leaving = cluster.leave().then((all) => {
      left = all;
    });
    vi.advanceTimersByTime(leaveMs);
    // It looks again and again; `waitFor` would let time pass.
    for (const { looks } = state; state.looks < looks + 2; ) await new Promise((resolve) => setImmediate(resolve));
    expect(left).toBeNull();
    vi.advanceTimersByTime(1);
    await leaving;
    expect(left).toBe(false);
  });

  it('says once that Redis does not answer, and why, given time at the start, and once that it does', async () => {
    const redis = { reachable: false, trouble: 'refused' };
    const { cluster, state } = await begin(redis);
    vi.advanceTimersByTime(redisMs - lookMs);
    expect(state.said).toEqual([]);
    vi.advanceTimersByTime(2 * lookMs);
    vi.advanceTimersByTime(hintLimits.aliveMs);
    expect([state.said, cluster.counts.redisAnswers]).toEqual([['redis does not answer: refused'], false]);
    redis.reachable = true;
    vi.advanceTimersByTime(3 * lookMs);
    expect([state.said.at(-1), state.said.length, cluster.counts.redisAnswers]).toEqual(['redis answers', 2, true]);
  });
});
