// The part of the store's contract that is about owners that stand still at any step and come back after others took over: nothing is acked then that
// the new owner does not have.
import { describe, expect, it } from 'vitest';
import { takeShard } from '#actors/log/ownership.ts';
import { shardOf } from '#actors/log/shards.ts';
import type { Generation } from '#actors/ports/log-store.ts';
import { bytes, log, Owner, ownedBy, ownersOf, text, type World } from './contract-owner.ts';
import { walk } from './tenure.ts';

export function ownersContract(name: string, world: World): void {
  const { owner, takeOver, contents, fresh } = ownersOf(world);

  describe(`owners that stand still, ${name}`, () => {
    it('never acks a row that was written after the takeover, and no one ever sees it', async () => {
      const { generation, first } = await fresh('a');
      first.append('late');
      const held = first.hold('writeRows');
      const second = owner(await takeOver(generation));
      await second.open();
      second.append('b');
      await second.run();
      first.reply(held, await first.carryOut(held));
      await first.run();
      expect([first.acked, first.failed]).toEqual([1, 'FENCED']);
      expect(await contents(second)).toEqual(['1 a', '2 b']);
      const third = owner(await takeOver({ node: 'n', gen: 2 }));
      await third.open();
      expect(await contents(third)).toEqual(['1 a', '2 b']);
    });

    it('never acks a row that was written before the takeover and not yet covered; the new owner has it', async () => {
      const { generation, first } = await fresh('a');
      first.append('b');
      await first.step('writeRows');
      const second = owner(await takeOver(generation));
      expect((await second.open()).nextSeq).toBe(3);
      await first.run();
      expect([first.acked, first.failed]).toEqual([1, 'FENCED']);
      expect(await contents(second)).toEqual(['1 a', '2 b']);
    });

    it('may ack late what was covered before the takeover: the new owner has it', async () => {
      const { generation, first } = await fresh('a');
      first.append('b');
      await first.step('writeRows');
      const held = first.hold('cover');
      const read = await first.carryOut(held);
      const second = owner(await takeOver(generation));
      await second.open();
      first.reply(held, read);
      expect(first.acked).toBe(2);
      expect(await contents(second)).toEqual(['1 a', '2 b']);
    });

    it('stops an opener that slept through two takeovers before its first step, after its read, and before its change', async () => {
      for (const until of ['readMeta', 'cover', 'readState', 'readRows', 'casMeta'] as const) {
        const { store } = world;
        const { generation, first } = await freshIn(world, `room/!${until}:lux`);
        const sleeper = await store().createGeneration('n');
        const place = shardOf(`room/!${until}:lux`);
        const begun = await ownedBy(store(), place, generation);
        await walk(store(), takeShard({ shard: place, from: begun, to: sleeper }));
        const asleep = new Owner({ store: store(), generation: sleeper, log: `room/!${until}:lux`, now: world.now });
        asleep.command({ kind: 'open', create: true });
        await asleep.run(until);
        const third = await store().createGeneration('n');
        const slept = await ownedBy(store(), place, sleeper);
        await walk(store(), takeShard({ shard: place, from: slept, to: third }));
        const awake = new Owner({ store: store(), generation: third, log: `room/!${until}:lux`, now: world.now });
        await awake.open();
        awake.append('b');
        await awake.run();
        await asleep.run();
        expect([asleep.failed, asleep.answers.length]).toEqual(['FENCED', 1]);
        awake.append('c');
        await awake.run();
        expect([awake.acked, first.acked]).toEqual([3, 1]);
      }
    });

    it('lets late state lose against the new owner, and does not answer for it', async () => {
      const { generation, first } = await fresh('a', 'b');
      first.command({ kind: 'save', token: 5, changes: [{ key: 'k', value: bytes('old'), seq: 2, sub: 0 }] });
      const held = first.hold('writeState');
      const second = owner(await takeOver(generation));
      await second.open();
      second.command({ kind: 'save', token: 6, changes: [{ key: 'k', value: bytes('new'), seq: 1, sub: 0 }] });
      await second.run();
      first.reply(held, await first.carryOut(held));
      await first.run();
      expect(first.failed).toBe('FENCED');
      expect(first.answers.some(({ kind }) => kind === 'saved')).toBe(false);
      expect((await world.store().readState(log)).map((each) => text(each.value))).toEqual(['new']);
    });

    it('refuses a roll of an owner that was replaced', async () => {
      const first = owner(await takeOver(null), { limits: { segmentRowsMax: 1 } });
      await first.open();
      first.append('a');
      await first.run();
      const second = owner(await takeOver({ node: 'n', gen: 1 }));
      await second.open();
      first.command({ kind: 'sealed', changes: [] });
      first.append('late');
      await first.run();
      expect([first.acked, first.failed]).toEqual([1, 'FENCED']);
      second.append('b');
      await second.run();
      expect(await contents(second)).toEqual(['1 a', '2 b']);
    });

    it('does not let a replaced owner go on from its stub', async () => {
      const { generation, first } = await fresh('a');
      first.command({ kind: 'close', changes: [] });
      await first.run();
      const second = owner(await takeOver(generation));
      await second.open();
      const back = owner(generation, { stub: first.log.stub });
      back.command({ kind: 'open', create: true });
      await back.run();
      expect(back.failed).toBe('FENCED');
    });
  });
}

async function freshIn(world: World, log: string): Promise<{ generation: Generation; first: Owner }> {
  const generation = await world.store().createGeneration('n');
  await walk(world.store(), takeShard({ shard: shardOf(log), from: null, to: generation }));
  const first = new Owner({ store: world.store(), generation, log, now: world.now });
  await first.open();
  first.append('a');
  await first.run();
  return { generation, first };
}
