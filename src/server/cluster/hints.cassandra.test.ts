// Signs of life in a real Redis: shown, missed, flushed, paused, killed. Nothing of it may throw or stay.
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { startRedis, type Redis as TestRedis } from '../../../deploy/dev/redis/redis.ts';
import { sharedRedis } from '../../../deploy/dev/testing/testing.ts';
import { hintLimits, type NodeSign, RedisHints } from './hints.ts';
import { neighbourLimits } from './neighbours.ts';
import { until } from './testing/nodes.ts';

const provider = 'lux.example';
const signOf = (seat: number): NodeSign => ({
  node: `n${seat}`,
  gen: seat,
  seat,
  address: `h${seat}:1`,
  leaving: false,
});
const seats = (hints: RedisHints) => hints.alive.map(({ seat }) => seat).sort();

const open: RedisHints[] = [];
afterEach(async () => {
  for (const hints of open.splice(0)) await hints.close();
});

function hintsAt(redis: string, changed = () => {}, of = provider): RedisHints {
  const hints = new RedisHints({ redis, provider: of, changed });
  open.push(hints);
  return hints;
}

/** So many nodes that see each other and do not look by themselves any more: what one learns from then on it was called for. */
async function called(redis: string, count: number): Promise<RedisHints[]> {
  vi.useFakeTimers({ toFake: ['setInterval'] });
  const hints = Array.from({ length: count }, () => hintsAt(redis));
  vi.useRealTimers();
  for (const [n, each] of hints.entries()) each.show(signOf(n + 1));
  await heardBy(hints, redis);
  return hints;
}

/** Resolves when all are connected in both ways, and see each other. They look only because they are told to. */
async function heardBy(hints: readonly RedisHints[], redis: string): Promise<void> {
  const raw = rawAt(redis);
  const keys = hints.map((_, n) => `luxchat:{${provider}}:node:n${n + 1}`);
  let [hearing, showing] = [0, 0];
  const ask = async () => {
    hearing = Number((await raw.pubsub('NUMSUB', `luxchat:{${provider}}:changed`))[1]);
    showing = await raw.exists(keys);
  };
  await until('they hear and see each other', () => {
    for (const each of hints) each.look();
    ask().catch(() => {});
    return hearing === hints.length && showing === hints.length && hints.every(({ alive }) => alive.length === showing);
  });
  // A look asks four times, one after the other: the last ones are over by then.
  for (let asked = 0; asked < 8; asked++) await raw.ping();
}

/** Past the hints. */
function rawAt(redis: string): Redis {
  const raw = new Redis(redis).on('error', () => {});
  open.push({ close: async () => raw.disconnect() } as unknown as RedisHints);
  return raw;
}

/** Two nodes that see each other. */
async function pair(redis: string): Promise<[RedisHints, RedisHints]> {
  const hints = [hintsAt(redis), hintsAt(redis)] as [RedisHints, RedisHints];
  await until('both are connected', () => hints.every((each) => each.reachable));
  for (const [n, each] of hints.entries()) each.show(signOf(n + 1));
  await until('they see each other', () => hints.every((each) => seats(each).join() === '1,2'));
  return hints;
}

describe('signs of life in Redis', () => {
  let redis: string;
  let shared: Awaited<ReturnType<typeof sharedRedis>>;
  beforeAll(async () => {
    shared = await sharedRedis();
    redis = shared.address;
    await shared.flush();
  });

  it('wake the others, who see all that was said, and not only at their next look', async () => {
    const [one, two] = (await called(redis, 2)) as [RedisHints, RedisHints];
    two.show({ ...signOf(2), leaving: true });
    two.show({ ...signOf(2), address: 'moved:2', leaving: true });
    await until('the last word is seen', () => one.alive.some(({ address }) => address === 'moved:2'));
    expect(one.alive.find(({ seat }) => seat === 2)).toEqual({
      ...signOf(2),
      address: 'moved:2',
      leaving: true,
      ageMs: expect.any(Number),
    });
  });

  it('are gone at once when a node closes', async () => {
    const [one, two] = (await called(redis, 2)) as [RedisHints, RedisHints];
    await two.close();
    await until('it is gone', () => seats(one).join() === '1');
  });

  it('are renewed by who runs, and grow old where nobody renews them', async () => {
    const [one, two] = await pair(redis);
    const ageOf = (seat: number) => one.alive.find((each) => each.seat === seat)?.ageMs;
    const raw = rawAt(redis);
    await raw.set(`luxchat:{${provider}}:node:n9`, JSON.stringify(signOf(9)), 'PX', hintLimits.aliveMs);
    await raw.sadd(`luxchat:{${provider}}:nodes`, 'n9');
    await until('it has grown old', () => {
      // Asked by somebody in doubt, who does not wait for the next look.
      one.look();
      return (ageOf(9) ?? 0) > neighbourLimits.renewedMs;
    });
    two.show(signOf(2));
    await until('one that runs is young', () => (ageOf(2) ?? hintLimits.aliveMs) <= hintLimits.lookMs);
  });

  it('stay no longer than their time when a node dies without a word, and are gone at the next look', async () => {
    const [one] = (await called(redis, 1)) as [RedisHints];
    const raw = rawAt(redis);
    const key = (seat: number) => `luxchat:{${provider}}:node:n${seat}`;
    expect(await raw.pttl(key(1))).toBeLessThanOrEqual(hintLimits.aliveMs);
    await raw.set(key(9), JSON.stringify(signOf(9)));
    await raw.sadd(`luxchat:{${provider}}:nodes`, 'n9');
    one.look();
    await until('it is seen', () => seats(one).includes(9));
    // As when its time is over.
    await raw.del(key(9));
    one.look();
    await until('it is gone', () => !seats(one).includes(9));
  });

  // The set of names only grew, and every look asked for all of them.
  it('leave no names behind: of one node not when its sign is gone, of all not when nobody shows itself', async () => {
    const [one] = await pair(redis);
    const raw = rawAt(redis);
    const names = `luxchat:{${provider}}:nodes`;
    await raw.set(`luxchat:{${provider}}:node:n9`, JSON.stringify(signOf(9)), 'PX', hintLimits.aliveMs);
    await raw.sadd(names, 'n9', 'never');
    await until('it is seen', () => seats(one).includes(9));
    let left: string[] = [];
    const look = async () => {
      left = (await raw.smembers(names)).sort();
    };
    await look();
    await until('the one without a sign is forgotten', () => {
      void look();
      return !left.includes('never');
    });
    expect(left).toContain('n9');
    await until('its sign is gone', () => !seats(one).includes(9));
    await until('its name is, too', () => {
      void look();
      return left.join() === 'n1,n2';
    });
    const ms = await raw.pttl(names);
    expect(ms).toBeGreaterThan(hintLimits.namesMs - 2 * hintLimits.lookMs - 1_000);
    expect(ms).toBeLessThanOrEqual(hintLimits.namesMs);
  });

  it('come again by themselves when Redis forgets everything', async () => {
    const [one, two] = await pair(redis);
    await shared.flush();
    await until('both are there again', () => [one, two].every((each) => seats(each).join() === '1,2'));
    expect(one.reachable).toBe(true);
  });

  it('are of one provider only', async () => {
    const [one] = await pair(redis);
    const other = hintsAt(redis, () => {}, 'else.example');
    await until('it is connected', () => other.reachable);
    other.show(signOf(4));
    await until('it sees itself', () => seats(other).join() === '4');
    expect(seats(one)).toEqual([1, 2]);
  });

  it('are not made of garbage in the keys', async () => {
    const [one] = await pair(redis);
    const raw = rawAt(redis);
    const good = signOf(8);
    const garbage = [
      '',
      'null',
      '[]',
      '"n"',
      '{',
      '{}',
      ...[{ node: 5 }, { gen: 'x' }, { gen: 1.5 }, { seat: null }, { address: 7 }, { seat: undefined }].map((change) =>
        JSON.stringify({ ...good, ...change }),
      ),
    ];
    const names = `luxchat:{${provider}}:nodes`;
    for (const [n, text] of garbage.entries()) {
      await raw.set(`luxchat:{${provider}}:node:bad${n}`, text);
      await raw.sadd(names, `bad${n}`);
    }
    await raw.lpush(`luxchat:{${provider}}:node:list`, 'x');
    await raw.sadd(names, 'list', '', '\u0000');
    await raw.set(`luxchat:{${provider}}:node:n8`, JSON.stringify({ ...good, leaving: 'yes', more: 1 }));
    await raw.sadd(names, 'n8');
    await until('the good one is seen', () => seats(one).includes(8));
    expect(one.alive.find(({ seat }) => seat === 8)).toEqual({ ...good, ageMs: hintLimits.aliveMs });
    expect(seats(one)).toEqual([1, 2, 8]);
    // The key of the names itself may be something else: then Redis can't be asked.
    await raw.set(names, 'not a set');
    await until('it can not be asked', () => !one.reachable);
    await shared.flush();
    await until('it can again', () => one.reachable && seats(one).join() === '1,2');
  });
});

describe('a Redis that fails', () => {
  let redis: TestRedis;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis?.stop());

  it('that is paused can not be asked, and can when it goes on', async () => {
    const [one, two] = await pair(redis.address);
    redis.pause();
    try {
      await until('it can not be asked', () => !one.reachable && !two.reachable);
    } finally {
      redis.resume();
    }
    await until('they see each other again', () =>
      [one, two].every((each) => each.reachable && seats(each).join() === '1,2'),
    );
  });

  it('that is killed can not be asked, and shows everybody after it was started again', async () => {
    const [one, two] = await pair(redis.address);
    await redis.kill();
    await until('it can not be asked', () => !one.reachable && !two.reachable);
    two.show({ ...signOf(2), leaving: true });
    await redis.restart();
    await until('they see each other again, with what was said meanwhile', () =>
      [one, two].every(
        (each) => each.reachable && seats(each).join() === '1,2' && each.alive.some(({ leaving }) => leaving),
      ),
    );
  });

  it('that is killed passes on calls again after it was started', async () => {
    const [one, two] = (await called(redis.address, 2)) as [RedisHints, RedisHints];
    await redis.kill();
    await redis.restart();
    await heardBy([one, two], redis.address);
    two.show({ ...signOf(2), leaving: true });
    await until('it is seen', () => one.alive.some(({ leaving }) => leaving));
  });

  it('that is not there when a node starts or ends is no trouble', async () => {
    await redis.kill();
    const hints = hintsAt(redis.address);
    hints.show(signOf(1));
    expect([hints.reachable, hints.alive]).toEqual([false, []]);
    await hints.close();
    const late = hintsAt(redis.address);
    late.show(signOf(1));
    await redis.restart();
    await until('it is seen', () => late.reachable && seats(late).join() === '1');
  });
});
