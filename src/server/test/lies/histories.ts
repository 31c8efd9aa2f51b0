// Lies about what happened in a room: an older past, or another past than others are shown.
import { comesBack, numberOf, reads, type Scene, says } from '../liar-scene.ts';
import { goesOn } from './belief.ts';
import type { Lie } from './lie.ts';

/** The past is rolled back, or forked. */
export const histories: readonly Lie[] = [
  {
    lie: 'rolls back the control chain at the next login',
    noticed: 'CONTROL_ROLLED_BACK',
    freezes: true,
    without: ['freezing'],
    tell: (scene) =>
      otherHead(scene, ({ control }) => {
        const number = (control?.number ?? 1) - 1;
        return { control: { number, hash: scene.alice.held.need(scene.room).replica.chain.hashAt(number) } };
      }),
    believed: goesOn,
  },
  {
    lie: 'tells of another control chain of the same length',
    noticed: 'CONTROL_ROLLED_BACK',
    freezes: true,
    without: ['freezing'],
    tell: (scene) =>
      otherHead(scene, ({ control }) => ({ control: { number: control?.number, hash: new Uint8Array(32).fill(9) } })),
    believed: goesOn,
  },
  {
    lie: 'rolls back the log at the next login',
    noticed: 'HISTORY_FORKED',
    freezes: true,
    without: ['freezing'],
    tell: (scene) => otherHead(scene, ({ headSeq }) => ({ headSeq: headSeq - 1 })),
    believed: goesOn,
  },
  {
    lie: 'tells of another log of the same length',
    noticed: 'HISTORY_FORKED',
    freezes: true,
    without: ['freezing'],
    tell: (scene) => otherHead(scene, () => ({ headHash: new Uint8Array(32).fill(9) })),
    believed: goesOn,
  },
  {
    lie: 'serves two histories: two messages in another order than one other member got them',
    noticed: 'HISTORY_FORKED',
    // One voice alone might lie: it is told and marked, and holds nobody up.
    freezes: false,
    without: ['freezing'],
    tell: swapsTwoMessages,
    believed: async ({ alice, room }) =>
      (await alice.timeline(room)).some(
        ({ content, contradicts }) =>
          content?.body?.$case === 'text' && content.body.value.text === 'third' && !contradicts,
      ),
  },
  {
    lie: 'serves two histories, as two other members show',
    noticed: 'HISTORY_FORKED',
    freezes: true,
    without: ['freezing'],
    tell: async (scene) => {
      await swapsTwoMessages(scene);
      await reads(scene.eve, scene.room, 'third');
      await says(scene.eve, scene.room, 'fourth');
      await reads(scene.alice, scene.room, 'fourth');
    },
    believed: goesOn,
  },
];

/** Breaks the connection, and the list that Alice gets then names another head. */
async function otherHead(
  scene: Scene,
  change: (entry: {
    headSeq: number;
    headHash: Uint8Array;
    control: { number: number; hash: Uint8Array } | undefined;
  }) => object,
): Promise<void> {
  scene.liar.down = (told) => {
    if (told.$case !== 'roomList' && told.$case !== 'subscribed') return told;
    const rooms = told.value.rooms.map((entry) => (entry.room === scene.room ? { ...entry, ...change(entry) } : entry));
    return { ...told, value: { ...told.value, rooms } } as typeof told;
  };
  await comesBack(scene);
}

/** Bob's first two messages come to Alice the other way round, his third follows. */
async function swapsTwoMessages(scene: Scene): Promise<void> {
  const { liar, bob, alice, room } = scene;
  const number = numberOf(scene, bob);
  const held: Parameters<Parameters<typeof liar.rewrite>[1]>[0][] = [];
  liar.rewrite(room, (record, header) => {
    if (header.member !== number) return [record];
    held.push(record);
    return held.length === 1 ? [] : held.length === 2 ? [record, held[0] as typeof record] : [record];
  });
  for (const text of ['first', 'second', 'third']) {
    await says(bob, room, text);
    await reads(bob, room, text);
  }
  await reads(alice, room, 'third');
}
