// The part of the store's contract that is about one owner at a time: what the log promises its actor, over any store.
import { describe, expect, it } from 'vitest';
import type { Generation } from '#actors/ports/log-store.ts';
import { bytes, log, type Owner, ownersOf, text, type World, yearMs } from './contract-owner.ts';

export function logContract(name: string, world: World): void {
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
}
