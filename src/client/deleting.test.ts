// A message that was deleted must leave the hub whole: also the edits that were on their way while it was deleted.
import { describe, expect, it } from 'vitest';
import type { Content, MessageRef } from '#proto/gen/content.ts';
import type { LocalSend } from '#proto/gen/local.ts';
import { Emptying, EmptyingCause, EventKind, MemberStatus, Role } from '#proto/gen/record.ts';
import { textContent } from './content.ts';
import { deletionOf } from './deleting.ts';
import { roomId, roomWorld } from './room-world.ts';
import type { Outgoing } from './waiting.ts';

const { EVENT_KIND_CONTENT: kind, EVENT_KIND_EMPTYING } = EventKind;
const { EMPTYING_CAUSE_AUTHOR, EMPTYING_CAUSE_MODERATOR } = EmptyingCause;
const [me, bob] = [1, 2];
const edit = (target: MessageRef): Content => ({
  ...textContent(''),
  body: { $case: 'edit', value: { target, text: 'better' } },
});
const deletion = (target: MessageRef): Content => ({
  ...textContent(''),
  body: { $case: 'deletion', value: { target } },
});
/** The message that the record `seq` of roomWorld is. */
const ref = (member: number, seq: number, device = 1): MessageRef => ({ member, device, sendId: seq });
const send = (position: number, content: Content) =>
  ({ room: roomId, position, kind, content, failed: 0 }) as LocalSend;

/** What was asked of the hub to empty. */
function emptied(outgoing: readonly Outgoing[]) {
  return outgoing
    .filter((one) => one.kind === EVENT_KIND_EMPTYING)
    .map(({ plainBody }) => Emptying.decode(plainBody as Uint8Array))
    .map(({ cause, seqs }) => ({ cause, seqs }));
}

function world(waiting: LocalSend[] = []) {
  const prepared: Outgoing[] = [];
  const settled: string[] = [];
  const made = roomWorld(
    { status: MemberStatus.MEMBER_STATUS_JOINED },
    {},
    {
      outbox: {
        waiting: () => waiting,
        prepare: (outgoing) => {
          prepared.push(outgoing);
          const row = { table: 'outbox', key: 'emptying', value: Uint8Array.of(1) } as const;
          return { rows: [row], settle: () => settled.push('settled') };
        },
      },
    },
  );
  return { ...made, waiting, prepared, settled };
}

describe('what deletes a message for all', () => {
  it('names its seq, those of its edits, and those of edits that were accepted and are not here yet', async () => {
    const { room, take } = world();
    await take(6, { member: me, device: 1, kind });
    await take(7, { member: bob, kind });
    await take(8, { member: me, device: 1, kind, content: edit(ref(me, 6)) });
    const [waits, accepted, other] = [send(1, edit(ref(me, 6))), send(2, edit(ref(me, 6))), send(3, edit(ref(me, 5)))];
    const outbox = {
      waiting: () => [waits, accepted, other],
      accepted: (one: LocalSend) => (one === accepted ? { seq: 9 } : undefined) as never,
    };
    const { outgoing, instead } = await deletionOf(room, outbox, '1.1.6');
    expect(outgoing[0]?.content).toEqual(deletion(ref(me, 6)));
    expect(emptied(outgoing)).toEqual([{ cause: EMPTYING_CAUSE_AUTHOR, seqs: [6, 8, 9] }]);
    expect(instead).toEqual([waits]);
  });

  it('is refused for what is not here, or of one who does not stand below', async () => {
    const { room, take } = world();
    await take(6, { member: bob, kind });
    const nothing = { waiting: () => [], accepted: () => undefined };
    await expect(deletionOf(room, nothing, '1.1.7')).rejects.toMatchObject({ code: 'UNKNOWN' });
    expect(emptied((await deletionOf(room, nothing, '2.2.6')).outgoing)).toEqual([
      { cause: EMPTYING_CAUSE_MODERATOR, seqs: [6] },
    ]);
    const equal = roomWorld({ status: MemberStatus.MEMBER_STATUS_JOINED, role: Role.ROLE_OWNER });
    await equal.take(6, { member: bob, kind });
    await expect(deletionOf(equal.room, nothing, '2.2.6')).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
  });
});

describe('an edit of a message that this device deleted', () => {
  it('is emptied when it comes: before the deletion came back, and after; known in the write that keeps it', async () => {
    const waiting = [send(1, deletion(ref(me, 6)))];
    const { store, take, prepared, settled } = world(waiting);
    await take(6, { member: me, device: 1, kind });
    await take(7, { member: me, device: 2, kind, content: edit(ref(me, 6)) });
    expect(emptied(prepared)).toEqual([{ cause: EMPTYING_CAUSE_AUTHOR, seqs: [7] }]);
    expect(settled).toHaveLength(1);
    expect(await store.get('outbox', 'emptying')).toBeDefined();
    waiting.length = 0;
    await take(8, { member: me, device: 1, kind, content: deletion(ref(me, 6)) });
    await take(9, { member: me, device: 1, kind, content: edit(ref(me, 6)) });
    expect(emptied(prepared).at(-1)).toEqual({ cause: EMPTYING_CAUSE_AUTHOR, seqs: [9] });
  });

  it('is emptied where a moderator deleted, too', async () => {
    const { take, prepared } = world([send(1, deletion(ref(bob, 6, 2)))]);
    await take(6, { member: bob, kind });
    await take(7, { member: bob, kind, content: edit(ref(bob, 6, 2)) });
    expect(emptied(prepared)).toEqual([{ cause: EMPTYING_CAUSE_MODERATOR, seqs: [7] }]);
  });

  it('is left alone where it is not the author who edits, and where another device deleted: that one empties', async () => {
    const { take, prepared } = world();
    await take(6, { member: me, device: 1, kind });
    await take(7, { member: bob, kind, content: edit(ref(me, 6)) });
    await take(8, { member: me, device: 2, kind, content: deletion(ref(me, 6)) });
    await take(9, { member: me, device: 1, kind, content: edit(ref(me, 6)) });
    expect(prepared).toEqual([]);
  });
});
