// The half of the store's contract that is about owners: what the log promises its actor, and what happens when owners stand still at any step,
// come back after others took over, hear nothing of what they did, or crash on a live node.
import { describe, expect, it } from 'vitest';
import { takeShard } from '#actors/log/ownership.ts';
import { shardOf } from '#actors/log/shards.ts';
import type { Generation, OwnershipStore } from '#actors/ports/log-store.ts';
import { bytes, log, Owner, ownedBy, ownersOf, shard, text, type World, yearMs } from './contract-owner.ts';
import { walk } from './tenure.ts';

export function ownersContract(name: string, world: World): void {
  const { owner, takeOver, contents, fresh } = ownersOf(world);

  describe(`a log and its actor, ${name}`, () => {
    it('acks rows in order, and a new actor on the same node finds them', async () => {
      const { generation, first } = await fresh('a', 'b');
      first.append('c');
      await first.run();
      expect(first.answers.filter(({ kind }) => kind === 'appended')).toMatchObject([
        { throughSeq: 2 },
        { throughSeq: 3 },
      ]);
      first.log.drop();
      const second = owner(generation);
      const opened = await second.open();
      expect(opened).toMatchObject({ exists: true, nextSeq: 4, floor: 1 });
      expect(opened.rows.map((each) => text(each.bytes))).toEqual(['a', 'b', 'c']);
      expect((await world.store().readMeta(log))?.segments).toMatchObject([
        { id: 1, end: 4 },
        { id: 2, start: 4, end: null },
      ]);
    });

    it('leaves no trace of a log that was only looked at, and makes one at the first append', async () => {
      const generation = await takeOver(null);
      const curious = owner(generation);
      expect(await curious.open(false)).toMatchObject({ exists: false, nextSeq: 1, rows: [], state: [] });
      curious.command({ kind: 'close', changes: [] });
      await curious.run();
      expect(curious.last('closed')).toBeDefined();
      expect(await world.store().readMeta(log)).toBeNull();
      const writer = owner(generation, { stub: curious.log.stub });
      await writer.open(false);
      writer.append('a');
      writer.append('b');
      await writer.run();
      expect(writer.acked).toBe(2);
      expect(await contents(writer)).toEqual(['1 a', '2 b']);
    });

    it('goes on in the same segment after a clean close, with nothing to apply again', async () => {
      const { generation, first } = await fresh('a');
      first.command({ kind: 'close', changes: [{ key: 'k', value: bytes('v'), seq: 1, sub: 0 }] });
      await first.run();
      expect(first.last('closed')).toBeDefined();
      const second = owner(generation, { stub: first.log.stub });
      const opened = await second.open();
      expect(opened).toMatchObject({ rows: [], nextSeq: 2, state: [{ key: 'k' }] });
      second.append('b');
      await second.run();
      expect(await contents(second)).toEqual(['1 a', '2 b']);
      expect((await world.store().readMeta(log))?.version).toBe(1);
    });

    it('opens a new segment where the stub is gone, and still has nothing to apply again', async () => {
      const { first } = await fresh('a');
      first.command({ kind: 'close', changes: [{ key: 'k', value: bytes('v'), seq: 1, sub: 0 }] });
      await first.run();
      const second = owner(await takeOver({ node: 'n', gen: 1 }));
      expect(await second.open()).toMatchObject({ rows: [], nextSeq: 2, state: [{ key: 'k' }] });
    });

    it('asks for state and rolls at n rows, not before, while appends wait', async () => {
      const limits = { segmentRowsMax: 3 };
      const first = owner(await takeOver(null), { limits });
      await first.open();
      first.append('a', 'b');
      await first.run();
      expect(first.answers.some(({ kind }) => kind === 'sealing')).toBe(false);
      first.append('c');
      first.append('d');
      await first.run();
      expect(first.acked).toBe(3);
      expect(first.last('sealing')).toBeDefined();
      first.append('e');
      first.command({ kind: 'sealed', changes: [{ key: 'k', value: bytes('abc'), seq: 3, sub: 0 }] });
      await first.run();
      expect(first.acked).toBe(5);
      expect((await world.store().readMeta(log))?.segments).toMatchObject([
        { id: 1, end: 4 },
        { id: 2, start: 4, end: null },
      ]);
      first.log.drop();
      const second = owner(await takeOver({ node: 'n', gen: 1 }));
      const opened = await second.open();
      expect(opened.rows.map(({ seq }) => seq)).toEqual([4, 5]);
      expect(opened.state.map((each) => text(each.value))).toEqual(['abc']);
      expect(await contents(second)).toEqual(['1 a', '2 b', '3 c', '4 d', '5 e']);
    });

    it('rolls by bytes and by age', async () => {
      const first = owner(await takeOver(null), { limits: { segmentBytesMax: 4 } });
      await first.open();
      first.append('abc');
      await first.run();
      expect(first.answers.at(-1)?.kind).toBe('appended');
      first.append('d');
      await first.run();
      expect(first.answers.at(-1)?.kind).toBe('sealing');
      first.command({ kind: 'sealed', changes: [] });
      await first.run();
      first.append('e');
      await first.run();
      world.pass(7 * 24 * 3_600_000 - 1);
      first.log.tick(world.now());
      expect(first.answers.at(-1)?.kind).toBe('appended');
      world.pass(1);
      first.log.tick(world.now());
      expect(first.answers.at(-1)?.kind).toBe('sealing');
    });

    it('closes where its question for state and the close cross', async () => {
      const first = owner(await takeOver(null), { limits: { segmentRowsMax: 1 } });
      await first.open();
      first.append('a');
      await first.run();
      expect(first.answers.at(-1)?.kind).toBe('sealing');
      first.command({ kind: 'close', changes: [] });
      first.command({ kind: 'sealed', changes: [] });
      await first.run();
      expect(first.answers.at(-1)?.kind).toBe('closed');
      const second = owner({ node: 'n', gen: 1 }, { stub: first.log.stub, limits: { segmentRowsMax: 1 } });
      await second.open();
      expect(second.answers.at(-1)?.kind).toBe('sealing');
    });

    it('raises the floor of an open log as its rows expire', async () => {
      const { first } = await fresh();
      const now = world.now();
      const lives = [yearMs, yearMs + 1000, 2 * yearMs];
      first.appendRows(lives.map((ms) => ({ bytes: bytes('x'), acceptedMs: now, expiresMs: now + ms })));
      await first.run();
      const floors: [number, number][] = [];
      for (const ms of [0, yearMs, 1000, yearMs]) {
        world.pass(ms);
        floors.push([(await contents(first)).length, first.last('rows').floor]);
      }
      expect(floors).toEqual([
        [3, 1],
        [2, 2],
        [1, 3],
        [0, 4],
      ]);
    });

    it('pages through segments both ways', async () => {
      const first = owner(await takeOver(null), { limits: { segmentRowsMax: 2 } });
      await first.open();
      for (const each of ['a', 'b', 'c', 'd', 'e']) {
        first.append(each);
        await first.run();
        if (first.answers.at(-1)?.kind === 'sealing') first.command({ kind: 'sealed', changes: [] });
        await first.run();
      }
      const read = async (fromSeq: number, throughSeq: number, limit: number, backwards: boolean) => {
        first.command({ kind: 'read', token: 9, fromSeq, throughSeq, limit, bytesMax: 1000, backwards });
        await first.run();
        const { rows, next } = first.last('rows');
        return `${rows.map((each) => text(each.bytes)).join('')} ${next}`;
      };
      expect(await read(1, 99, 3, false)).toBe('abc 4');
      expect(await read(4, 99, 3, false)).toBe('de 0');
      expect(await read(1, 4, 2, false)).toBe('ab 3');
      expect(await read(1, 99, 2, true)).toBe('de 3');
      expect(await read(1, 3, 3, true)).toBe('abc 0');
      expect(await read(1, 4, 2, true)).toBe('cd 2');
      expect(await read(6, 99, 2, true)).toBe(' 0');
    });

    it('puts emptied bytes in the place of a row, also with a clock that is behind', async () => {
      const { generation, first } = await fresh('a', 'b', 'c');
      world.pass(-5_000);
      first.command({ kind: 'rewrite', token: 4, rows: [{ seq: 2, bytes: bytes('') }] });
      await first.run();
      expect(first.last('rewritten')).toEqual({ kind: 'rewritten', token: 4 });
      expect(await contents(first)).toEqual(['1 a', '2 ', '3 c']);
      first.log.drop();
      const second = owner(generation);
      await second.open();
      expect(await contents(second)).toEqual(['1 a', '2 ', '3 c']);
    });

    it('lets rows below the floor go, and whole segments with them', async () => {
      const { generation, first } = await fresh('a', 'b');
      first.command({ kind: 'close', changes: [{ key: 'k', value: bytes('ab'), seq: 2, sub: 0 }] });
      await first.run();
      world.pass(yearMs);
      const second = owner(generation, { stub: first.log.stub });
      await second.open();
      expect(second.answers.at(-1)?.kind).toBe('sealing');
      second.command({ kind: 'sealed', changes: [] });
      second.append('c');
      await second.run();
      world.pass(yearMs + 1);
      const third = owner(await takeOver(generation));
      expect(await third.open()).toMatchObject({ floor: 3, nextSeq: 4, state: [{ key: 'k' }] });
      expect(await contents(third)).toEqual(['3 c']);
      expect((await world.store().readMeta(log))?.segments.map(({ start }) => start)).toEqual([3, 4]);
    });

    it('fails an actor that breaks the contract, and writes nothing of it', async () => {
      const wrong: ((first: Owner) => void)[] = [
        (first) => first.command({ kind: 'append', fromSeq: 3, rows: [] }),
        (first) => first.command({ kind: 'open', create: true }),
        (first) => first.command({ kind: 'sealed', changes: [] }),
        (first) => first.command({ kind: 'rewrite', token: 1, rows: [{ seq: 2, bytes: bytes('') }] }),
        (first) => first.command({ kind: 'save', token: 1, changes: [{ key: 'k', value: null, seq: 2, sub: 0 }] }),
        (first) => first.command({ kind: 'save', token: 1, changes: [{ key: '~k', value: null, seq: 1, sub: 0 }] }),
        (first) =>
          first.command({ kind: 'save', token: 1, changes: [{ key: 'k'.repeat(129), value: null, seq: 1, sub: 0 }] }),
        (first) =>
          first.command({
            kind: 'save',
            token: 1,
            changes: [{ key: 'k', value: new Uint8Array(1024 * 1024 + 1), seq: 1, sub: 0 }],
          }),
      ];
      let generation: Generation | null = null;
      for (const each of wrong) {
        generation = await takeOver(generation);
        const first = owner(generation);
        await first.open();
        if ((await world.store().readMeta(log))?.version === 1) first.append('a');
        await first.run();
        each(first);
        expect([first.failed, first.broken.length, first.asked.length]).toEqual(['UNAVAILABLE', 1, 0]);
      }
      const [key, value] = ['k'.repeat(128), new Uint8Array(1024 * 1024)];
      const good = owner(await takeOver(generation));
      await good.open();
      good.command({ kind: 'save', token: 1, changes: [{ key, value, seq: 1, sub: 0 }] });
      await good.run();
      expect(good.last('saved').token).toBe(1);
    });
  });

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
          if (losses-- > 0) throw new Error('nothing heard');
          return applied;
        },
      };
      const from = await ownedBy(world.store(), shard, generation);
      expect(await walk(store, takeShard({ shard, from, to }))).toMatchObject(to);
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
