// What a device knows of blocks: asked once and kept, told when it changes, and what is therefore not shown.
import { expect, it } from 'vitest';
import type { Block } from '#proto/gen/client.ts';
import { testPrimitives } from '#proto/golden/cast.ts';
import { directRoomId } from '#proto/rules/ids.ts';
import { ClientError } from '../errors.ts';
import type { Parts } from '../parts.ts';
import { MemoryStore } from '../store/memory-store.ts';
import { Blocks } from './blocks.ts';

const [ann, bob, cleo] = ['@ann:lux.example', '@bob:lux.example', '@cleo:lux.example'];
const withBob = directRoomId(ann, bob, testPrimitives);

/** A provider that keeps blocks, with pages of one. */
class World {
  readonly store = new MemoryStore();
  readonly asked: string[] = [];
  readonly back: string[][] = [];
  kept: Block[] = [];
  fails = false;
  there = new Set([bob, cleo]);
  met = new Set<string>();

  blocks(): Blocks {
    const request = async (body: { $case: string; value: { after?: string; user?: string; blocked?: boolean } }) => {
      if (this.fails) throw new Error('no answer');
      this.asked.push(body.$case);
      if (body.$case === 'setBlock') {
        const { user = '', blocked } = body.value;
        this.kept = [{ user, spans: [{ sinceMs: 10, untilMs: blocked ? 0 : 20 }] }];
        return {};
      }
      const [first, ...rest] = this.kept.filter(({ user }) => user > (body.value.after ?? ''));
      return { blocks: first ? [first] : [], next: rest.length > 0 ? (first?.user ?? '') : '' };
    };
    const person = async (user: string) => {
      this.asked.push(`who is ${user}`);
      if (!this.there.has(user)) throw new ClientError('UNKNOWN', 'nobody');
    };
    const parts = {
      user: ann,
      primitives: testPrimitives,
      store: this.store,
      request,
      people: { person },
    } as unknown as Parts;
    return new Blocks({
      parts: () => parts,
      rooms: { meets: (user) => this.met.has(user) },
      changed: async (back) => void this.back.push([...back]),
    });
  }
}

it('asks all pages once, keeps them, and asks no more after a restart', async () => {
  const world = new World();
  world.kept = [bob, cleo].map((user) => ({ user, spans: [{ sinceMs: 5, untilMs: 0 }] }));
  const first = world.blocks();
  await first.load();
  await first.first();
  expect(first.list()).toEqual([bob, cleo]);
  expect(world.asked).toEqual(['listBlocks', 'listBlocks']);
  const again = world.blocks();
  await again.load();
  await again.first();
  expect(world.asked).toHaveLength(2);
  expect([again.isBlocked(bob), again.hidesRoom(withBob), again.hidesRoom('!x')]).toEqual([true, true, false]);
});

it('keeps that nobody is blocked, too', async () => {
  const world = new World();
  for (let run = 0; run < 2; run++) {
    const blocks = world.blocks();
    await blocks.load();
    await blocks.first();
    expect(blocks.list()).toEqual([]);
  }
  expect(world.asked).toEqual(['listBlocks']);
});

it('hides all while someone is blocked, and later what they said meanwhile', async () => {
  const world = new World();
  const blocks = world.blocks();
  await blocks.load();
  await blocks.set(bob, true);
  expect([1, 15, 25].map((at) => blocks.hides(bob, at))).toEqual([true, true, true]);
  await blocks.set(bob, false);
  expect([9, 10, 19, 20].map((at) => blocks.hides(bob, at))).toEqual([false, true, true, false]);
  expect([blocks.hides(cleo, 15), blocks.hidesRoom(withBob)]).toEqual([false, false]);
  expect(world.back).toEqual([[], [withBob]]);
});

it('refuses to block oneself or nobody, and says nothing of what the provider did not take', async () => {
  const world = new World();
  const blocks = world.blocks();
  for (const user of [ann, 'bob']) await expect(blocks.set(user, true)).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
  world.fails = true;
  await expect(blocks.set(bob, true)).rejects.toThrow('no answer');
  expect([blocks.list(), world.back]).toEqual([[], []]);
});

// `block` of a mistyped id said "Blocked", and whoever was meant went on writing.
it('blocks no id that nobody has, and asks nobody about who was met or is blocked', async () => {
  const world = new World();
  const blocks = world.blocks();
  world.there.delete(cleo);
  await expect(blocks.set(cleo, true)).rejects.toMatchObject({ code: 'UNKNOWN' });
  expect(world.asked).toEqual([`who is ${cleo}`]);
  world.there.clear();
  world.met.add(bob);
  await blocks.set(bob, true);
  world.met.clear();
  for (const blocked of [true, false]) await blocks.set(bob, blocked);
  expect(world.asked.filter((each) => each === `who is ${bob}`)).toEqual([]);
  expect(world.asked.filter((each) => each === 'setBlock')).toHaveLength(3);
});
