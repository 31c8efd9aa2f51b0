// The part of the store's contract in which a log moves from owner to owner: takeovers in a row and at once, hand-overs, actors that crash with a write
// under way, clocks that jump. Whatever happens, what was acked stays, once and in order.
import { describe, expect, it } from 'vitest';
import { handOver, keepShard, takeShard } from '#actors/log/ownership.ts';
import type { Generation } from '#actors/ports/log-store.ts';
import { bytes, ownedBy, ownersOf, shard, text, type World } from './contract-owner.ts';
import { walk } from './tenure.ts';

const hourMs = 3_600_000;

export function movesContract(name: string, world: World): void {
  const { owner, takeOver, contents, fresh } = ownersOf(world);

  describe(`takeovers, ${name}`, () => {
    it('keeps what every owner acked, also where some in between stopped at any step of opening', async () => {
      let { generation } = await fresh('0');
      const expected = ['1 0'];
      for (const until of [undefined, 'readMeta', 'readState', 'readRows', 'writeRows', 'casMeta'] as const) {
        generation = await takeOver(generation);
        const halfway = owner(generation);
        halfway.command({ kind: 'open', create: true });
        if (until !== undefined) await halfway.run(until);
        generation = await takeOver(generation);
        const next = owner(generation);
        await next.open();
        next.append(`${until}`);
        await next.run();
        expected.push(`${expected.length + 1} ${until}`);
        expect(next.acked).toBe(expected.length);
        // A store whose reads are durable writes nothing while opening: this one is open by now.
        if (halfway.answers.length > 0) halfway.append('late');
        await halfway.run();
        expect(halfway.failed).toBe('FENCED');
        expect(await contents(next)).toEqual(expected);
      }
    });

    it('ends with one owner where several take over at once, and all of them know which', async () => {
      const { generation } = await fresh('a');
      const takers = await Promise.all(['n', 'm', 'o'].map((node) => world.store().createGeneration(node)));
      const from = await ownedBy(world.store(), shard, generation);
      const owners = await Promise.all(takers.map((to) => walk(world.store(), takeShard({ shard, from, to }))));
      expect(new Set(owners.map((each) => JSON.stringify(each))).size).toBe(1);
      const { node, gen } = owners[0] as Generation;
      expect(takers).toContainEqual({ node, gen });
      const winner = owner({ node, gen });
      await winner.open();
      expect(await contents(winner)).toEqual(['1 a']);
    });

    it('never shows a row that comes after two takeovers, to anyone', async () => {
      const { generation, first } = await fresh('a');
      first.append('late');
      const held = first.hold('writeRows');
      const second = await takeOver(generation);
      await owner(second).open();
      const third = owner(await takeOver(second));
      await third.open();
      third.append('b');
      await third.run();
      first.reply(held, await first.carryOut(held));
      await first.run();
      expect([first.acked, first.failed]).toEqual([1, 'FENCED']);
      const fourth = owner(await takeOver({ node: 'n', gen: 3 }));
      expect((await fourth.open()).rows.map((each) => text(each.bytes))).toEqual(['a', 'b']);
      expect(await contents(fourth)).toEqual(['1 a', '2 b']);
    });
  });

  describe(`hand-overs, ${name}`, () => {
    const handedOver = async (from: Generation, to: Generation) =>
      await walk(world.store(), handOver({ shard, from: await ownedBy(world.store(), shard, from), to }));

    it('gives a log there and back, with a write under way when it stopped', async () => {
      const { generation, first } = await fresh('a');
      first.append('late');
      const held = first.hold('writeRows');
      first.log.drop();
      const to = await world.store().createGeneration('m');
      expect(await handedOver(generation, to)).toMatchObject(to);
      const second = owner(to);
      await second.open();
      second.append('b');
      await second.run();
      await first.carryOut(held);
      expect(await contents(second)).toEqual(['1 a', '2 b']);
      second.log.drop();
      expect(await handedOver(to, generation)).toMatchObject(generation);
      const back = owner(generation);
      await back.open();
      back.append('c');
      await back.run();
      expect(back.acked).toBe(3);
      expect(await contents(back)).toEqual(['1 a', '2 b', '3 c']);
    });

    it('is refused to whoever does not own the shard any more', async () => {
      const { generation } = await fresh('a');
      const second = await takeOver(generation);
      const to = await world.store().createGeneration('m');
      expect(await handedOver(generation, to)).toMatchObject(second);
    });

    it("can't come about late once the giver has made sure that the shard is still its own", async () => {
      const { generation } = await fresh('a');
      const to = await world.store().createGeneration('m');
      const before = await ownedBy(world.store(), shard, generation);
      const kept = await walk(world.store(), keepShard(shard, before));
      expect(kept).toMatchObject(generation);
      expect(await world.store().casShard(shard, before, to)).toBe(false);
      expect(await world.store().readShard(shard)).toEqual(kept);
    });
  });

  describe(`an actor that crashes on a node that lives, ${name}`, () => {
    it('leaves a write under way that no one sees once the log was opened again', async () => {
      const { generation, first } = await fresh('a');
      first.append('late');
      const held = first.hold('writeRows');
      first.log.drop();
      const second = owner(generation);
      expect((await second.open()).nextSeq).toBe(2);
      second.append('b');
      await second.run();
      await first.carryOut(held);
      expect(await contents(second)).toEqual(['1 a', '2 b']);
      second.log.drop();
      const third = owner(generation);
      expect((await third.open()).rows.map((each) => text(each.bytes))).toEqual(['a', 'b']);
    });

    it('leaves a row that was written and not acked, once', async () => {
      const { generation, first } = await fresh('a');
      first.append('b');
      await first.step('writeRows');
      first.log.drop();
      const second = owner(generation);
      expect((await second.open()).nextSeq).toBe(3);
      expect([first.acked, await contents(second)]).toEqual([1, ['1 a', '2 b']]);
    });
  });

  it(`keeps order, rows and state whatever the clocks of owners say, ${name}`, async () => {
    let { generation } = await fresh('0');
    const expected = ['1 0'];
    for (const jump of [-hourMs, 3 * hourMs, -24 * hourMs, 48 * hourMs]) {
      world.pass(jump);
      generation = await takeOver(generation);
      const next = owner(generation);
      expect((await next.open()).nextSeq).toBe(expected.length + 1);
      next.append(`${jump}`);
      await next.run();
      expected.push(`${expected.length + 1} ${jump}`);
      // In the middle of a segment too.
      world.pass(-jump / 2);
      next.append('more');
      await next.run();
      expected.push(`${expected.length + 1} more`);
      const change = { key: 'k', value: bytes(`${jump}`), seq: expected.length, sub: 0 };
      next.command({ kind: 'save', token: 1, changes: [change] });
      next.command({ kind: 'rewrite', token: 2, rows: [{ seq: 1, bytes: bytes(`0 ${jump}`) }] });
      await next.run();
      expected[0] = `1 0 ${jump}`;
      expect(await contents(next)).toEqual(expected);
      const state = await world.store().readState('room/!a:lux', ['k']);
      expect(state.map((each) => text(each.value))).toEqual([`${jump}`]);
    }
  });
}
