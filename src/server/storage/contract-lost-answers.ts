// The part of the store's contract that is about answers that do not come, although what was asked was done: it is done once, and given up in time.
import { describe, expect, it } from 'vitest';
import { takeShard } from '#actors/log/ownership.ts';
import type { OwnershipStore } from '#actors/ports/log-store.ts';
import { log, ownedBy, ownersOf, shard, type World } from './contract-owner.ts';
import { StorageError } from './store.ts';
import { walk } from './tenure.ts';

export function lostAnswersContract(name: string, world: World): void {
  const { owner, takeOver, contents, fresh } = ownersOf(world);

  describe(`time-outs that took effect, ${name}`, () => {
    it('writes a row once, however often its answer is lost', async () => {
      const { first } = await fresh('a');
      first.append('b');
      for (let i = 0; i < 3; i++) await first.lose('writeRows');
      await first.step('writeRows');
      await first.lose('cover');
      await first.run();
      expect(first.acked).toBe(2);
      expect(await contents(first)).toEqual(['1 a', '2 b']);
    });

    it('opens although the answer to its change was lost, and never uses an id twice', async () => {
      const { generation, first } = await fresh('a');
      first.log.drop();
      const second = owner(generation);
      second.command({ kind: 'open', create: true });
      await second.run('casMeta');
      await second.lose('casMeta');
      await second.run();
      expect(second.last('opened').nextSeq).toBe(2);
      second.append('b');
      await second.run();
      expect(await contents(second)).toEqual(['1 a', '2 b']);
      expect((await world.store().readMeta(log))?.segments.map(({ id }) => id)).toEqual([1, 3]);
    });

    it('lets go of the log when the answer to its roll is lost; the next actor goes on', async () => {
      const generation = await takeOver(null);
      const first = owner(generation, { limits: { segmentRowsMax: 1 } });
      await first.open();
      first.append('a');
      await first.run();
      first.command({ kind: 'sealed', changes: [] });
      await first.run('casMeta');
      await first.lose('casMeta');
      expect(first.failed).toBe('UNAVAILABLE');
      const second = owner(generation);
      expect((await second.open()).nextSeq).toBe(2);
    });

    it('gives up after six tries, not five', async () => {
      const { first } = await fresh('a');
      first.append('b');
      for (let i = 0; i < 5; i++) await first.lose('writeRows');
      expect(first.failed).toBeUndefined();
      await first.lose('writeRows');
      expect(first.failed).toBe('UNAVAILABLE');
    });

    it('gives up opening after eight tries, not seven', async () => {
      const { generation, first } = await fresh('a');
      first.log.drop();
      const second = owner(generation);
      second.command({ kind: 'open', create: true });
      for (let i = 0; i < 8; i++) {
        expect(second.failed).toBeUndefined();
        await second.run('casMeta');
        await second.lose('casMeta');
      }
      expect(second.failed).toBe('UNAVAILABLE');
    });

    it('takes a shard although the answer was lost', async () => {
      const { generation } = await fresh('a');
      const to = await world.store().createGeneration('n');
      let losses = 2;
      const store: OwnershipStore = {
        createGeneration: (node) => world.store().createGeneration(node),
        fence: (each) => world.store().fence(each),
        readFence: (each) => world.store().readFence(each),
        readShard: (each) => world.store().readShard(each),
        readAlive: (node, own) => world.store().readAlive(node, own),
        casShard: async (...asked) => {
          const applied = await world.store().casShard(...asked);
          if (losses-- > 0) throw new StorageError('UNANSWERED', 'nothing heard');
          return applied;
        },
      };
      const from = await ownedBy(world.store(), shard, generation);
      expect(await walk(store, takeShard({ shard, from, to }))).toMatchObject(to);
    });
  });
}
