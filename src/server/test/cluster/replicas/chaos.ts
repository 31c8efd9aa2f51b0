// Faults in an order that the seed draws, sometimes two at once. CHAOS_FAULTS=<count> says how many, and `npm run soak:cluster` plays random seeds
// (processes have a timing of their own, all the same).
import { it } from 'vitest';
import { generator, seed } from '../../harness.ts';
import { type Given, pass } from './given.ts';

/** With the seed of the test command ten of the eleven come, both of a replica among them, and three times two at once. */
const count = Number(process.env.CHAOS_FAULTS ?? 7);

interface Fault {
  /** What it is done to: two at once are done to different things, since one would undo the other, or leave nobody. */
  readonly subject: 'a node' | 'Redis' | 'the network' | 'Cassandra';
  /** Lasts no longer, milliseconds. */
  readonly mostMs: number;
  /** Does it for so long; `pick` says to which of several. */
  readonly run: (given: Given, ms: number, pick: <T>(of: readonly T[]) => T) => Promise<void>;
}

const faults: Readonly<Record<string, Fault>> = {
  'a node is killed': {
    subject: 'a node',
    mostMs: 3_000,
    run: async ({ stage }, ms, pick) => {
      await pick(stage.provider.nodes).kill();
      await pass(ms);
    },
  },
  'a node is paused': {
    subject: 'a node',
    mostMs: 8_000,
    run: async ({ stage }, ms, pick) => {
      const node = pick(stage.provider.nodes);
      node.pause();
      await pass(ms);
      node.resume();
    },
  },
  'a node is stopped': { subject: 'a node', mostMs: 0, run: ({ stage }, _, pick) => pick(stage.provider.nodes).stop() },
  'Redis is flushed': { subject: 'Redis', mostMs: 0, run: ({ redis }) => redis.flush() },
  'Redis is killed': {
    subject: 'Redis',
    mostMs: 4_000,
    run: async ({ redis }, ms) => {
      await redis.kill();
      await pass(ms);
      await redis.restart();
    },
  },
  'nodes are cut off from each other': {
    subject: 'the network',
    mostMs: 6_000,
    run: ({ toNode }, ms) =>
      during(
        ms,
        () => toNode.cut(),
        () => toNode.heal(),
      ),
  },
  'what nodes say is stuck': {
    subject: 'the network',
    mostMs: 4_000,
    run: ({ toNode }, ms) =>
      during(
        ms,
        () => toNode.hold(),
        () => toNode.heal(),
      ),
  },
  'answers of Cassandra are late': {
    subject: 'Cassandra',
    mostMs: 8_000,
    run: ({ toCassandra }, ms) =>
      during(
        ms,
        () => toCassandra.hold(),
        () => toCassandra.heal(),
      ),
  },
  'a node loses Cassandra': {
    subject: 'Cassandra',
    mostMs: 8_000,
    run: ({ toCassandra }, ms) =>
      during(
        ms,
        () => toCassandra.cut(),
        () => toCassandra.heal(),
      ),
  },
  'a replica is paused': {
    subject: 'Cassandra',
    mostMs: 8_000,
    run: ({ cassandra }, ms, pick) => {
      const replica = pick(cassandra.nodes);
      return during(
        ms,
        () => replica.pause(),
        () => replica.resume(),
      );
    },
  },
  'a replica is killed and comes back': {
    subject: 'Cassandra',
    mostMs: 3_000,
    run: async ({ cassandra }, ms, pick) => {
      const replica = pick(cassandra.nodes);
      await replica.kill();
      await pass(ms);
      await replica.restart();
      await cassandra.allReachAll();
    },
  },
};

export function chaos(given: () => Given): void {
  it(`goes on in chaos (${count} faults)`, { timeout: 120_000 + count * 60_000 }, async () => {
    const { trial, stage, makeFirstEldest } = given();
    for (const drawn of drawFaults(seed, count)) {
      if (drawn.some(({ name }) => faults[name]?.subject === 'the network')) await makeFirstEldest();
      await trial.fault(drawn.map(({ name }) => name).join(', and '), async () => {
        await Promise.all(drawn.map(({ name, ms, pick }) => faults[name]?.run(given(), ms, pick)));
        await stage.restartDead();
      });
    }
  });
}

interface Drawn {
  readonly name: string;
  readonly ms: number;
  readonly pick: <T>(of: readonly T[]) => T;
}

/** One fault after the other, or two at once. */
export function drawFaults(from: number, many: number): Drawn[][] {
  const random = generator(from);
  const pickOf =
    (drawn: number) =>
    <T>(of: readonly T[]) =>
      of[Math.floor(drawn * of.length)] as T;
  const draw = ([name, { mostMs }]: [string, Fault]): Drawn => ({
    name,
    ms: Math.floor(random() * mostMs),
    pick: pickOf(random()),
  });
  return Array.from({ length: many }, () => {
    const all = Object.entries(faults);
    const first = pickOf(random())(all);
    if (random() >= 0.3) return [draw(first)];
    const others = all.filter(([, { subject }]) => subject !== first[1].subject);
    return [draw(first), draw(pickOf(random())(others))];
  });
}

async function during(ms: number, begin: () => void, end: () => void): Promise<void> {
  begin();
  await pass(ms);
  end();
}
